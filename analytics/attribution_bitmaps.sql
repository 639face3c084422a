-- attribution_bitmaps(shard_keys, days, are_months, dims, kinds) --
-- As `seal_bitmaps`, of each value of a dimension of `stats` (6, 7, 8).
SELECT
    w.shard_key,
    w.day,
    w.is_month,
    w.dim,
    a.value_texts,
    CASE WHEN 'dialed' = ANY ($5::text []) THEN a.dialed END AS dialed,
    CASE WHEN 'answered' = ANY ($5) THEN a.answered END AS answered,
    CASE WHEN 'person' = ANY ($5) THEN a.person END AS person,
    CASE WHEN 'target' = ANY ($5) THEN a.target END AS target,
    CASE WHEN 'success' = ANY ($5) THEN a.success END AS success
FROM unnest($1::integer [], $2::date [], $3::boolean [], $4::smallint []) AS w (shard_key, day, is_month, dim)
INNER JOIN attribution_seals AS a
    ON a.shard_key = w.shard_key AND a.dim = w.dim + CASE WHEN w.is_month THEN 100 ELSE 0 END AND a.day = w.day
