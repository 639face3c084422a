-- alert_copies() --
-- Recordings that wait for their copy, and how often the storage has failed one of them. What was given up for a fault of its own
-- file (docs/recordings.md) is nothing that a storage could take.
SELECT
    count(*)::integer AS waiting,
    coalesce(max(w.copy_attempts) FILTER (WHERE w.is_failing), 0) AS tries,
    min(w.ended_time) AS oldest_time,
    (array_agg(w.copy_error ORDER BY w.copy_error_time DESC NULLS LAST) FILTER (WHERE w.is_failing))[1] AS error
FROM shards
CROSS JOIN LATERAL (
    SELECT
        k.ended_time, k.copy_attempts, k.copy_error, k.copy_error_time, k.copy_state,
        coalesce(k.copy_error IN ('unreachable', 'refused', 'misconfigured', 'differs', 'timed_out'), false) AS is_failing
    FROM recordings AS k
    WHERE k.shard_key = shards.shard_key AND k.deleted_time IS NULL AND k.state = 'ready'
        AND k.copy_state IS DISTINCT FROM 'copied' AND k.deleted_why IS NULL
) AS w
WHERE w.is_failing OR w.copy_state IS DISTINCT FROM 'failed'
