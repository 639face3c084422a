-- attribution_days(shard_keys, from_day, to_day, kinds, by_month, dim) --
-- As `distinct_days`, told apart by the values of a dimension of `stats`: every day of these shards that has attempts, with the
-- bitmaps of each value if its seal still holds; nulls where facts must be read. With by_month, months that lie whole in the range
-- and have a seal that holds come instead of their days.
WITH whole AS MATERIALIZED (
    SELECT a.*
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
        WHERE $5::boolean
            AND shard_key = ANY ($1::integer [])
            AND bucket_time >= coalesce(
                date_trunc('month', $2::date::timestamp + interval '1 month' - interval '1 day') AT TIME ZONE 'UTC', '-infinity'
            )
            AND bucket_time < coalesce(date_trunc('month', $3::date::timestamp) AT TIME ZONE 'UTC', 'infinity')
        GROUP BY 1, 2
    ) AS m
    INNER JOIN attribution_seals AS a
        ON a.shard_key = m.shard_key AND a.dim = $6::smallint + 100 AND a.day = m.month
            AND a.attempts = m.attempts AND a.changes = m.changes
)
SELECT
    shard_key,
    day,
    true AS is_sealed,
    value_texts,
    CASE WHEN 'dialed' = ANY ($4::text []) THEN dialed END AS dialed,
    CASE WHEN 'answered' = ANY ($4) THEN answered END AS answered,
    CASE WHEN 'person' = ANY ($4) THEN person END AS person,
    CASE WHEN 'target' = ANY ($4) THEN target END AS target,
    CASE WHEN 'success' = ANY ($4) THEN success END AS success
FROM whole
UNION ALL
SELECT
    d.shard_key,
    d.day,
    a.shard_key IS NOT NULL,
    a.value_texts,
    CASE WHEN 'dialed' = ANY ($4) THEN a.dialed END,
    CASE WHEN 'answered' = ANY ($4) THEN a.answered END,
    CASE WHEN 'person' = ANY ($4) THEN a.person END,
    CASE WHEN 'target' = ANY ($4) THEN a.target END,
    CASE WHEN 'success' = ANY ($4) THEN a.success END
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
    ON a.shard_key = d.shard_key AND a.dim = $6 AND a.day = d.day AND a.attempts = d.attempts AND a.changes = d.changes
WHERE d.attempts > 0
    AND (d.shard_key, date_trunc('month', d.day)::date) NOT IN (SELECT shard_key, date_trunc('month', day)::date FROM whole)
