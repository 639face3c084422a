-- How many requests of closed days were called back (docs/rollups.md, "Callbacks").

-- callbacks_to_seal(now, limit) --
-- Shards and their days with requests that have no seal, or one that no longer holds; days that ended more than 24 hours ago on
-- the campaign's clock, for shard 0 on every clock. Newest first.
SELECT s.shard_key, d.day
FROM (
    SELECT h.shard_key, (($1::timestamptz - interval '25 hours') AT TIME ZONE c.time_zone)::date AS open_day
    FROM shards h JOIN campaigns c ON c.campaign_id = h.campaign_id
    UNION ALL
    SELECT 0, ($1::timestamptz AT TIME ZONE 'UTC' - interval '37 hours')::date
) AS s
CROSS JOIN LATERAL callback_days(ARRAY[s.shard_key], NULL, s.open_day) AS d
WHERE d.done IS NULL
ORDER BY d.day DESC, s.shard_key
LIMIT $2;

-- seal_callbacks(shard_key, shard_keys, days, now) --
-- In one statement, so of one snapshot. A day with a request that still waits is left for later. `shard_keys` are those
-- whose facts count: its own, or all for shard 0.
INSERT INTO callback_seals (shard_key, day, attempts, changes, done)
SELECT d.shard_key, d.day, d.attempts, d.changes, coalesce(f.done, 0)
FROM callback_days(
    ARRAY[$1::integer], (SELECT min(day) FROM unnest($3::date[]) AS day), (SELECT max(day) + 1 FROM unnest($3) AS day)
) AS d
LEFT JOIN (
    SELECT day, sum(done)::integer AS done, sum(due)::integer AS due
    FROM callbacks_of_days($2::integer[], $3, $4::timestamptz)
    GROUP BY day
) AS f ON f.day = d.day
WHERE d.day = ANY ($3) AND coalesce(f.due, 0) = 0
ORDER BY d.day
ON CONFLICT (shard_key, day) DO UPDATE
SET attempts = excluded.attempts, changes = excluded.changes, done = excluded.done;

-- wrong_callback_seals(shard_key, shard_keys, from_day, to_day, now) --
-- Days from from_day to before to_day whose seal holds and says something else than their facts, or has requests that still wait.
-- Counted as `seal_callbacks` counts.
WITH sealed AS MATERIALIZED (
    SELECT day, done FROM callback_days(ARRAY[$1::integer], $3::date, $4::date) WHERE done IS NOT NULL
)
SELECT s.day
FROM sealed AS s
LEFT JOIN (
    SELECT day, sum(done)::integer AS done, sum(due)::integer AS due
    FROM callbacks_of_days($2::integer[], (SELECT array_agg(day) FROM sealed), $5::timestamptz)
    GROUP BY day
) AS f ON f.day = s.day
WHERE s.done <> coalesce(f.done, 0) OR f.due > 0
ORDER BY s.day;

-- drop_callback_seals(shard_key, days) --
DELETE FROM callback_seals WHERE shard_key = $1 AND day = ANY ($2::date[]);

-- every_shard() --
SELECT shard_key FROM shards;
