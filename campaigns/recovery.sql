-- lock_dead_runs(silent_since) --
-- Find runs that stopped beating without an end. Whoever locks one settles it; the others pass on.
SELECT run_id, node_name FROM node_runs
WHERE ended_time IS NULL AND heartbeat_time < $1
FOR UPDATE SKIP LOCKED;

-- finish_lost_leads(run_id) --
-- Whether these callees were reached, nobody knows: they are not dialed again by themselves.
UPDATE leads l
SET status = 'finished', due_time = NULL, open_attempt_id = NULL, last_reason = 'unknown'
FROM attempts a
WHERE a.run_id = $1
  AND a.settled_time IS NULL
  AND l.shard_key = a.shard_key
  AND l.contact_id = a.contact_id
  AND l.open_attempt_id = a.attempt_id;

-- settle_lost_attempts(run_id, now) --
-- The outbox row goes with it, as in settle_buffer.sql. The prices of a call whose end nobody saw are not known.
WITH lost AS (
    UPDATE attempts
    SET settled_time = $2, result = 'unknown', reason = 'node_lost', fault = 'indeterminate', is_target = false,
        change_number = change_number + 1
    WHERE run_id = $1 AND settled_time IS NULL
    RETURNING *
), counted AS (
    INSERT INTO outbox
    SELECT
        shard_key, attempt_id, change_number, 1, started_time, utc_offset_minutes, true, attempt_number, trunk_id,
        caller_id, import_id, source, ad, keyword, region, result, fault, sip_status, q850_cause, answered_by,
        disposition, pdd_ms, talk_ms, is_target, cost_micros, failover_of IS NOT NULL
    FROM lost
)
SELECT attempt_id, campaign_id, call_id FROM lost;

-- release_shards(run_id) --
UPDATE shards SET run_id = NULL, lease_until = NULL WHERE run_id = $1;

-- forget_trunk_health(run_id) --
DELETE FROM trunk_health WHERE run_id = $1;

-- end_run(run_id, now) --
UPDATE node_runs SET ended_time = $2 WHERE run_id = $1 AND ended_time IS NULL;
