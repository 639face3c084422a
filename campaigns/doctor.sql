-- applied_migrations() --
-- dbmate's own table.
SELECT version::text FROM schema_migrations ORDER BY version;

-- count_live_nodes(silent_since) --
-- Nodes that may hold ports of this machine just now.
SELECT count(*)::integer FROM node_runs WHERE ended_time IS NULL AND heartbeat_time >= $1;

-- server_facts() --
SELECT
    current_setting('server_version_num')::integer AS version_number,
    current_setting('server_version') AS version,
    clock_timestamp() AS server_time;
