-- attribution_days(shard_keys, from_day, to_day, by_month, dim) --
-- As `distinct_days`, told apart by the values of a dimension of `stats`: every day of these shards that has attempts, by the
-- seals of `attribution_seals`.
WITH whole AS MATERIALIZED (
    SELECT a.shard_key, a.day, a.attempts, a.changes, a.sealed_time
    FROM (
        SELECT
            shard_key,
            (date_trunc('month', bucket_time, 'UTC') AT TIME ZONE 'UTC')::date AS month,
            sum(attempts)::integer AS attempts,
            sum(changes)::integer AS changes
        FROM (
            SELECT shard_key, bucket_time, attempts, changes FROM stats
            WHERE dim = 101
            UNION ALL
            SELECT shard_key, bucket_time, attempts, changes FROM stats_live
            WHERE dim = 1
        ) AS told
        WHERE $4::boolean
            AND shard_key = ANY ($1::integer [])
            AND bucket_time >= coalesce(
                date_trunc('month', $2::date::timestamp + interval '1 month' - interval '1 day') AT TIME ZONE 'UTC', '-infinity'
            )
            AND bucket_time < coalesce(date_trunc('month', $3::date::timestamp) AT TIME ZONE 'UTC', 'infinity')
        GROUP BY 1, 2
    ) AS m
    INNER JOIN attribution_seals AS a
        ON a.shard_key = m.shard_key AND a.dim = $5::smallint + 100 AND a.day = m.month
            AND a.attempts = m.attempts AND a.changes = m.changes
)
SELECT shard_key, day, true AS is_month, attempts, changes, sealed_time, $5 AS dim
FROM whole
UNION ALL
SELECT d.shard_key, d.day, false, d.attempts, d.changes, a.sealed_time, $5
FROM (
    SELECT
        shard_key,
        (bucket_time AT TIME ZONE 'UTC')::date AS day,
        sum(attempts)::integer AS attempts,
        sum(changes)::integer AS changes
    FROM stats_now
    WHERE shard_key = ANY ($1)
        AND dim = 1
        AND bucket_time >= coalesce($2::date::timestamp AT TIME ZONE 'UTC', '-infinity')
        AND bucket_time < coalesce($3::date::timestamp AT TIME ZONE 'UTC', 'infinity')
    GROUP BY 1, 2
) AS d
LEFT JOIN attribution_seals AS a
    ON a.shard_key = d.shard_key AND a.dim = $5 AND a.day = d.day AND a.attempts = d.attempts AND a.changes = d.changes
WHERE d.attempts > 0
    AND (d.shard_key, date_trunc('month', d.day)::date) NOT IN (SELECT shard_key, date_trunc('month', day)::date FROM whole)
