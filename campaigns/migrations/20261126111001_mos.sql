-- migrate:up

-- How each call may have sounded (dialer/rtp/mos.py), kept with it and summed: a mean of estimates is not the estimate of means
-- (docs/adr/0036). The next migration does it for what is there already.
ALTER TABLE attempts
    -- estimated MOS times 100 of what came from the callee, and of what the callee's end got; null = not to be estimated
    ADD COLUMN media_mos_hundredths smallint,
    ADD COLUMN media_sent_mos_hundredths smallint;

DROP VIEW stats_now;
DROP VIEW stats_live;
DROP FUNCTION fact_stats;

ALTER TABLE stats
    ADD COLUMN mos_calls integer,
    ADD COLUMN mos_hundredths_sum bigint,
    ADD COLUMN low_mos_calls integer;

ALTER TABLE outbox ADD COLUMN media_mos_hundredths smallint;

CREATE OR REPLACE VIEW attempt_facts AS
SELECT
    shard_key, attempt_id, change_number, 1::smallint AS sign, started_time, utc_offset_minutes,
    settled_time IS NOT NULL AS is_settled, attempt_number, trunk_id, caller_id, import_id, source, ad, keyword, region,
    result, fault, sip_status, q850_cause, answered_by, disposition, pdd_ms, talk_ms, is_target, cost_micros,
    failover_of IS NOT NULL AS is_failover,
    verdict_time - answered_time AS verdict_delay,
    audit_share, CASE WHEN audit_unheard IS NULL THEN audit_judgement ELSE 'unheard' END AS audit_state,
    media_packets_expected, media_packets_lost, media_jitter_ms, media_is_one_way,
    media_mos_hundredths
FROM attempts;

-- What one fact adds to stats, with the new counters; the rest is as it was. Below 3.60 many users are dissatisfied (ITU-T G.107 Annex B).
CREATE FUNCTION fact_stats(f outbox)
RETURNS TABLE (
    dim smallint, bucket_time timestamptz, value text, attempts integer, settled integer, answered integer,
    network_effective integer, invalid_numbers integer, abandoned integer, trunk_faults integer, persons integer,
    machines integer, orders integer, meetings integer, offers integer, callbacks integer, refusals integer,
    voicemails_left integer, target_calls integer, short_calls integer, new_numbers integer, talk_count integer,
    talk_ms_sum bigint, pdd_count integer, pdd_ms_sum bigint, cost_count integer, cost_micros_sum bigint,
    changes integer, judged integer, talks integer, successful_talks integer, talk_ms_squares numeric,
    machine_successes integer, unsuccessful integer, unsuccessful_machines integer, undecided integer,
    undecided_machines integer,
    timed_verdicts integer, nobody_verdicts integer, audits_drawn integer, audits_waiting integer, audits_unheard integer,
    audited_verdicts integer, audited_persons integer, represented_verdicts bigint, represented_persons bigint,
    represented_squares numeric, heard_calls integer, packets_expected bigint, packets_lost bigint,
    jittered_calls integer, jitter_us_sum bigint, direction_checked_calls integer, one_way_calls integer,
    mos_calls integer, mos_hundredths_sum bigint, low_mos_calls integer
)
LANGUAGE sql STABLE
AS $$
SELECT
    d.dim,
    CASE d.dim WHEN 0 THEN c.quarter ELSE c.day END,
    coalesce(CASE d.dim
        WHEN 2 THEN to_char(c.local_time, 'HH24')
        WHEN 3 THEN f.trunk_id::text
        WHEN 4 THEN f.caller_id
        WHEN 5 THEN f.import_id::text
        WHEN 6 THEN f.source
        WHEN 7 THEN f.ad
        WHEN 8 THEN f.keyword
        WHEN 9 THEN f.region
        WHEN 10 THEN f.result
        WHEN 11 THEN f.sip_status::text
        WHEN 12 THEN f.q850_cause::text
        WHEN 13 THEN f.disposition
        WHEN 14 THEN f.attempt_number::text
        WHEN 15 THEN f.answered_by
        WHEN 16 THEN (f.talk_ms / 1000)::text
        WHEN 17 THEN (f.pdd_ms / 100 * 100)::text
        WHEN 18 THEN f.answered_by || ':' || verdict_step_ms(f.verdict_delay)
        WHEN 19 THEN f.trunk_id || ':' || jitter_step_ms(f.media_jitter_ms)
        WHEN 20 THEN coalesce(f.import_id::text, '') || ':' || f.attempt_number
    END, ''),
    c.attempts, c.settled, c.answered, c.network_effective, c.invalid_numbers, c.abandoned, c.trunk_faults,
    c.persons, c.machines, c.orders, c.meetings, c.offers, c.callbacks, c.refusals, c.voicemails_left,
    c.target_calls, c.short_calls, c.new_numbers, c.talk_count, c.talk_ms_sum, c.pdd_count, c.pdd_ms_sum,
    c.cost_count, c.cost_micros_sum, c.changes, c.judged, c.talks, c.successful_talks, c.talk_ms_squares,
    c.machine_successes, c.unsuccessful, c.unsuccessful_machines, c.undecided, c.undecided_machines,
    c.timed_verdicts, c.nobody_verdicts, c.audits_drawn, c.audits_waiting, c.audits_unheard, c.audited_verdicts, c.audited_persons,
    c.represented_verdicts, c.represented_persons, c.represented_squares, c.heard_calls, c.packets_expected,
    c.packets_lost, c.jittered_calls, c.jitter_us_sum, c.direction_checked_calls, c.one_way_calls,
    c.mos_calls, c.mos_hundredths_sum, c.low_mos_calls
