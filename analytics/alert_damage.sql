-- alert_damage(started_since, from_time) --
-- Recordings that ended since `from_time` and miss something that a disk, a machine or a key could not give.
SELECT
    count(*)::integer AS recordings,
    coalesce(sum(w.gap_ms), 0)::bigint AS gap_ms,
    (array_agg(w.cause ORDER BY w.ended_time DESC))[1] AS cause,
    (array_agg(w.node_name ORDER BY w.ended_time DESC))[1] AS node_name
FROM shards
CROSS JOIN LATERAL (
    SELECT k.gap_ms, k.cause, k.node_name, k.ended_time
    FROM recordings AS k
    WHERE k.shard_key = shards.shard_key AND k.started_time >= $1 AND k.ended_time >= $2
        AND k.cause IN ('disk_full', 'unreachable', 'io_error', 'overload', 'no_key')
) AS w
