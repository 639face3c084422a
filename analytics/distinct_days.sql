-- distinct_days(shard_keys, from_day, to_day, kinds) --
-- Every day of these shards that has attempts, with the bitmaps of its seal if that still holds; nulls where facts must
-- be read. Null days: unbounded; to_day is excluded.
SELECT
    d.shard_key,
    d.day,
    n.shard_key IS NOT NULL AS is_sealed,
    CASE WHEN 'dialed' = ANY ($4::text []) THEN n.dialed END AS dialed,
    CASE WHEN 'settled' = ANY ($4::text []) THEN n.settled END AS settled,
    CASE WHEN 'answered' = ANY ($4::text []) THEN n.answered END AS answered,
    CASE WHEN 'person' = ANY ($4::text []) THEN n.person END AS person,
    CASE WHEN 'target' = ANY ($4::text []) THEN n.target END AS target,
    CASE WHEN 'success' = ANY ($4::text []) THEN n.success END AS success
FROM (
    SELECT
        shard_key,
        (bucket_time AT TIME ZONE 'UTC')::date AS day,
        sum(attempts)::integer AS attempts,
        sum(changes)::integer AS changes
    FROM stats_now
    WHERE shard_key = ANY ($1::integer [])
        AND dim = 1
        AND bucket_time >= coalesce($2::date::timestamp AT TIME ZONE 'UTC', '-infinity')
        AND bucket_time < coalesce($3::date::timestamp AT TIME ZONE 'UTC', 'infinity')
    GROUP BY 1, 2
) AS d
LEFT JOIN number_seals AS n
    ON n.shard_key = d.shard_key AND n.day = d.day AND n.attempts = d.attempts AND n.changes = d.changes
WHERE d.attempts > 0
ORDER BY d.day, d.shard_key
