-- Deleting and copying recordings. A row is taken by moving its next time on: that is its lease, and no two take it at once.

-- take_due(now, lease_until, limit) --
-- What is too old, or is to go for another reason. What failed comes again at its time, and holds up nothing else.
WITH due AS (
    SELECT r.shard_key, r.recording_id
    FROM shards
    CROSS JOIN LATERAL (
        SELECT k.shard_key, k.recording_id, k.next_delete_time
        FROM recordings k JOIN campaigns c ON c.campaign_id = k.campaign_id
        WHERE k.shard_key = shards.shard_key AND k.deleted_time IS NULL AND NOT k.is_held
          -- no call lasts a day: its node died and never came back
          AND (k.state <> 'writing' OR k.started_time < $1::timestamptz - interval '1 day')
          AND coalesce(k.next_delete_time, '-infinity') <= $1
          AND (k.copy_state IS DISTINCT FROM 'copying' OR k.next_copy_time <= $1)
          AND (
              k.deleted_why IS NOT NULL
              OR ($1::timestamptz AT TIME ZONE c.time_zone)::date
                 > coalesce(k.delete_after, (k.started_time AT TIME ZONE c.time_zone)::date + c.recording_days)
          )
        ORDER BY k.recording_id
        LIMIT $3::integer
    ) AS r
    ORDER BY r.next_delete_time NULLS FIRST
    LIMIT $3::integer
)
UPDATE recordings r
SET deleted_why = coalesce(r.deleted_why, 'expired'), delete_tries = r.delete_tries + 1, next_delete_time = $2
FROM due
WHERE r.shard_key = due.shard_key AND r.recording_id = due.recording_id
  AND r.deleted_time IS NULL AND NOT r.is_held AND coalesce(r.next_delete_time, '-infinity') <= $1
RETURNING r.shard_key, r.recording_id, r.node_name, r.state, r.path, r.size_bytes, r.deleted_why, r.delete_tries, r.copy_state, r.copy_attempts;

-- count_due(now) --
-- What take_due would take now and later today, for whoever wants to see it first.
SELECT c.campaign_id, c.name AS campaign_name, sum(r.recordings)::integer AS recordings, sum(r.size_bytes)::bigint AS size_bytes,
    min(r.oldest_time) AS oldest_time
FROM shards
JOIN campaigns c ON c.campaign_id = shards.campaign_id
CROSS JOIN LATERAL (
    SELECT count(*) AS recordings, coalesce(sum(k.size_bytes), 0) AS size_bytes, min(k.started_time) AS oldest_time
    FROM recordings k
    WHERE k.shard_key = shards.shard_key AND k.deleted_time IS NULL AND NOT k.is_held
      AND (k.state <> 'writing' OR k.started_time < $1::timestamptz - interval '1 day')
      AND (
          k.deleted_why IS NOT NULL
          OR ($1::timestamptz AT TIME ZONE c.time_zone)::date
             > coalesce(k.delete_after, (k.started_time AT TIME ZONE c.time_zone)::date + c.recording_days)
      )
) AS r
WHERE r.recordings > 0
GROUP BY c.campaign_id
ORDER BY c.campaign_id;

-- take_one(shard_key, recording_id, why, now, lease_until) --
-- Somebody asked for this one. No row: it is held, being written or copied, or gone.
UPDATE recordings
SET deleted_why = coalesce(deleted_why, $3), delete_tries = delete_tries + 1, next_delete_time = $5
WHERE shard_key = $1 AND recording_id = $2
  AND deleted_time IS NULL AND NOT is_held AND state <> 'writing'
  AND (copy_state IS DISTINCT FROM 'copying' OR next_copy_time <= $4)
RETURNING shard_key, recording_id, node_name, state, path, size_bytes, deleted_why, delete_tries, copy_state, copy_attempts;

-- decide_deletion(shard_key, recording_id, why) --
-- It cannot be taken now, but it shall go: the keeper takes it as soon as it can.
UPDATE recordings SET deleted_why = coalesce(deleted_why, $3)
WHERE shard_key = $1 AND recording_id = $2 AND deleted_time IS NULL AND NOT is_held;

-- finish_deletion(shard_key, recording_id, now, copy_state) --
UPDATE recordings
SET state = 'deleted', deleted_time = $3, copy_state = $4, delete_error = NULL, next_delete_time = NULL, next_copy_time = NULL
WHERE shard_key = $1 AND recording_id = $2 AND deleted_time IS NULL
RETURNING recording_id;

-- postpone_deletion(shard_key, recording_id, error, next_time) --
UPDATE recordings SET delete_error = $3, next_delete_time = $4
WHERE shard_key = $1 AND recording_id = $2 AND deleted_time IS NULL;

-- take_uncopied(now, lease_until, limit) --
WITH due AS (
    SELECT r.shard_key, r.recording_id
    FROM shards
    CROSS JOIN LATERAL (
        SELECT k.shard_key, k.recording_id, k.next_copy_time
        FROM recordings k
        WHERE k.shard_key = shards.shard_key AND k.deleted_time IS NULL AND k.state = 'ready' AND k.deleted_why IS NULL
          AND (k.copy_state IS NULL OR k.copy_state IN ('waiting', 'copying'))
          AND coalesce(k.next_copy_time, '-infinity') <= $1
        ORDER BY k.recording_id
        LIMIT $3::integer
    ) AS r
    ORDER BY r.next_copy_time NULLS FIRST
    LIMIT $3::integer
)
UPDATE recordings r
SET copy_state = 'copying', copy_attempts = r.copy_attempts + 1, next_copy_time = $2
FROM due
WHERE r.shard_key = due.shard_key AND r.recording_id = due.recording_id
  AND r.deleted_why IS NULL AND coalesce(r.next_copy_time, '-infinity') <= $1
RETURNING r.shard_key, r.recording_id, r.path, r.sha256, r.copy_attempts;

-- finish_copy(shard_key, recording_id, now) --
-- No row: meanwhile it was decided that it goes.
UPDATE recordings
SET copy_state = 'copied', copied_time = $3, copy_error = NULL, copy_error_time = NULL, next_copy_time = NULL
WHERE shard_key = $1 AND recording_id = $2 AND copy_state = 'copying' AND deleted_why IS NULL
RETURNING recording_id;

-- postpone_copy(shard_key, recording_id, copy_state, error, next_time, now) --
UPDATE recordings SET copy_state = $3, copy_error = $4, next_copy_time = $5, copy_error_time = $6
WHERE shard_key = $1 AND recording_id = $2 AND copy_state = 'copying';

-- copy_again(shard_key, recording_id) --
UPDATE recordings SET copy_state = 'waiting', copy_attempts = 0, next_copy_time = NULL
WHERE shard_key = $1 AND recording_id = $2 AND copy_state IN ('failed', 'waiting') AND deleted_why IS NULL;

-- hurry_copies(errors, now) --
-- The storage takes copies again: what it has failed, given up or not, need not wait out its pause.
UPDATE recordings r
SET copy_state = 'waiting', next_copy_time = $2
FROM shards
WHERE r.shard_key = shards.shard_key AND r.deleted_time IS NULL AND r.state = 'ready' AND r.deleted_why IS NULL
  AND r.copy_state IN ('waiting', 'failed') AND r.copy_error = ANY ($1::text[])
  AND coalesce(r.next_copy_time, 'infinity') > $2;
