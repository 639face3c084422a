-- seal_bitmaps(shard_keys, days, are_months, kinds) --
-- The bitmaps of these kinds of seals of days, or of months that begin with the day; null for other kinds.
SELECT
    w.shard_key,
    w.day,
    w.is_month,
    CASE WHEN 'dialed' = ANY ($4::text []) THEN n.dialed END AS dialed,
    CASE WHEN 'answered' = ANY ($4) THEN n.answered END AS answered,
    CASE WHEN 'person' = ANY ($4) THEN n.person END AS person,
    CASE WHEN 'target' = ANY ($4) THEN n.target END AS target,
    CASE WHEN 'success' = ANY ($4) THEN n.success END AS success
FROM unnest($1::integer [], $2::date [], $3::boolean []) AS w (shard_key, day, is_month)
CROSS JOIN LATERAL (
    SELECT dialed, answered, person, target, success
    FROM number_seals
    WHERE NOT w.is_month AND shard_key = w.shard_key AND day = w.day
    UNION ALL
    SELECT dialed, answered, person, target, success
    FROM number_month_seals
    WHERE w.is_month AND shard_key = w.shard_key AND month = w.day
) AS n
