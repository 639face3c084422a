-- find_trace(attempt_id) --
-- The id does not tell its shard, so each is asked by its primary key.
SELECT trace.*
FROM shards
CROSS JOIN LATERAL (
    SELECT call_id, started_time, is_complete, messages
    FROM call_traces
    WHERE call_traces.shard_key = shards.shard_key AND attempt_id = $1
) AS trace;

-- trace_written(attempt_id) --
SELECT trace.written_time
FROM shards
CROSS JOIN LATERAL (
    SELECT written_time FROM call_traces WHERE call_traces.shard_key = shards.shard_key AND attempt_id = $1
) AS trace;

-- request_trace(channel, attempt_id) --
SELECT pg_notify($1, $2);

-- write_traces(shard_key, written_time, attempt_ids, attempt_started_times, call_ids, started_times, are_complete, messages) --
-- A live call's trace is followed by the whole one; never the other way round. A person who was erased since gets no trace:
-- the lock makes an erasure that is under way and this statement wait for each other, whichever came first.
WITH known AS (
    SELECT attempt_id
    FROM attempts
    WHERE shard_key = $1
      AND (started_time, attempt_id) IN (SELECT * FROM unnest($4::timestamptz[], $3::bigint[]))
      AND number NOT LIKE 'erased-%'
    ORDER BY started_time, attempt_id
    FOR SHARE
)
INSERT INTO call_traces (shard_key, attempt_id, call_id, started_time, written_time, is_complete, messages)
SELECT $1, new.attempt_id, new.call_id, new.started_time, $2, new.is_complete, new.messages
FROM unnest($3::bigint[], $5::text[], $6::timestamptz[], $7::boolean[], $8::bytea[])
    AS new (attempt_id, call_id, started_time, is_complete, messages)
JOIN known USING (attempt_id)
ON CONFLICT (shard_key, attempt_id) DO UPDATE
SET written_time = EXCLUDED.written_time, is_complete = EXCLUDED.is_complete, messages = EXCLUDED.messages
WHERE NOT call_traces.is_complete;

-- prune_traces(before_time, max_traces) --
-- Ids grow with time, so the oldest go first.
WITH newest AS (
    SELECT shard_key, attempt_id FROM call_traces ORDER BY attempt_id DESC OFFSET $2::bigint
), pruned AS (
    DELETE FROM call_traces t
    WHERE t.started_time < $1
       OR (t.shard_key, t.attempt_id) IN (SELECT shard_key, attempt_id FROM newest)
    RETURNING 1
)
SELECT count(*)::integer FROM pruned;
