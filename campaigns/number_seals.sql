-- Bitmaps of who was called on closed days (docs/rollups.md, "Distinct numbers").

-- days_to_seal(now, limit) --
-- Closed days without a seal, or with one that no longer holds. A day is closed when the campaign's clock has left it;
-- for shard 0, when every clock on earth has. Newest first: those are asked for.
WITH days AS (
    SELECT s.shard_key, t.bucket_time, t.attempts, t.changes
    FROM (
        SELECT h.shard_key, ($1::timestamptz AT TIME ZONE c.time_zone)::date AS today
        FROM shards h JOIN campaigns c ON c.campaign_id = h.campaign_id
        UNION ALL
        SELECT 0, ($1::timestamptz AT TIME ZONE 'UTC' - interval '12 hours')::date
    ) AS s
    JOIN stats t ON t.shard_key = s.shard_key AND t.dim = 1
    WHERE (t.bucket_time AT TIME ZONE 'UTC')::date < s.today AND t.attempts > 0
)
SELECT d.shard_key, (d.bucket_time AT TIME ZONE 'UTC')::date AS day
FROM days d
LEFT JOIN number_seals n
    ON n.shard_key = d.shard_key AND n.day = (d.bucket_time AT TIME ZONE 'UTC')::date
    AND n.attempts = d.attempts AND n.changes = d.changes
WHERE n.shard_key IS NULL
ORDER BY d.bucket_time DESC, d.shard_key
LIMIT $2;

-- day_now(shard_key, day) --
SELECT
    coalesce(sum(attempts), 0)::integer AS attempts,
    coalesce(sum(settled), 0)::integer AS settled,
    coalesce(sum(changes), 0)::integer AS changes
FROM stats_now
WHERE shard_key = $1 AND dim = 1 AND bucket_time = $2::date::timestamp AT TIME ZONE 'UTC';

-- learn_numbers(day) --
-- Give an id to every number of the day that has none. One process at a time does it.
INSERT INTO numbers (number, number_id)
SELECT fresh.number, (SELECT coalesce(max(number_id), 0) FROM numbers) + row_number() OVER (ORDER BY fresh.number)
FROM (SELECT DISTINCT number FROM numbers_of_days(0, ARRAY[$1::date]) WHERE id IS NULL) AS fresh
ON CONFLICT DO NOTHING;

-- numbers_of_day(shard_key, day) --
-- Who was dialed, as often as they were; shard 0: over all campaigns.
SELECT
    array_agg(id) AS dialed,
    array_agg(id) FILTER (WHERE settled) AS settled,
    array_agg(id) FILTER (WHERE answered) AS answered,
    array_agg(id) FILTER (WHERE person) AS person,
    array_agg(id) FILTER (WHERE target) AS target,
    array_agg(id) FILTER (WHERE success) AS success,
    count(*) FILTER (WHERE id IS NULL) AS unknown
FROM numbers_of_days($1::integer, ARRAY[$2::date]);

