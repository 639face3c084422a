-- Who does which task of the rollups, and what is known about them.

-- take_task(task, holder, now, lease_until) --
-- One process at a time does a task. Two at once would do no harm, only work: so a lease is enough, and it means the same
-- on a distributed engine, where an advisory lock is one server's own.
UPDATE rollup_tasks
SET holder = $2, lease_until = $4
WHERE task = $1 AND (holder = $2 OR holder IS NULL OR lease_until <= $3)
RETURNING task;

-- leave_tasks(holder) --
UPDATE rollup_tasks SET holder = NULL, lease_until = NULL WHERE holder = $1;

-- lock_repair() --
-- Two repairs at once would add the same difference twice.
SELECT FROM rollup_tasks WHERE task = 'repair' FOR UPDATE;

-- count_outbox() --
SELECT count(*) FROM outbox;

-- list_shards(campaign_id) --
-- With their campaign's name for people; null = of all campaigns.
SELECT s.shard_key, s.campaign_id
FROM shards s
WHERE $1::integer IS NULL OR s.campaign_id = $1
ORDER BY s.shard_key;

-- fact_months(shard_key) --
-- The months in which a shard has days: by its facts and by its sums, for one of them may be missing.
WITH ends AS (
    SELECT min(started_time) - interval '1 day' AS first_time, max(started_time) + interval '1 day' AS last_time
    FROM attempts WHERE shard_key = $1::integer
    UNION ALL
    SELECT min(bucket_time), max(bucket_time) FROM stats WHERE shard_key = $1 AND dim = 1
)
SELECT month::date AS month
FROM (SELECT min(first_time) AS first_time, max(last_time) AS last_time FROM ends) AS both_ends
CROSS JOIN LATERAL generate_series(date_trunc('month', first_time), last_time, interval '1 month') AS month
ORDER BY month;

-- attempts_of_month(shard_key, month) --
SELECT coalesce(sum(attempts), 0)::bigint FROM stats
WHERE shard_key = $1 AND dim = 1
  AND bucket_time >= $2::date::timestamp AT TIME ZONE 'UTC'
  AND bucket_time < ($2::date + interval '1 month') AT TIME ZONE 'UTC';

-- next_check(now) --
-- The shard that was looked at longest ago: the months that may still change daily, the old ones monthly. Shard 0 too.
SELECT s.shard_key, m.month
FROM (SELECT shard_key FROM shards UNION ALL SELECT 0) AS s
CROSS JOIN LATERAL (
    SELECT date_trunc('month', bucket_time AT TIME ZONE 'UTC')::date AS month
    FROM stats WHERE shard_key = s.shard_key AND dim = 1
    GROUP BY 1
) AS m
LEFT JOIN rollup_checks c ON c.shard_key = s.shard_key AND c.month = m.month
WHERE c.checked_time IS NULL
   OR c.checked_time < $1::timestamptz - CASE
       WHEN m.month >= date_trunc('month', $1 AT TIME ZONE 'UTC')::date - interval '1 month' THEN interval '1 day'
       ELSE interval '30 days'
   END
   OR (c.differences > 0 AND NOT c.is_repaired AND c.checked_time < $1 - interval '10 minutes')
ORDER BY c.checked_time NULLS FIRST, s.shard_key DESC
LIMIT 1;

-- keep_verdict(shard_key, month, now, differences, wrong_days, is_repaired) --
INSERT INTO rollup_checks (shard_key, month, checked_time, differences, wrong_days, is_repaired)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (shard_key, month) DO UPDATE
SET checked_time = excluded.checked_time, differences = excluded.differences, wrong_days = excluded.wrong_days,
    is_repaired = excluded.is_repaired;

-- rollup_state() --
-- How far the sums are behind (reports are not: they read the outbox too), and what the reconciler last said.
SELECT
    (SELECT count(*) FROM outbox) AS outbox_rows,
    (SELECT count(*) FROM rollup_checks) AS slices_checked,
    (SELECT count(*) FROM rollup_checks WHERE differences > 0 AND NOT is_repaired) AS slices_wrong,
    (SELECT min(checked_time) FROM rollup_checks) AS oldest_check_time,
    (SELECT max(checked_time) FROM rollup_checks) AS newest_check_time;

-- list_wrong_checks(limit) --
SELECT shard_key, month, checked_time, differences, wrong_days
FROM rollup_checks
WHERE differences > 0 AND NOT is_repaired
ORDER BY checked_time DESC, shard_key, month
LIMIT $1;

-- next_unchecked() --
-- A month that has sums and was never recounted.
SELECT s.shard_key
FROM (SELECT shard_key FROM shards UNION ALL SELECT 0) AS s
CROSS JOIN LATERAL (
    SELECT date_trunc('month', bucket_time AT TIME ZONE 'UTC')::date AS month
    FROM stats WHERE shard_key = s.shard_key AND dim = 1
    GROUP BY 1
) AS m
WHERE NOT EXISTS (SELECT FROM rollup_checks c WHERE c.shard_key = s.shard_key AND c.month = m.month)
LIMIT 1;
