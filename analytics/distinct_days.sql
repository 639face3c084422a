-- distinct_days(shard_keys, from_day, to_day, by_month) --
-- Every day of these shards that has attempts, and which seal of it holds, by its mark; nulls where facts must be read. Null days:
-- unbounded; to_day is excluded. With by_month, months that lie whole in the range and have a seal that holds come instead of
-- their days.
WITH whole AS MATERIALIZED (
    SELECT n.shard_key, n.month, n.attempts, n.changes, n.sealed_time
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
    INNER JOIN number_month_seals AS n
        ON n.shard_key = m.shard_key AND n.month = m.month AND n.attempts = m.attempts AND n.changes = m.changes
)
SELECT shard_key, month AS day, true AS is_month, attempts, changes, sealed_time
FROM whole
UNION ALL
SELECT d.shard_key, d.day, false, d.attempts, d.changes, n.sealed_time
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
        AND (shard_key, (date_trunc('month', bucket_time, 'UTC') AT TIME ZONE 'UTC')::date) NOT IN (SELECT shard_key, month FROM whole)
    GROUP BY 1, 2
) AS d
LEFT JOIN number_seals AS n
    ON n.shard_key = d.shard_key AND n.day = d.day AND n.attempts = d.attempts AND n.changes = d.changes
WHERE d.attempts > 0
ORDER BY day, shard_key
