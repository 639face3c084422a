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

-- trunk_words(silent_since) --
-- What the living nodes say of each trunk; no word is a row of nulls.
SELECT t.name, t.profile ->> 'registration' IS NOT NULL AS registers, h.is_registered, h.registration_problem, h.state,
    h.reason
FROM trunks t
LEFT JOIN (trunk_health h JOIN node_runs r ON r.run_id = h.run_id AND r.ended_time IS NULL AND r.heartbeat_time >= $1)
    ON h.trunk_id = t.trunk_id
WHERE t.deleted_time IS NULL
ORDER BY t.trunk_id, h.run_id;

-- campaigns_by_one_trunk() --
SELECT c.name
FROM campaigns c JOIN campaign_trunks u USING (campaign_id)
WHERE c.status = 'running'
GROUP BY c.campaign_id
HAVING count(*) = 1
ORDER BY c.campaign_id;

-- recording_campaigns() --
SELECT name FROM campaigns WHERE recording <> 'none' AND status <> 'finished' ORDER BY campaign_id;

-- recording_key_ids() --
-- Each key once, from one entry of an index to the next other one: as many steps as there are keys in a shard, however many recordings.
SELECT DISTINCT used.key_id
FROM shards
CROSS JOIN LATERAL (
    WITH RECURSIVE keys AS (
        SELECT min(r.key_id) AS key_id FROM recordings r WHERE r.shard_key = shards.shard_key AND r.state = 'ready'
        UNION ALL
        SELECT (
            SELECT min(r.key_id) FROM recordings r
            WHERE r.shard_key = shards.shard_key AND r.state = 'ready' AND r.key_id > keys.key_id
        )
        FROM keys WHERE keys.key_id IS NOT NULL
    )
    SELECT key_id FROM keys WHERE key_id IS NOT NULL
) AS used;

-- damaged_recordings(since) --
SELECT count(*)::integer AS count, coalesce(sum(damaged.gap_ms), 0)::bigint AS gap_ms, array_agg(DISTINCT damaged.cause) AS causes
FROM shards
CROSS JOIN LATERAL (
    SELECT gap_ms, cause FROM recordings r
    WHERE r.shard_key = shards.shard_key AND r.started_time >= $1 AND r.cause IS NOT NULL
      AND r.cause NOT IN ('no_sound', 'engine_cannot')
) AS damaged;
