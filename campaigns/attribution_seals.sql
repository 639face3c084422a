-- Bitmaps of the numbers of each source, ad and keyword (docs/rollups.md, "Distinct numbers").

-- days_to_seal(limit) --
-- Days whose numbers are sealed, and so known by their ids, that have no seal by source or one that no longer holds. A day's three
-- dimensions are sealed together. Newest first.
SELECT n.shard_key, n.day
FROM stats t
JOIN number_seals n
    ON n.shard_key = t.shard_key AND n.day = (t.bucket_time AT TIME ZONE 'UTC')::date
    AND n.attempts = t.attempts AND n.changes = t.changes
LEFT JOIN attribution_seals a
    ON a.shard_key = n.shard_key AND a.dim = 6 AND a.day = n.day AND a.attempts = n.attempts AND a.changes = n.changes
WHERE t.dim = 1 AND a.shard_key IS NULL
ORDER BY n.day DESC, n.shard_key
LIMIT $1;

-- numbers_of_day(shard_key, day) --
-- As that of number_seals, for each value.
SELECT
    v.dim,
    v.value,
    array_agg(id) AS dialed,
    array_agg(id) FILTER (WHERE answered) AS answered,
    array_agg(id) FILTER (WHERE person) AS person,
    array_agg(id) FILTER (WHERE target) AS target,
    array_agg(id) FILTER (WHERE success) AS success,
    count(*) FILTER (WHERE id IS NULL) AS unknown
FROM numbers_of_days($1::integer, ARRAY[$2::date])
CROSS JOIN LATERAL (VALUES (6, coalesce(source, '')), (7, coalesce(ad, '')), (8, coalesce(keyword, ''))) AS v (dim, value)
GROUP BY 1, 2;

-- months_to_seal(limit) --
-- Months whose numbers are sealed and whose every day is sealed by source, without such a seal or with one that no longer holds.
SELECT m.shard_key, m.month
FROM stats t
JOIN number_month_seals m
    ON m.shard_key = t.shard_key AND m.month = (t.bucket_time AT TIME ZONE 'UTC')::date
    AND m.attempts = t.attempts AND m.changes = t.changes
LEFT JOIN attribution_seals a
    ON a.shard_key = m.shard_key AND a.dim = 106 AND a.day = m.month AND a.attempts = m.attempts AND a.changes = m.changes
WHERE t.dim = 101 AND a.shard_key IS NULL
  AND NOT EXISTS (
      SELECT
      FROM stats d
      LEFT JOIN attribution_seals s
          ON s.shard_key = d.shard_key AND s.dim = 6 AND s.day = (d.bucket_time AT TIME ZONE 'UTC')::date
          AND s.attempts = d.attempts AND s.changes = d.changes
      WHERE d.shard_key = m.shard_key AND d.dim = 1
        AND d.bucket_time >= t.bucket_time AND d.bucket_time < t.bucket_time + interval '1 month'
        AND d.attempts > 0 AND s.shard_key IS NULL
  )
  -- what is known to be wrong is mended first
  AND NOT EXISTS (
      SELECT FROM rollup_checks c
      WHERE c.shard_key = m.shard_key AND c.month = m.month AND c.differences > 0 AND NOT c.is_repaired
  )
ORDER BY m.month DESC, m.shard_key
LIMIT $1;

-- seals_of_month(shard_key, month, dim) --
-- Each day that has attempts, with its bitmaps if its seal holds.
SELECT a.shard_key IS NOT NULL AS is_sealed, a.value_texts, a.dialed, a.answered, a.person, a.target, a.success
FROM (
    SELECT bucket_time, sum(attempts)::integer AS attempts, sum(changes)::integer AS changes
    FROM stats_now
    WHERE shard_key = $1 AND dim = 1 AND bucket_time >= $2::date::timestamp AT TIME ZONE 'UTC'
      AND bucket_time < ($2::date + interval '1 month') AT TIME ZONE 'UTC'
    GROUP BY 1
) AS d
LEFT JOIN attribution_seals a
    ON a.shard_key = $1 AND a.dim = $3 AND a.day = (d.bucket_time AT TIME ZONE 'UTC')::date
    AND a.attempts = d.attempts AND a.changes = d.changes
WHERE d.attempts > 0;

-- day_seals(shard_key, day) --
-- The seals of a day, of each dimension, if they hold.
SELECT a.dim, a.attempts, a.changes, a.value_texts, a.dialed, a.answered, a.person, a.target, a.success
FROM (
    SELECT sum(attempts)::integer AS attempts, sum(changes)::integer AS changes
    FROM stats_now
    WHERE shard_key = $1 AND dim = 1 AND bucket_time = $2::date::timestamp AT TIME ZONE 'UTC'
) AS d
JOIN attribution_seals a
    ON a.shard_key = $1 AND a.dim < 100 AND a.day = $2 AND a.attempts = d.attempts AND a.changes = d.changes;

-- month_seals(shard_key, month) --
SELECT dim - 100 AS dim, attempts, changes, value_texts, dialed, answered, person, target, success
FROM attribution_seals
WHERE shard_key = $1 AND dim > 100 AND day = $2;

-- keep_seal(shard_key, dim, day, attempts, changes, value_texts, dialed, answered, person, target, success, now) --
INSERT INTO attribution_seals (
    shard_key, dim, day, attempts, changes, value_texts, dialed, answered, person, target, success, sealed_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (shard_key, dim, day) DO UPDATE
SET attempts = excluded.attempts, changes = excluded.changes, value_texts = excluded.value_texts, dialed = excluded.dialed,
    answered = excluded.answered, person = excluded.person, target = excluded.target, success = excluded.success,
    sealed_time = excluded.sealed_time;