FROM (
    SELECT
        date_bin('15 minutes', f.started_time, '2000-01-01 00:00:00+00') AS quarter,
        local_time, date_trunc('day', local_time) AT TIME ZONE 'UTC' AS day,
        f.sign::integer AS attempts,
        f.sign * f.is_settled::integer AS settled,
        f.sign * coalesce(f.result = 'answered', false)::integer AS answered,
        f.sign * coalesce(
            f.result IN ('answered', 'busy', 'no_answer') OR (f.result = 'rejected' AND f.fault = 'callee'), false
        )::integer AS network_effective,
        f.sign * coalesce(f.result = 'invalid_number', false)::integer AS invalid_numbers,
        f.sign * coalesce(f.result = 'abandoned', false)::integer AS abandoned,
        f.sign * coalesce(f.fault = 'trunk', false)::integer AS trunk_faults,
        f.sign * is_person::integer AS persons,
        f.sign * is_machine::integer AS machines,
        f.sign * coalesce(f.disposition = 'order', false)::integer AS orders,
        f.sign * coalesce(f.disposition = 'meeting', false)::integer AS meetings,
        f.sign * coalesce(f.disposition = 'offer_requested', false)::integer AS offers,
        f.sign * coalesce(f.disposition = 'callback_requested', false)::integer AS callbacks,
        f.sign * coalesce(f.disposition = 'refused', false)::integer AS refusals,
        f.sign * coalesce(f.disposition = 'voicemail_left', false)::integer AS voicemails_left,
        f.sign * coalesce(f.is_target, false)::integer AS target_calls,
        f.sign * coalesce(f.result = 'answered' AND f.talk_ms < 6000, false)::integer AS short_calls,
        f.sign * (f.attempt_number = 1 AND NOT f.is_failover)::integer AS new_numbers,
        f.sign * (f.result = 'answered' AND f.talk_ms IS NOT NULL)::integer AS talk_count,
        CASE WHEN f.result = 'answered' THEN f.sign * coalesce(f.talk_ms, 0) ELSE 0 END::bigint AS talk_ms_sum,
        f.sign * (f.pdd_ms IS NOT NULL)::integer AS pdd_count,
        (f.sign * coalesce(f.pdd_ms, 0))::bigint AS pdd_ms_sum,
        f.sign * (f.cost_micros IS NOT NULL)::integer AS cost_count,
        f.sign * coalesce(f.cost_micros, 0) AS cost_micros_sum,
        f.is_settled::integer AS changes,
        f.sign * (is_answered AND f.answered_by IS NOT NULL)::integer AS judged,
        f.sign * (is_person AND (coalesce(f.talk_ms, 0) >= 6000 OR f.disposition IS NOT NULL))::integer AS talks,
        f.sign * (is_person AND is_success)::integer AS successful_talks,
        CASE WHEN is_answered THEN f.sign * coalesce(f.talk_ms::numeric * f.talk_ms, 0) ELSE 0 END AS talk_ms_squares,
        f.sign * (is_machine AND is_success)::integer AS machine_successes,
        f.sign * (is_answered AND NOT is_success AND NOT coalesce(f.is_target, false))::integer AS unsuccessful,
        f.sign * (is_machine AND NOT is_success AND NOT coalesce(f.is_target, false))::integer AS unsuccessful_machines,
        f.sign * (is_answered AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided,
        f.sign * (is_machine AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided_machines,
        CASE WHEN is_answered AND f.answered_by IS NOT NULL AND f.verdict_delay IS NOT NULL THEN f.sign END AS timed_verdicts,
        CASE WHEN is_answered AND f.answered_by IN ('machine', 'screening', 'fax', 'tone', 'music') THEN f.sign END
            AS nobody_verdicts,
        CASE WHEN f.audit_share IS NOT NULL THEN f.sign END AS audits_drawn,
        CASE WHEN f.audit_share IS NOT NULL AND f.audit_state IS NULL THEN f.sign END AS audits_waiting,
        CASE WHEN f.audit_state = 'unheard' THEN f.sign END AS audits_unheard,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign END AS audited_verdicts,
        CASE WHEN f.audit_state = 'human' THEN f.sign END AS audited_persons,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign * audit_weight END AS represented_verdicts,
        CASE WHEN f.audit_state = 'human' THEN f.sign * audit_weight END AS represented_persons,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign * audit_weight::numeric * audit_weight END
            AS represented_squares,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign END AS heard_calls,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign * f.media_packets_expected::bigint END AS packets_expected,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign * greatest(f.media_packets_lost, 0)::bigint END AS packets_lost,
        CASE WHEN f.media_jitter_ms IS NOT NULL THEN f.sign END AS jittered_calls,
        f.sign * round(f.media_jitter_ms * 1000)::bigint AS jitter_us_sum,
        CASE WHEN f.media_is_one_way IS NOT NULL THEN f.sign END AS direction_checked_calls,
        CASE WHEN f.media_is_one_way THEN f.sign END AS one_way_calls,
        CASE WHEN f.media_mos_hundredths IS NOT NULL THEN f.sign END AS mos_calls,
        (f.sign * f.media_mos_hundredths)::bigint AS mos_hundredths_sum,
        CASE WHEN f.media_mos_hundredths < 360 THEN f.sign END AS low_mos_calls
    FROM (
        SELECT
            (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute' AS local_time,
            coalesce(f.result = 'answered', false) AS is_answered,
            coalesce(f.result = 'answered' AND coalesce(f.answered_by, 'human') IN ('human', 'unsure'), false)
                AS is_person,
            coalesce(f.result = 'answered' AND f.answered_by = 'machine', false) AS is_machine,
            coalesce(f.disposition IN ('order', 'meeting', 'offer_requested'), false) AS is_success,
            -- in thousandths: how many verdicts a drawn one stands for
            round(1000 / nullif(f.audit_share, 0))::bigint AS audit_weight
    ) AS heard
    OFFSET 0
) AS c
CROSS JOIN stats_dimensions d
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      WHEN 18 THEN f.result = 'answered' AND f.answered_by IS NOT NULL AND f.verdict_delay IS NOT NULL
      WHEN 19 THEN f.media_jitter_ms IS NOT NULL
      ELSE true
  END
$$;

CREATE VIEW stats_live AS
SELECT o.shard_key, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT 0, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT a.shard_key, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled
UNION ALL
SELECT 0, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled;

CREATE VIEW stats_now AS
SELECT * FROM stats
UNION ALL
SELECT * FROM stats_live;

-- migrate:down

DROP VIEW stats_now;
DROP VIEW stats_live;
DROP FUNCTION fact_stats;
DROP VIEW attempt_facts;
ALTER TABLE stats DROP COLUMN mos_calls, DROP COLUMN mos_hundredths_sum, DROP COLUMN low_mos_calls;
ALTER TABLE outbox DROP COLUMN media_mos_hundredths;
ALTER TABLE attempts DROP COLUMN media_mos_hundredths, DROP COLUMN media_sent_mos_hundredths;

CREATE VIEW attempt_facts AS
SELECT
    shard_key, attempt_id, change_number, 1::smallint AS sign, started_time, utc_offset_minutes,
    settled_time IS NOT NULL AS is_settled, attempt_number, trunk_id, caller_id, import_id, source, ad, keyword, region,
    result, fault, sip_status, q850_cause, answered_by, disposition, pdd_ms, talk_ms, is_target, cost_micros,
    failover_of IS NOT NULL AS is_failover,
    verdict_time - answered_time AS verdict_delay,
    audit_share, CASE WHEN audit_unheard IS NULL THEN audit_judgement ELSE 'unheard' END AS audit_state,
    media_packets_expected, media_packets_lost, media_jitter_ms, media_is_one_way
FROM attempts;

CREATE FUNCTION fact_stats(f outbox)
RETURNS TABLE (
    dim smallint, bucket_time timestamptz, value text, attempts integer, settled integer, answered integer,
    network_effective integer, invalid_numbers integer, abandoned integer, trunk_faults integer, persons integer,
    machines integer, orders integer, meetings integer, offers integer, callbacks integer, refusals integer,
    voicemails_left integer, target_calls integer, short_calls integer, new_numbers integer, talk_count integer,
    talk_ms_sum bigint, pdd_count integer, pdd_ms_sum bigint, cost_count integer, cost_micros_sum bigint,
    changes integer, judged integer, talks integer, successful_talks integer, talk_ms_squares numeric,
    machine_successes integer, unsuccessful integer, unsuccessful_machines integer, undecided integer,
    undecided_machines integer,
    timed_verdicts integer, nobody_verdicts integer, audits_drawn integer, audits_waiting integer, audits_unheard integer,
    audited_verdicts integer, audited_persons integer, represented_verdicts bigint, represented_persons bigint,
    represented_squares numeric, heard_calls integer, packets_expected bigint, packets_lost bigint,
    jittered_calls integer, jitter_us_sum bigint, direction_checked_calls integer, one_way_calls integer
)
LANGUAGE sql STABLE
AS $$
SELECT
    d.dim,
    CASE d.dim WHEN 0 THEN c.quarter ELSE c.day END,
    coalesce(CASE d.dim
        WHEN 2 THEN to_char(c.local_time, 'HH24')
        WHEN 3 THEN f.trunk_id::text
        WHEN 4 THEN f.caller_id
        WHEN 5 THEN f.import_id::text
        WHEN 6 THEN f.source
        WHEN 7 THEN f.ad
        WHEN 8 THEN f.keyword
        WHEN 9 THEN f.region
        WHEN 10 THEN f.result
        WHEN 11 THEN f.sip_status::text
        WHEN 12 THEN f.q850_cause::text
        WHEN 13 THEN f.disposition
        WHEN 14 THEN f.attempt_number::text
        WHEN 15 THEN f.answered_by
        WHEN 16 THEN (f.talk_ms / 1000)::text
        WHEN 17 THEN (f.pdd_ms / 100 * 100)::text
        WHEN 18 THEN f.answered_by || ':' || verdict_step_ms(f.verdict_delay)
        WHEN 19 THEN f.trunk_id || ':' || jitter_step_ms(f.media_jitter_ms)
        WHEN 20 THEN coalesce(f.import_id::text, '') || ':' || f.attempt_number
    END, ''),
    c.attempts, c.settled, c.answered, c.network_effective, c.invalid_numbers, c.abandoned, c.trunk_faults,
    c.persons, c.machines, c.orders, c.meetings, c.offers, c.callbacks, c.refusals, c.voicemails_left,
    c.target_calls, c.short_calls, c.new_numbers, c.talk_count, c.talk_ms_sum, c.pdd_count, c.pdd_ms_sum,
    c.cost_count, c.cost_micros_sum, c.changes, c.judged, c.talks, c.successful_talks, c.talk_ms_squares,
    c.machine_successes, c.unsuccessful, c.unsuccessful_machines, c.undecided, c.undecided_machines,
    c.timed_verdicts, c.nobody_verdicts, c.audits_drawn, c.audits_waiting, c.audits_unheard, c.audited_verdicts, c.audited_persons,
    c.represented_verdicts, c.represented_persons, c.represented_squares, c.heard_calls, c.packets_expected,
    c.packets_lost, c.jittered_calls, c.jitter_us_sum, c.direction_checked_calls, c.one_way_calls
FROM (
    SELECT
        date_bin('15 minutes', f.started_time, '2000-01-01 00:00:00+00') AS quarter,
        local_time, date_trunc('day', local_time) AT TIME ZONE 'UTC' AS day,
        f.sign::integer AS attempts,
        f.sign * f.is_settled::integer AS settled,
        f.sign * coalesce(f.result = 'answered', false)::integer AS answered,
        f.sign * coalesce(
            f.result IN ('answered', 'busy', 'no_answer') OR (f.result = 'rejected' AND f.fault = 'callee'), false
        )::integer AS network_effective,
        f.sign * coalesce(f.result = 'invalid_number', false)::integer AS invalid_numbers,
        f.sign * coalesce(f.result = 'abandoned', false)::integer AS abandoned,
        f.sign * coalesce(f.fault = 'trunk', false)::integer AS trunk_faults,
        f.sign * is_person::integer AS persons,
        f.sign * is_machine::integer AS machines,
        f.sign * coalesce(f.disposition = 'order', false)::integer AS orders,
        f.sign * coalesce(f.disposition = 'meeting', false)::integer AS meetings,
        f.sign * coalesce(f.disposition = 'offer_requested', false)::integer AS offers,
        f.sign * coalesce(f.disposition = 'callback_requested', false)::integer AS callbacks,
        f.sign * coalesce(f.disposition = 'refused', false)::integer AS refusals,
        f.sign * coalesce(f.disposition = 'voicemail_left', false)::integer AS voicemails_left,
        f.sign * coalesce(f.is_target, false)::integer AS target_calls,
        f.sign * coalesce(f.result = 'answered' AND f.talk_ms < 6000, false)::integer AS short_calls,
        f.sign * (f.attempt_number = 1 AND NOT f.is_failover)::integer AS new_numbers,
        f.sign * (f.result = 'answered' AND f.talk_ms IS NOT NULL)::integer AS talk_count,
        CASE WHEN f.result = 'answered' THEN f.sign * coalesce(f.talk_ms, 0) ELSE 0 END::bigint AS talk_ms_sum,
        f.sign * (f.pdd_ms IS NOT NULL)::integer AS pdd_count,
        (f.sign * coalesce(f.pdd_ms, 0))::bigint AS pdd_ms_sum,
        f.sign * (f.cost_micros IS NOT NULL)::integer AS cost_count,
        f.sign * coalesce(f.cost_micros, 0) AS cost_micros_sum,
        f.is_settled::integer AS changes,
        f.sign * (is_answered AND f.answered_by IS NOT NULL)::integer AS judged,
        f.sign * (is_person AND (coalesce(f.talk_ms, 0) >= 6000 OR f.disposition IS NOT NULL))::integer AS talks,
        f.sign * (is_person AND is_success)::integer AS successful_talks,
        CASE WHEN is_answered THEN f.sign * coalesce(f.talk_ms::numeric * f.talk_ms, 0) ELSE 0 END AS talk_ms_squares,
        f.sign * (is_machine AND is_success)::integer AS machine_successes,
        f.sign * (is_answered AND NOT is_success AND NOT coalesce(f.is_target, false))::integer AS unsuccessful,
        f.sign * (is_machine AND NOT is_success AND NOT coalesce(f.is_target, false))::integer AS unsuccessful_machines,
        f.sign * (is_answered AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided,
        f.sign * (is_machine AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided_machines,
        CASE WHEN is_answered AND f.answered_by IS NOT NULL AND f.verdict_delay IS NOT NULL THEN f.sign END AS timed_verdicts,
        CASE WHEN is_answered AND f.answered_by IN ('machine', 'screening', 'fax', 'tone', 'music') THEN f.sign END
            AS nobody_verdicts,
        CASE WHEN f.audit_share IS NOT NULL THEN f.sign END AS audits_drawn,
        CASE WHEN f.audit_share IS NOT NULL AND f.audit_state IS NULL THEN f.sign END AS audits_waiting,
        CASE WHEN f.audit_state = 'unheard' THEN f.sign END AS audits_unheard,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign END AS audited_verdicts,
        CASE WHEN f.audit_state = 'human' THEN f.sign END AS audited_persons,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign * audit_weight END AS represented_verdicts,
        CASE WHEN f.audit_state = 'human' THEN f.sign * audit_weight END AS represented_persons,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign * audit_weight::numeric * audit_weight END
            AS represented_squares,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign END AS heard_calls,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign * f.media_packets_expected::bigint END AS packets_expected,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign * greatest(f.media_packets_lost, 0)::bigint END AS packets_lost,
        CASE WHEN f.media_jitter_ms IS NOT NULL THEN f.sign END AS jittered_calls,
        f.sign * round(f.media_jitter_ms * 1000)::bigint AS jitter_us_sum,
        CASE WHEN f.media_is_one_way IS NOT NULL THEN f.sign END AS direction_checked_calls,
        CASE WHEN f.media_is_one_way THEN f.sign END AS one_way_calls
    FROM (
        SELECT
            (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute' AS local_time,
            coalesce(f.result = 'answered', false) AS is_answered,
            coalesce(f.result = 'answered' AND coalesce(f.answered_by, 'human') IN ('human', 'unsure'), false)
                AS is_person,
            coalesce(f.result = 'answered' AND f.answered_by = 'machine', false) AS is_machine,
            coalesce(f.disposition IN ('order', 'meeting', 'offer_requested'), false) AS is_success,
            -- in thousandths: how many verdicts a drawn one stands for
            round(1000 / nullif(f.audit_share, 0))::bigint AS audit_weight
    ) AS heard
    OFFSET 0
) AS c
CROSS JOIN stats_dimensions d
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      WHEN 18 THEN f.result = 'answered' AND f.answered_by IS NOT NULL AND f.verdict_delay IS NOT NULL
      WHEN 19 THEN f.media_jitter_ms IS NOT NULL
      ELSE true
  END
$$;

CREATE VIEW stats_live AS
SELECT o.shard_key, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT 0, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT a.shard_key, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled
UNION ALL
SELECT 0, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled;

CREATE VIEW stats_now AS
SELECT * FROM stats
UNION ALL
SELECT * FROM stats_live;
