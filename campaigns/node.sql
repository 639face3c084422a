-- find_free_id_node() --
-- The lowest snowflake bits that no living run uses; the unique index decides between two that saw the same.
SELECT bits::smallint AS id_node
FROM generate_series(0, 1023) AS bits
WHERE NOT EXISTS (SELECT FROM node_runs r WHERE r.id_node = bits AND r.ended_time IS NULL)
ORDER BY bits
LIMIT 1;

-- start_run(run_id, node_name, id_node, now) --
INSERT INTO node_runs (run_id, node_name, id_node, started_time, heartbeat_time)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT DO NOTHING
RETURNING run_id;

-- beat(run_id, now) --
-- No row: somebody declared this run dead, and its snowflake bits may belong to another one.
UPDATE node_runs SET heartbeat_time = $2 WHERE run_id = $1 AND ended_time IS NULL RETURNING run_id;

-- renew_shards(run_id, lease_until) --
UPDATE shards s
SET lease_until = $2
FROM campaigns c
WHERE s.run_id = $1 AND c.campaign_id = s.campaign_id AND c.status = 'running';

-- release_idle_shards(run_id) --
-- Shards of campaigns that are not running any more.
UPDATE shards s
SET run_id = NULL, lease_until = NULL
FROM campaigns c
WHERE s.run_id = $1 AND c.campaign_id = s.campaign_id AND c.status <> 'running';

-- take_shards(run_id, now, lease_until) --
-- Take free shards of running campaigns, up to this node's fair part, so that a second node finds something to do.
WITH running AS (
    SELECT s.shard_key, s.run_id, s.lease_until
    FROM shards s JOIN campaigns c ON c.campaign_id = s.campaign_id
    WHERE c.status = 'running'
), fair AS (
    SELECT ceil(
        (SELECT count(*) FROM running)::numeric
        / greatest(1, (SELECT count(*) FROM node_runs WHERE ended_time IS NULL))
    ) - (SELECT count(*) FROM running WHERE run_id = $1) AS more
), free AS (
    SELECT s.shard_key
    FROM shards s
    WHERE s.shard_key IN (SELECT shard_key FROM running WHERE run_id IS NULL OR (lease_until <= $2 AND run_id <> $1))
    ORDER BY s.shard_key
    LIMIT (SELECT greatest(0, more)::bigint FROM fair)
    FOR UPDATE SKIP LOCKED
)
UPDATE shards s
SET run_id = $1, lease_until = $3
FROM free
WHERE s.shard_key = free.shard_key AND (s.run_id IS NULL OR s.lease_until <= $2)
RETURNING s.shard_key, s.campaign_id;

-- load_shards(run_id) --
-- What this run works on, with everything that a call of it needs. The counts turn a limit that nodes share by owning
-- shards into this node's part of it.
WITH running AS (
    SELECT s.shard_key, s.run_id, c.*
    FROM shards s JOIN campaigns c ON c.campaign_id = s.campaign_id
    WHERE c.status = 'running'
)
SELECT
    r.shard_key, r.campaign_id, r.mode, r.purpose, r.time_zone, r.callee_time_zone, r.window_start_minute, r.window_end_minute,
    r.window_weekdays, r.max_calls_per_second, r.max_concurrent_calls, r.ring_timeout_seconds, r.max_talk_seconds,
    r.key_wait_seconds, r.recording, r.audit_share, r.retry_rules, r.prompt_id, r.caller_id,
    count(*) OVER (PARTITION BY r.campaign_id)::integer AS campaign_owned,
    (SELECT count(*) FROM running o WHERE o.campaign_id = r.campaign_id)::integer AS campaign_shards,
    (
        SELECT jsonb_agg(jsonb_build_object('trunk_id', u.trunk_id, 'priority', u.priority, 'weight', u.weight)
                         ORDER BY u.priority, u.trunk_id)
        FROM campaign_trunks u WHERE u.campaign_id = r.campaign_id
    ) AS trunks
FROM running r
WHERE r.run_id = $1
ORDER BY r.shard_key;

