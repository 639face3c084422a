-- Fixed statements of campaigns/verdict_audits.py.

-- held_audit(actor, now) --
-- What this person has before them, so that a page that is loaded again shows the same call.
SELECT shard_key, attempt_id, started_time
FROM verdict_audits
WHERE judgement IS NULL AND unheard_why IS NULL AND claimed_by = $1 AND claimed_until > $2
ORDER BY claimed_until DESC
LIMIT 1;

-- claim_audit(actor, now, claimed_until, campaign_id) --
-- The newest that can be heard and that nobody has before them; whoever asks at the same moment gets another one.
UPDATE verdict_audits a
SET claimed_by = $1, claimed_until = $3
FROM (
    SELECT w.shard_key, w.attempt_id
    FROM verdict_audits w
    WHERE w.judgement IS NULL AND w.unheard_why IS NULL
      AND (w.claimed_until IS NULL OR w.claimed_until <= $2)
      AND ($4::integer IS NULL OR w.shard_key / 256 = $4)
      AND EXISTS (
          SELECT FROM recordings r
          WHERE r.shard_key = w.shard_key AND r.attempt_id = w.attempt_id AND r.state = 'ready'
            AND (r.deleted_why IS NULL OR r.is_held)
      )
    ORDER BY w.attempt_id DESC
    LIMIT 1
    FOR UPDATE OF w SKIP LOCKED
) AS newest
WHERE a.shard_key = newest.shard_key AND a.attempt_id = newest.attempt_id
RETURNING a.shard_key, a.attempt_id, a.started_time;

-- release_others(actor, attempt_id) --
-- Whoever asks for the next one gives back what they had.
UPDATE verdict_audits SET claimed_by = NULL, claimed_until = NULL
WHERE judgement IS NULL AND unheard_why IS NULL AND claimed_by = $1 AND attempt_id <> $2;

-- lock_audit(attempt_id) --
SELECT shard_key, started_time, claimed_by, claimed_until, judgement, judged_by
FROM verdict_audits
WHERE attempt_id = $1
FOR UPDATE;

-- judge_audit(shard_key, attempt_id, started_time, judgement, actor, now) --
-- The queue, the fact and its correction in the sums change together; the row is locked in its newest version first, as when
-- a disposition is set (late_changes.sql).
WITH judged AS (
    UPDATE verdict_audits SET judgement = $4, judged_by = $5, judged_time = $6
    WHERE shard_key = $1 AND attempt_id = $2
), before AS (
    SELECT shard_key, started_time, attempt_id, audit_judgement
    FROM attempts
    WHERE shard_key = $1 AND started_time = $3 AND attempt_id = $2 AND audit_judgement IS DISTINCT FROM $4
    FOR UPDATE
), changed AS (
    UPDATE attempts a
    SET audit_judgement = $4, change_number = a.change_number + 1
    FROM before b
    WHERE a.shard_key = $1 AND a.started_time = $3 AND a.attempt_id = b.attempt_id
    RETURNING a.*, b.audit_judgement AS old_judgement
)
INSERT INTO outbox
SELECT
    shard_key, attempt_id, change_number, sign, started_time, utc_offset_minutes, true, attempt_number, trunk_id,
    caller_id, import_id, source, ad, keyword, region, result, fault, sip_status, q850_cause, answered_by,
    disposition, pdd_ms, talk_ms, is_target, cost_micros, failover_of IS NOT NULL, verdict_time - answered_time,
    audit_share, counted_judgement, media_packets_expected, media_packets_lost, media_jitter_ms, media_is_one_way,
    media_mos_hundredths
FROM changed
CROSS JOIN LATERAL (VALUES (1, audit_judgement), (-1, old_judgement)) AS part (sign, counted_judgement);

-- describe_audit(shard_key, started_time, attempt_id) --
SELECT
    a.attempt_id, a.campaign_id, c.name AS campaign_name, t.name AS trunk_name, a.started_time, a.answered_time,
    a.answered_by, a.answered_by_cause, a.speech_started_ms, a.verdict_time, a.greeting_ended_time, a.talk_ms, a.ended_by,
    a.disposition, v.claimed_until, v.judgement, r.recording_id, r.duration_ms AS recording_ms,
    r.started_time AS recording_started_time
FROM attempts a
JOIN verdict_audits v ON v.shard_key = a.shard_key AND v.attempt_id = a.attempt_id
JOIN campaigns c ON c.campaign_id = a.campaign_id
JOIN trunks t ON t.trunk_id = a.trunk_id
LEFT JOIN LATERAL (
    SELECT * FROM recordings
    WHERE recordings.shard_key = a.shard_key AND recordings.attempt_id = a.attempt_id AND recordings.state = 'ready'
    ORDER BY recordings.recording_id
    LIMIT 1
) AS r ON true
WHERE a.shard_key = $1 AND a.started_time = $2 AND a.attempt_id = $3;

