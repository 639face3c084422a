-- settle_attempts(shard_key, now, first_started_time, last_started_time, started_times, attempt_ids, results, reasons, faults, sip_statuses, q850_causes, ended_bys, ringing_times, early_media_times, answered_times, ended_times, pdds_ms, talks_ms, digits, messages_played_ms, dispositions, answered_bys, next_due_times, failovers, medias, answers, audit_shares) --
-- Settle a batch of one shard, in one statement: attempt, lead and refusal cannot disagree. Idempotent: an attempt that
-- is settled already is left alone, except for one that was given up as lost with its node and whose real outcome
-- turned up in a spool. The lead of such a one stays finished: it is not redialed by itself.
-- A disposition that a person gave in the meantime stays.
-- first and last started_time bound the partitions that are looked at.
-- The outbox gets what holds now, and for an attempt that counted as lost also what held before: a figure and its facts
-- cannot disagree. change_number says which: evaluated on the newest version of the row, it is 1 the first time.
WITH settled AS (
    UPDATE attempts a
    SET settled_time = $2, result = i.result, reason = i.reason, fault = i.fault, sip_status = i.sip_status,
        q850_cause = i.q850_cause, ended_by = i.ended_by, ringing_time = i.ringing_time,
        early_media_time = i.early_media_time, answered_time = i.answered_time, ended_time = i.ended_time,
        pdd_ms = i.pdd_ms, talk_ms = i.talk_ms, digits = i.digits, message_played_ms = i.message_played_ms,
        disposition = CASE WHEN a.disposition_time IS NULL THEN i.disposition ELSE a.disposition END,
        answered_by = i.answered_by,
        answered_by_cause = i.answer ->> 'cause',
        audit_share = i.audit_share,
        speech_started_ms = (i.answer ->> 'speech_started_ms')::integer,
        greeting_ended_time = (i.answer ->> 'greeting_ended_time')::timestamptz,
        verdict_time = (i.answer ->> 'verdict_time')::timestamptz,
        media_packets_expected = (i.media ->> 'packets_expected')::integer,
        media_packets_received = (i.media ->> 'packets_received')::integer,
        media_packets_lost = (i.media ->> 'packets_lost')::integer,
        media_packets_late = (i.media ->> 'packets_late')::integer,
        media_packets_duplicated = (i.media ->> 'packets_duplicated')::integer,
        media_packets_sent = (i.media ->> 'packets_sent')::integer,
        media_jitter_ms = (i.media ->> 'jitter_ms')::real,
        media_round_trip_ms = (i.media ->> 'round_trip_ms')::real,
        media_reported_loss = (i.media ->> 'reported_loss')::real,
        media_is_one_way = (i.media ->> 'is_one_way')::boolean,
        media_mos_hundredths = (i.media ->> 'mos_hundredths')::smallint,
        media_sent_mos_hundredths = (i.media ->> 'sent_mos_hundredths')::smallint,
        is_target = coalesce(i.result = 'answered' AND i.talk_ms BETWEEN
            (SELECT c.target_min_seconds * 1000::bigint FROM campaigns c WHERE c.campaign_id = $1 / 256)
            AND (SELECT c.target_max_seconds * 1000::bigint FROM campaigns c WHERE c.campaign_id = $1 / 256), false),
        cost_micros = (
            SELECT CASE
                WHEN t.price_per_minute_micros IS NULL AND t.price_per_connection_micros IS NULL THEN NULL
                WHEN i.talk_ms IS NULL THEN 0
                ELSE coalesce(t.price_per_connection_micros, 0) + round(
                    coalesce(t.price_per_minute_micros, 0)
                    * ceil(i.talk_ms / (1000.0 * t.billing_increment_seconds)) * t.billing_increment_seconds / 60)
            END
            FROM trunks t WHERE t.trunk_id = a.trunk_id
        ),
        change_number = a.change_number + 1
    FROM unnest(
        $5::timestamptz[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::smallint[], $11::smallint[],
        $12::text[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
        $17::integer[], $18::integer[], $19::text[], $20::integer[], $21::text[], $22::text[], $23::timestamptz[],
        $24::jsonb[], $25::jsonb[], $26::jsonb[], $27::float8[]
    ) AS i(
        started_time, attempt_id, result, reason, fault, sip_status, q850_cause,
        ended_by, ringing_time, early_media_time, answered_time, ended_time,
        pdd_ms, talk_ms, digits, message_played_ms, disposition, answered_by, next_due_time, failover, media, answer, audit_share
    )
    WHERE a.shard_key = $1
      AND a.started_time BETWEEN $3 AND $4
      AND a.started_time = i.started_time
      AND a.attempt_id = i.attempt_id
      AND (a.settled_time IS NULL OR (a.result = 'unknown' AND a.reason = 'node_lost'))
    RETURNING
        a.shard_key, a.attempt_id, a.change_number, a.started_time, a.utc_offset_minutes, a.attempt_number, a.trunk_id,
        a.caller_id, a.import_id, a.source, a.ad, a.keyword, a.region, a.result, a.fault, a.sip_status, a.q850_cause,
        a.answered_by, a.disposition, a.disposition_time, a.pdd_ms, a.talk_ms, a.is_target, a.cost_micros, a.failover_of,
        a.verdict_time - a.answered_time AS verdict_delay, a.audit_share, a.media_packets_expected,
        a.media_packets_lost, a.media_jitter_ms, a.media_is_one_way, a.media_mos_hundredths, a.contact_id, a.number,
        i.disposition AS pressed, i.next_due_time, i.failover
), counted AS (
    INSERT INTO outbox
    SELECT
        shard_key, attempt_id, change_number, 1, started_time, utc_offset_minutes, true, attempt_number, trunk_id,
        caller_id, import_id, source, ad, keyword, region, result, fault, sip_status, q850_cause, answered_by,
        disposition, pdd_ms, talk_ms, is_target, cost_micros, failover_of IS NOT NULL, verdict_delay,
        audit_share, NULL, media_packets_expected, media_packets_lost, media_jitter_ms, media_is_one_way, media_mos_hundredths
    FROM settled
    UNION ALL
    SELECT
        shard_key, attempt_id, change_number, -1, started_time, utc_offset_minutes, true, attempt_number, trunk_id,
        caller_id, import_id, source, ad, keyword, region, 'unknown', 'indeterminate', NULL, NULL, NULL,
        CASE WHEN disposition_time IS NOT NULL THEN disposition END, NULL, NULL, false, NULL, failover_of IS NOT NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM settled
    WHERE change_number > 1
), drawn AS (
    INSERT INTO verdict_audits (shard_key, attempt_id, started_time, drawn_time)
    SELECT shard_key, attempt_id, started_time, $2 FROM settled WHERE audit_share IS NOT NULL
    ON CONFLICT (shard_key, attempt_id) DO NOTHING
), refused AS (
    INSERT INTO dnc_numbers (number, source, attempt_id, added_time)
    SELECT number, 'key_press', attempt_id, $2 FROM settled WHERE pressed = 'refused' AND number LIKE '+%'
    -- one order for all nodes, so that two of them cannot wait for each other
    ORDER BY number
    ON CONFLICT (number) DO NOTHING
), moved AS (
    UPDATE leads l
    SET status = CASE WHEN l.status = 'dialing' AND s.next_due_time IS NOT NULL THEN 'pending' ELSE 'finished' END,
        due_time = CASE WHEN l.status = 'dialing' THEN s.next_due_time END,
        open_attempt_id = NULL,
        last_reason = s.result,
        -- a failover is the same try, not a further one
        failover = CASE WHEN l.status = 'dialing' THEN s.failover END,
        attempts_made = l.attempts_made - (l.status = 'dialing' AND s.failover IS NOT NULL)::integer
    FROM settled s
    WHERE l.shard_key = $1
      AND l.contact_id = s.contact_id
      AND (l.open_attempt_id = s.attempt_id OR (l.status = 'finished' AND l.last_reason = 'unknown'))
)
SELECT attempt_id FROM settled;
