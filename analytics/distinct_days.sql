-- distinct_days(shard_keys, from_day, to_day, kinds, by_month) --
-- Every day of these shards that has attempts, with the bitmaps of its seal if that still holds; nulls where facts must
-- be read. Null days: unbounded; to_day is excluded. With by_month, months that lie whole in the range and have a seal that holds
-- come instead of their days. In a sealed day everything dialed is settled.
WITH whole AS MATERIALIZED (
    SELECT n.*
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
    INNER JOIN number_month_seals AS n
        ON n.shard_key = m.shard_key AND n.month = m.month AND n.attempts = m.attempts AND n.changes = m.changes
)
SELECT
    shard_key,
    month AS day,
    true AS is_sealed,
    CASE WHEN 'dialed' = ANY ($4::text []) OR 'settled' = ANY ($4) THEN dialed END AS dialed,
    CASE WHEN 'answered' = ANY ($4) THEN answered END AS answered,
    CASE WHEN 'person' = ANY ($4) THEN person END AS person,
    CASE WHEN 'target' = ANY ($4) THEN target END AS target,
    CASE WHEN 'success' = ANY ($4) THEN success END AS success
FROM whole
UNION ALL
SELECT
    d.shard_key,
    d.day,
    n.shard_key IS NOT NULL,
    CASE WHEN 'dialed' = ANY ($4) OR 'settled' = ANY ($4) THEN n.dialed END,
    CASE WHEN 'answered' = ANY ($4) THEN n.answered END,
    CASE WHEN 'person' = ANY ($4) THEN n.person END,
    CASE WHEN 'target' = ANY ($4) THEN n.target END,
    CASE WHEN 'success' = ANY ($4) THEN n.success END
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
LEFT JOIN number_seals AS n
    ON n.shard_key = d.shard_key AND n.day = d.day AND n.attempts = d.attempts AND n.changes = d.changes
WHERE d.attempts > 0
    AND (d.shard_key, date_trunc('month', d.day)::date) NOT IN (SELECT shard_key, month FROM whole)
ORDER BY day, shard_key