-- load_answering_policies(campaign_ids) --
-- What campaigns say of machines, in any status: calls go on while one is paused, or after it was stopped.
SELECT
    campaign_id,
    CASE WHEN EXISTS (SELECT FROM classifier_stops o WHERE o.campaign_id = c.campaign_id AND o.resumed_time IS NULL)
        THEN 'ignore' ELSE answering_machine
    END AS answering_machine
FROM campaigns c
WHERE campaign_id = ANY ($1::integer[]);

-- load_trunks(run_id) --
-- Every trunk, in use or not: all are watched. The counts are of shards of running campaigns that dial by it.
SELECT
    t.*,
    (SELECT count(*) FROM campaign_trunks u JOIN shards s USING (campaign_id) JOIN campaigns c USING (campaign_id)
     WHERE u.trunk_id = t.trunk_id AND c.status = 'running' AND s.run_id = $1)::integer AS owned,
    (SELECT count(*) FROM campaign_trunks u JOIN shards s USING (campaign_id) JOIN campaigns c USING (campaign_id)
     WHERE u.trunk_id = t.trunk_id AND c.status = 'running')::integer AS shards
FROM trunks t
WHERE t.deleted_time IS NULL
ORDER BY t.trunk_id;

-- load_prompt(prompt_id) --
SELECT pcm_s16le_8khz FROM prompts WHERE prompt_id = $1;

-- finish_campaign(campaign_id, now) --
-- Nothing waits (a waiting lead has a due_time, a lead being dialed has an open attempt) and nothing is under way.
UPDATE campaigns c
SET status = 'finished', finished_time = $2
WHERE c.campaign_id = $1
  AND c.status = 'running'
  AND NOT EXISTS (
      SELECT FROM shards s JOIN leads l ON l.shard_key = s.shard_key
      WHERE s.campaign_id = $1 AND l.due_time IS NOT NULL
  )
  AND NOT EXISTS (
      SELECT FROM shards s JOIN attempts a ON a.shard_key = s.shard_key
      WHERE s.campaign_id = $1 AND a.settled_time IS NULL
  )
RETURNING c.campaign_id;

-- publish_state(run_id, now, state) --
-- The live floor's view of this node. One transaction: it wakes the floor with an empty list of campaigns, and clears away
-- what ended runs left.
WITH gone AS (
    DELETE FROM node_state n
    USING node_runs r
    WHERE r.run_id = n.run_id AND r.ended_time IS NOT NULL AND n.run_id <> $1
), published AS (
    INSERT INTO node_state (run_id, time, state)
    VALUES ($1, $2, $3)
    ON CONFLICT (run_id) DO UPDATE SET time = excluded.time, state = excluded.state
)
SELECT pg_notify('live', '[]');

-- notify_live(campaign_ids) --
-- Wakes the live pages: something of these campaigns changed (a JSON list of ids).
SELECT pg_notify('live', $1);

-- say_trunk_health(run_id, now, trunk_ids, states, reasons, open_untils, registered, registration_problems, resolve_problems, channels, options_times, options_ms, options_statuses) --
-- What this run knows of each trunk, for the pages and the API.
INSERT INTO trunk_health (
    run_id, updated_time, trunk_id, state, reason, open_until, is_registered, registration_problem, resolve_problem,
    channels_in_use, options_time, options_ms, options_status
)
SELECT $1, $2, t.*
FROM unnest(
    $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[], $8::text[], $9::text[], $10::integer[],
    $11::timestamptz[], $12::integer[], $13::smallint[]
) AS t
ON CONFLICT (trunk_id, run_id) DO UPDATE
SET updated_time = excluded.updated_time, state = excluded.state, reason = excluded.reason,
    open_until = excluded.open_until, is_registered = excluded.is_registered,
    registration_problem = excluded.registration_problem, resolve_problem = excluded.resolve_problem,
    channels_in_use = excluded.channels_in_use, options_time = excluded.options_time, options_ms = excluded.options_ms,
    options_status = excluded.options_status;

-- forget_trunks(run_id, trunk_ids) --
-- Trunks that are not there any more.
DELETE FROM trunk_health WHERE run_id = $1 AND trunk_id <> ALL ($2::integer[]);