-- keep_seal(shard_key, day, attempts, changes, dialed, settled, answered, person, target, success, now) --
INSERT INTO number_seals (
    shard_key, day, attempts, changes, dialed, settled, answered, person, target, success, sealed_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (shard_key, day) DO UPDATE
SET attempts = excluded.attempts, changes = excluded.changes, dialed = excluded.dialed, settled = excluded.settled,
    answered = excluded.answered, person = excluded.person, target = excluded.target, success = excluded.success,
    sealed_time = excluded.sealed_time;

-- months_to_seal(now, limit) --
-- Closed months whose every day has its seal, without one of their own or with one that no longer holds. Newest first.
WITH months AS (
    SELECT s.shard_key, t.bucket_time, t.attempts, t.changes
    FROM (
        SELECT h.shard_key, ($1::timestamptz AT TIME ZONE c.time_zone)::date AS today
        FROM shards h JOIN campaigns c ON c.campaign_id = h.campaign_id
        UNION ALL
        SELECT 0, ($1::timestamptz AT TIME ZONE 'UTC' - interval '12 hours')::date
    ) AS s
    JOIN stats t ON t.shard_key = s.shard_key AND t.dim = 101
    WHERE t.bucket_time AT TIME ZONE 'UTC' + interval '1 month' <= s.today AND t.attempts > 0
)
SELECT m.shard_key, (m.bucket_time AT TIME ZONE 'UTC')::date AS month
FROM months m
LEFT JOIN number_month_seals n
    ON n.shard_key = m.shard_key AND n.month = (m.bucket_time AT TIME ZONE 'UTC')::date
    AND n.attempts = m.attempts AND n.changes = m.changes
WHERE n.shard_key IS NULL
  AND NOT EXISTS (
      SELECT
      FROM stats t
      LEFT JOIN number_seals d
          ON d.shard_key = t.shard_key AND d.day = (t.bucket_time AT TIME ZONE 'UTC')::date
          AND d.attempts = t.attempts AND d.changes = t.changes
      WHERE t.shard_key = m.shard_key AND t.dim = 1
        AND t.bucket_time >= m.bucket_time AND t.bucket_time < m.bucket_time + interval '1 month'
        AND t.attempts > 0 AND d.shard_key IS NULL
  )
  -- what is known to be wrong is mended first
  AND NOT EXISTS (
      SELECT FROM rollup_checks c
      WHERE c.shard_key = m.shard_key AND c.month = (m.bucket_time AT TIME ZONE 'UTC')::date AND c.differences > 0 AND NOT c.is_repaired
  )
ORDER BY m.bucket_time DESC, m.shard_key
LIMIT $2;

-- look_again(shard_key, month) --
-- The reconciler takes what it has no verdict of first. What it found wrong already is looked at often enough.
DELETE FROM rollup_checks
WHERE shard_key = $1 AND month = $2 AND (differences = 0 OR is_repaired);

-- month_now(shard_key, month) --
SELECT coalesce(sum(attempts), 0)::integer AS attempts, coalesce(sum(changes), 0)::integer AS changes
FROM (
    SELECT attempts, changes FROM stats
    WHERE shard_key = $1 AND dim = 101 AND bucket_time = $2::date::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT attempts, changes FROM stats_live
    WHERE shard_key = $1 AND dim = 1 AND bucket_time >= $2::date::timestamp AT TIME ZONE 'UTC'
      AND bucket_time < ($2::date + interval '1 month') AT TIME ZONE 'UTC'
) AS part;

-- day_seal(shard_key, day) --
-- The seal of a day, if it holds.
SELECT n.attempts, n.changes, n.dialed, n.settled, n.answered, n.person, n.target, n.success
FROM (
    SELECT sum(attempts)::integer AS attempts, sum(changes)::integer AS changes
    FROM stats_now
    WHERE shard_key = $1 AND dim = 1 AND bucket_time = $2::date::timestamp AT TIME ZONE 'UTC'
) AS d
JOIN number_seals n ON n.shard_key = $1 AND n.day = $2 AND n.attempts = d.attempts AND n.changes = d.changes;

-- sealed_days(shard_key, from_day, to_day) --
SELECT day FROM number_seals WHERE shard_key = $1 AND day >= $2 AND day < $3 ORDER BY day;

-- month_seal(shard_key, month) --
SELECT attempts, changes, dialed, settled, answered, person, target, success
FROM number_month_seals
WHERE shard_key = $1 AND month = $2;

-- seals_of_month(shard_key, month) --
-- Each day that has attempts, with its bitmaps if its seal holds.
SELECT n.shard_key IS NOT NULL AS is_sealed, n.dialed, n.settled, n.answered, n.person, n.target, n.success
FROM (
    SELECT bucket_time, sum(attempts)::integer AS attempts, sum(changes)::integer AS changes
    FROM stats_now
    WHERE shard_key = $1 AND dim = 1 AND bucket_time >= $2::date::timestamp AT TIME ZONE 'UTC'
      AND bucket_time < ($2::date + interval '1 month') AT TIME ZONE 'UTC'
    GROUP BY 1
) AS d
LEFT JOIN number_seals n
    ON n.shard_key = $1 AND n.day = (d.bucket_time AT TIME ZONE 'UTC')::date
    AND n.attempts = d.attempts AND n.changes = d.changes
WHERE d.attempts > 0;

-- keep_month_seal(shard_key, month, attempts, changes, dialed, settled, answered, person, target, success, now) --
INSERT INTO number_month_seals (
    shard_key, month, attempts, changes, dialed, settled, answered, person, target, success, sealed_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (shard_key, month) DO UPDATE
SET attempts = excluded.attempts, changes = excluded.changes, dialed = excluded.dialed, settled = excluded.settled,
    answered = excluded.answered, person = excluded.person, target = excluded.target, success = excluded.success,
    sealed_time = excluded.sealed_time;
