-- seal_bitmaps(shard_keys, days, are_months, dims, kinds) --
-- The bitmaps of these kinds of seals of days, or of months that begin with the day; null for other kinds. They tell
-- nothing apart: the one value is empty, and dims are only said again.
SELECT
    w.shard_key,
    w.day,
    w.is_month,
    w.dim,
    ARRAY[''] AS value_texts,
    CASE WHEN 'dialed' = ANY ($5::text []) THEN ARRAY[n.dialed] END AS dialed,
    CASE WHEN 'answered' = ANY ($5) THEN ARRAY[n.answered] END AS answered,
    CASE WHEN 'person' = ANY ($5) THEN ARRAY[n.person] END AS person,
    CASE WHEN 'target' = ANY ($5) THEN ARRAY[n.target] END AS target,
    CASE WHEN 'success' = ANY ($5) THEN ARRAY[n.success] END AS success
FROM unnest($1::integer [], $2::date [], $3::boolean [], $4::smallint []) AS w (shard_key, day, is_month, dim)
CROSS JOIN LATERAL (
    SELECT dialed, answered, person, target, success
    FROM number_seals
    WHERE NOT w.is_month AND shard_key = w.shard_key AND day = w.day
    UNION ALL
    SELECT dialed, answered, person, target, success
    FROM number_month_seals
    WHERE w.is_month AND shard_key = w.shard_key AND month = w.day
) AS n