-- count_audits(actor, now, campaign_id) --
SELECT
    count(*) FILTER (WHERE has_sound AND NOT is_others)::integer AS waiting,
    count(*) FILTER (WHERE has_sound AND is_others)::integer AS with_others,
    count(*) FILTER (WHERE NOT has_sound)::integer AS without_sound
FROM (
    SELECT
        coalesce(w.claimed_until > $2 AND w.claimed_by <> $1, false) AS is_others,
        EXISTS (
            SELECT FROM recordings r
            WHERE r.shard_key = w.shard_key AND r.attempt_id = w.attempt_id AND r.state = 'ready'
              AND (r.deleted_why IS NULL OR r.is_held)
        ) AS has_sound
    FROM verdict_audits w
    WHERE w.judgement IS NULL AND w.unheard_why IS NULL AND ($3::integer IS NULL OR w.shard_key / 256 = $3)
) AS waiting;

-- find_unheard(now, drawn_before, limit) --
-- What waits for sound that will never come: its recordings are deleted or about to be, or after a while there is still none to hear.
SELECT shard_key, attempt_id, started_time, why
FROM shards
CROSS JOIN LATERAL (
    SELECT w.attempt_id, w.started_time, coalesce(gone.why, 'none') AS why
    FROM verdict_audits w
    LEFT JOIN LATERAL (
        SELECT coalesce(r.deleted_why, r.state) AS why
        FROM recordings r
        WHERE r.shard_key = w.shard_key AND r.attempt_id = w.attempt_id
        ORDER BY r.deleted_why IS NULL, r.recording_id
        LIMIT 1
    ) AS gone ON true
    WHERE w.shard_key = shards.shard_key AND w.judgement IS NULL AND w.unheard_why IS NULL
      AND (w.claimed_until IS NULL OR w.claimed_until <= $1::timestamptz)
      AND (gone.why IN ('expired', 'asked', 'erased') OR w.drawn_time < $2::timestamptz)
      AND NOT EXISTS (
          SELECT FROM recordings r
          WHERE r.shard_key = w.shard_key AND r.attempt_id = w.attempt_id
            AND (r.state = 'writing' OR (r.state = 'ready' AND (r.deleted_why IS NULL OR r.is_held)))
      )
    LIMIT $3::integer
) AS unheard
LIMIT $3::integer;

-- leave_queue(shard_key, attempt_ids, started_times, whys, now) --
-- The queue, the fact and its correction in the sums change together; whoever has claimed or judged one meanwhile keeps it.
WITH gone AS (
    UPDATE verdict_audits a SET unheard_why = u.why
    FROM unnest($2::bigint[], $3::timestamptz[], $4::text[]) AS u (attempt_id, started_time, why)
    WHERE a.shard_key = $1 AND a.attempt_id = u.attempt_id AND a.judgement IS NULL AND a.unheard_why IS NULL
      AND (a.claimed_until IS NULL OR a.claimed_until <= $5::timestamptz)
    RETURNING a.attempt_id, a.started_time, a.unheard_why
), changed AS (
    UPDATE attempts SET audit_unheard = gone.unheard_why, change_number = attempts.change_number + 1
    FROM gone
    WHERE attempts.shard_key = $1 AND attempts.started_time = gone.started_time AND attempts.attempt_id = gone.attempt_id
    RETURNING attempts.*
), counted AS (
    INSERT INTO outbox
    SELECT
        shard_key, attempt_id, change_number, sign, started_time, utc_offset_minutes, true, attempt_number, trunk_id,
        caller_id, import_id, source, ad, keyword, region, result, fault, sip_status, q850_cause, answered_by,
        disposition, pdd_ms, talk_ms, is_target, cost_micros, failover_of IS NOT NULL, verdict_time - answered_time,
        audit_share, counted_state, media_packets_expected, media_packets_lost, media_jitter_ms, media_is_one_way,
    media_mos_hundredths
    FROM changed
    CROSS JOIN LATERAL (VALUES (1, 'unheard'), (-1, NULL)) AS part (sign, counted_state)
)
SELECT attempt_id FROM changed;

-- count_unheard(from_time, campaign_id) --
SELECT u.unheard_why AS why, sum(u.verdicts)::integer AS verdicts
FROM shards
CROSS JOIN LATERAL (
    SELECT w.unheard_why, count(*) AS verdicts
    FROM verdict_audits w
    WHERE w.shard_key = shards.shard_key AND w.unheard_why IS NOT NULL AND w.started_time >= $1
    GROUP BY w.unheard_why
) AS u
WHERE $2::integer IS NULL OR shards.campaign_id = $2
GROUP BY u.unheard_why
ORDER BY u.unheard_why;
