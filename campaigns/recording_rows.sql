-- write_recordings(shard_key, node_name, recording_ids, attempt_ids, campaign_ids, contact_ids, started_times, ended_times, states, paths, durations_ms, sizes_bytes, sha256s, gaps_ms, causes, key_ids) --
-- A row is written when its recording begins and again when it has ended; what has been deleted meanwhile stays deleted, and
-- a broken one may yet be found by the next life of its node.
INSERT INTO recordings (
    shard_key, node_name, recording_id, attempt_id, campaign_id, contact_id, started_time, ended_time, state, path,
    duration_ms, size_bytes, sha256, gap_ms, cause, key_id
)
SELECT $1, $2, new.*
FROM unnest(
    $3::bigint[], $4::bigint[], $5::integer[], $6::bigint[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[],
    $11::integer[], $12::bigint[], $13::bytea[], $14::integer[], $15::text[], $16::text[]
) AS new
ON CONFLICT (shard_key, recording_id) DO UPDATE
SET ended_time = excluded.ended_time, state = excluded.state, duration_ms = excluded.duration_ms,
    size_bytes = excluded.size_bytes, sha256 = excluded.sha256, gap_ms = excluded.gap_ms, cause = excluded.cause,
    key_id = excluded.key_id
WHERE recordings.state IN ('writing', 'broken') AND excluded.state <> 'writing';

-- left_writing(node_name, before_time) --
-- Once in a node's life: what its last one began and never ended.
SELECT r.*
FROM shards
CROSS JOIN LATERAL (
    SELECT shard_key, recording_id, attempt_id, campaign_id, contact_id, started_time, path, key_id
    FROM recordings
    WHERE recordings.shard_key = shards.shard_key AND node_name = $1 AND state = 'writing' AND started_time < $2
) AS r;

-- request_recording(shard_key, attempt_id, now) --
INSERT INTO recording_requests (shard_key, attempt_id, requested_time)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- wake_recorders(channel, attempt_id) --
SELECT pg_notify($1, $2);

-- take_requests(shard_key, attempt_ids) --
DELETE FROM recording_requests
WHERE shard_key = $1 AND attempt_id = ANY ($2::bigint[])
RETURNING attempt_id;

-- is_settled(shard_key, recording_id) --
-- Deleted ones, too: their sound must not come back.
SELECT EXISTS (
    SELECT FROM recordings WHERE shard_key = $1 AND recording_id = $2 AND state IN ('ready', 'deleted')
);
