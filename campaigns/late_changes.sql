-- Facts that change after they were settled. Each statement changes the fact and writes its correction together.

-- find_attempt(attempt_id, from_time, to_time) --
-- The id holds its time, so each shard is asked for one small stretch of its key.
SELECT a.shard_key, a.started_time, a.settled_time, a.disposition
FROM shards s
CROSS JOIN LATERAL (
    SELECT * FROM attempts
    WHERE attempts.shard_key = s.shard_key AND started_time BETWEEN $2::timestamptz AND $3::timestamptz AND attempt_id = $1
) AS a;

-- set_disposition(shard_key, started_time, attempt_id, disposition, now) --
-- The row is locked in its newest version first, so what is taken back is what was counted. Said twice, it changes nothing.
-- A refusal given later counts as one at the telephone: the number is not called again.
WITH before AS (
    SELECT shard_key, started_time, attempt_id, disposition
    FROM attempts
    WHERE shard_key = $1 AND started_time = $2 AND attempt_id = $3
      AND settled_time IS NOT NULL AND disposition IS DISTINCT FROM $4
    FOR UPDATE
), changed AS (
    UPDATE attempts a
    SET disposition = $4, disposition_time = $5, change_number = a.change_number + 1
    FROM before b
    WHERE a.shard_key = $1 AND a.started_time = $2 AND a.attempt_id = b.attempt_id
    RETURNING a.*, b.disposition AS old_disposition
), counted AS (
    INSERT INTO outbox
    SELECT
        shard_key, attempt_id, change_number, sign, started_time, utc_offset_minutes, true, attempt_number, trunk_id,
        caller_id, import_id, source, ad, keyword, region, result, fault, sip_status, q850_cause, answered_by,
        counted_disposition, pdd_ms, talk_ms, is_target, cost_micros, failover_of IS NOT NULL, verdict_time - answered_time,
        audit_share, CASE WHEN audit_unheard IS NULL THEN audit_judgement ELSE 'unheard' END, media_packets_expected,
        media_packets_lost, media_jitter_ms, media_is_one_way, media_mos_hundredths
    FROM changed
    CROSS JOIN LATERAL (VALUES (1, disposition), (-1, old_disposition)) AS part (sign, counted_disposition)
), refused AS (
    INSERT INTO dnc_numbers (number, source, attempt_id, added_time)
    SELECT number, 'api', attempt_id, $5 FROM changed WHERE disposition = 'refused' AND number LIKE '+%'
    ON CONFLICT (number) DO NOTHING
)
SELECT old_disposition FROM changed;

-- log_change(now, changed_by, action, attempt_id, old_disposition, new_disposition, erased_word, rows_changed) --
INSERT INTO fact_changes (
    changed_time, changed_by, action, attempt_id, old_disposition, new_disposition, erased_word, rows_changed
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- lock_leads(number) --
-- Where this person is. Locked, so that no node begins an attempt meanwhile.
SELECT l.shard_key, l.contact_id, l.open_attempt_id
FROM shards s
JOIN contacts k ON k.shard_key = s.shard_key AND k.number = $1
JOIN leads l ON l.shard_key = k.shard_key AND l.contact_id = k.contact_id
ORDER BY l.shard_key
FOR UPDATE OF l;

-- erase_contact(shard_key, number, word) --
UPDATE contacts SET number = $3, fields = '{}' WHERE shard_key = $1 AND number = $2 RETURNING contact_id;

-- erase_lead(shard_key, contact_id, word) --
UPDATE leads
SET number = $3, status = 'finished', due_time = NULL
WHERE shard_key = $1 AND contact_id = $2;

-- erase_attempts(shard_key, contact_id, word) --
-- Keys pressed are the person's words too.
UPDATE attempts SET number = $3, digits = NULL
WHERE shard_key = $1 AND contact_id = $2
RETURNING attempt_id;

-- erase_traces(shard_key, attempt_ids) --
-- The SIP messages of the calls name the person in nearly every line.
DELETE FROM call_traces WHERE shard_key = $1 AND attempt_id = ANY($2::bigint[]);

-- erase_recordings(shard_key, contact_id) --
-- All of a person. What is held stays, and goes when it is released.
UPDATE recordings SET deleted_why = 'erased', next_delete_time = NULL
WHERE shard_key = $1 AND contact_id = $2 AND deleted_time IS NULL
RETURNING recording_id;

-- erase_dictionary(number, word) --
UPDATE numbers SET number = $2 WHERE number = $1;

-- erase_rejections(digits) --
-- Rows of files that were not taken, as they were written: any punctuation, with or without the country's code.
DELETE FROM import_rejections
WHERE regexp_replace(value, '\D', '', 'g') LIKE '%' || $1 || '%'
RETURNING line;
