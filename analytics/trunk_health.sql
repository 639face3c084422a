-- trunk_health(silent_since) --
-- What each living run knows of each trunk.
SELECT h.*
FROM trunk_health h JOIN node_runs r USING (run_id)
WHERE r.ended_time IS NULL AND r.heartbeat_time >= $1::timestamptz
ORDER BY h.trunk_id, h.run_id
