-- floor_nodes() --
-- What the living nodes said last. A node that lives and has not spoken yet has null.
SELECT node_runs.node_name, node_runs.heartbeat_time, node_state.time, node_state.state
FROM node_runs
LEFT JOIN node_state USING (run_id)
WHERE node_runs.ended_time IS NULL
ORDER BY node_runs.node_name, node_runs.run_id
