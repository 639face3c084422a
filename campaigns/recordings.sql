-- Recordings as people see and care for them; nodes write them by campaigns/recording_rows.sql.

-- list_recordings(campaign_id, state, is_held, copy_state, from_time, to_time, before_time, before_id, limit) --
-- Newest first. Each shard gives its own newest rows by an index, so a page costs the same anywhere in the list.
SELECT page.*, c.name AS campaign_name, c.time_zone, l.number,
    coalesce(page.delete_after, (page.started_time AT TIME ZONE c.time_zone)::date + c.recording_days) AS kept_until
FROM shards
CROSS JOIN LATERAL (
    SELECT * FROM recordings
    WHERE recordings.shard_key = shards.shard_key
      AND ($2::text IS NULL OR state = $2)
      AND ($3::boolean IS NULL OR is_held = $3)
      AND ($4::text IS NULL OR copy_state = $4)
      AND started_time >= coalesce($5::timestamptz, '-infinity')
      AND started_time < coalesce($6::timestamptz, 'infinity')
      AND (started_time, recording_id) < (coalesce($7::timestamptz, 'infinity'), coalesce($8::bigint, 0))
    ORDER BY started_time DESC, recording_id DESC
    LIMIT $9::integer
) AS page
JOIN campaigns c ON c.campaign_id = page.campaign_id
LEFT JOIN leads l ON l.shard_key = page.shard_key AND l.contact_id = page.contact_id
WHERE $1::integer IS NULL OR shards.campaign_id = $1
ORDER BY page.started_time DESC, page.recording_id DESC
LIMIT $9::integer;

-- get_recording(recording_id) --
-- The id does not tell its shard, so each is asked by its primary key.
SELECT r.*, c.name AS campaign_name, c.time_zone, l.number,
    coalesce(r.delete_after, (r.started_time AT TIME ZONE c.time_zone)::date + c.recording_days) AS kept_until
FROM shards
CROSS JOIN LATERAL (
    SELECT * FROM recordings WHERE recordings.shard_key = shards.shard_key AND recording_id = $1
) AS r
JOIN campaigns c ON c.campaign_id = r.campaign_id
LEFT JOIN leads l ON l.shard_key = r.shard_key AND l.contact_id = r.contact_id;

-- recordings_of_attempt(shard_key, attempt_id) --
SELECT r.*, c.name AS campaign_name, c.time_zone, NULL::text AS number,
    coalesce(r.delete_after, (r.started_time AT TIME ZONE c.time_zone)::date + c.recording_days) AS kept_until
FROM recordings r JOIN campaigns c ON c.campaign_id = r.campaign_id
WHERE r.shard_key = $1 AND r.attempt_id = $2
ORDER BY r.recording_id;

-- recordings_of_contact(shard_key, contact_id) --
SELECT r.*, c.name AS campaign_name, c.time_zone, NULL::text AS number,
    coalesce(r.delete_after, (r.started_time AT TIME ZONE c.time_zone)::date + c.recording_days) AS kept_until
FROM recordings r JOIN campaigns c ON c.campaign_id = r.campaign_id
WHERE r.shard_key = $1 AND r.contact_id = $2
ORDER BY r.recording_id;

-- lock_recording(shard_key, recording_id) --
SELECT state, is_held, held_why, deleted_why, deleted_time FROM recordings
WHERE shard_key = $1 AND recording_id = $2
FOR NO KEY UPDATE;

-- hold_recording(shard_key, recording_id, held_by, now, why) --
UPDATE recordings SET is_held = true, held_by = $3, held_time = $4, held_why = $5
WHERE shard_key = $1 AND recording_id = $2;

-- release_recording(shard_key, recording_id) --
UPDATE recordings SET is_held = false, held_by = NULL, held_time = NULL, held_why = NULL
WHERE shard_key = $1 AND recording_id = $2;

-- extend_listening(actor, recording_id, since, from_ms, to_ms, now) --
-- One line for one playback: a player asks for many ranges. Its own line of the last minutes grows; no line, a new one.
UPDATE audit_log
SET new = jsonb_build_object(
    'from_ms', least((new ->> 'from_ms')::bigint, $4::bigint),
    'to_ms', greatest((new ->> 'to_ms')::bigint, $5::bigint),
    'last_time', $6::timestamptz
)
WHERE audit_id = (
    SELECT audit_id FROM audit_log
    WHERE subject_kind = 'recording' AND subject_id = $2 AND action = 'listen' AND actor = $1
      AND (new ->> 'last_time')::timestamptz >= $3
    ORDER BY audit_id DESC
    LIMIT 1
)
RETURNING audit_id;

-- count_keys() --
SELECT used.key_id, sum(used.recordings)::integer AS recordings, sum(used.held)::integer AS held,
    min(used.oldest_time) AS oldest_time, max(used.newest_time) AS newest_time
FROM shards
CROSS JOIN LATERAL (
    SELECT r.key_id, count(*) AS recordings, count(*) FILTER (WHERE r.is_held) AS held,
        min(r.started_time) AS oldest_time, max(r.started_time) AS newest_time
    FROM recordings r
    WHERE r.shard_key = shards.shard_key AND r.state = 'ready' AND r.key_id IS NOT NULL
    GROUP BY r.key_id
) AS used
GROUP BY used.key_id
ORDER BY newest_time DESC;
