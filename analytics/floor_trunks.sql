-- floor_trunks() --
-- Each trunk with what the living runs think of it: the worst of them.
SELECT
    trunks.trunk_id,
    trunks.name,
    trunks.max_channels,
    trunks.max_calls_per_second,
    health.state,
    health.reason
FROM trunks
LEFT JOIN LATERAL (
    SELECT
        trunk_health.state,
        coalesce(trunk_health.registration_problem, trunk_health.resolve_problem, trunk_health.reason) AS reason
    FROM trunk_health
    JOIN node_runs USING (run_id)
    WHERE trunk_health.trunk_id = trunks.trunk_id AND node_runs.ended_time IS NULL
    ORDER BY array_position(ARRAY['open', 'half_open', 'closed'], trunk_health.state)
    LIMIT 1
) AS health ON true
WHERE trunks.deleted_time IS NULL
ORDER BY trunks.trunk_id
