-- migrate:up

-- NER counts what the network delivered (ITU-T E.425: answered, user busy, no answer, terminal rejects). A refusal is the
-- terminal's where the callee refused (433, 603, 607, Q.850 21); a trunk's policy (403, 608, Q.850 55 and 57) delivered nothing.
-- The rest of the function is as it was.
CREATE OR REPLACE FUNCTION fact_stats(f outbox)
RETURNS TABLE (
    dim smallint, bucket_time timestamptz, value text, attempts integer, settled integer, answered integer,
    network_effective integer, invalid_numbers integer, abandoned integer, trunk_faults integer, persons integer,
    machines integer, orders integer, meetings integer, offers integer, callbacks integer, refusals integer,
    voicemails_left integer, target_calls integer, short_calls integer, new_numbers integer, talk_count integer,
    talk_ms_sum bigint, pdd_count integer, pdd_ms_sum bigint, cost_count integer, cost_micros_sum bigint,
    changes integer, judged integer, talks integer, successful_talks integer, talk_ms_squares numeric,
    machine_successes integer, unsuccessful integer, unsuccessful_machines integer, undecided integer,
    undecided_machines integer
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
    END, ''),
    c.attempts, c.settled, c.answered, c.network_effective, c.invalid_numbers, c.abandoned, c.trunk_faults,
    c.persons, c.machines, c.orders, c.meetings, c.offers, c.callbacks, c.refusals, c.voicemails_left,
    c.target_calls, c.short_calls, c.new_numbers, c.talk_count, c.talk_ms_sum, c.pdd_count, c.pdd_ms_sum,
    c.cost_count, c.cost_micros_sum, c.changes, c.judged, c.talks, c.successful_talks, c.talk_ms_squares,
    c.machine_successes, c.unsuccessful, c.unsuccessful_machines, c.undecided, c.undecided_machines
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
        f.sign * (is_machine AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided_machines
    FROM (
        SELECT
            (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute' AS local_time,
            coalesce(f.result = 'answered', false) AS is_answered,
            coalesce(f.result = 'answered' AND coalesce(f.answered_by, 'human') IN ('human', 'unsure'), false)
                AS is_person,
            coalesce(f.result = 'answered' AND f.answered_by = 'machine', false) AS is_machine,
            coalesce(f.disposition IN ('order', 'meeting', 'offer_requested'), false) AS is_success
    ) AS heard
    OFFSET 0
) AS c
CROSS JOIN stats_dimensions d
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      ELSE true
  END
$$;

-- What is summed already.
UPDATE stats t
SET network_effective = t.network_effective - told.refusals
FROM (
    SELECT k.shard_key, s.dim, s.bucket_time, s.value, sum(s.attempts)::integer AS refusals
    FROM (
        SELECT ROW(a.*)::outbox AS fact, a.shard_key FROM attempt_facts a
        WHERE a.is_settled AND a.result = 'rejected' AND a.fault IS DISTINCT FROM 'callee'
        UNION ALL
        -- what is not added up yet will be by the new definition
        SELECT ROW(o.shard_key, o.attempt_id, o.change_number, (-o.sign)::smallint, o.started_time, o.utc_offset_minutes, o.is_settled,
            o.attempt_number, o.trunk_id, o.caller_id, o.import_id, o.source, o.ad, o.keyword, o.region, o.result, o.fault,
            o.sip_status, o.q850_cause, o.answered_by, o.disposition, o.pdd_ms, o.talk_ms, o.is_target, o.cost_micros,
            o.is_failover)::outbox, o.shard_key
        FROM outbox o
        WHERE o.is_settled AND o.result = 'rejected' AND o.fault IS DISTINCT FROM 'callee'
    ) AS f
    CROSS JOIN LATERAL fact_stats(f.fact) s
    CROSS JOIN LATERAL (VALUES (f.shard_key), (0)) AS k (shard_key)
    GROUP BY 1, 2, 3, 4
) AS told
WHERE (t.shard_key, t.dim, t.bucket_time, t.value) = (told.shard_key, told.dim, told.bucket_time, told.value);

-- migrate:down

CREATE OR REPLACE FUNCTION fact_stats(f outbox)
RETURNS TABLE (
    dim smallint, bucket_time timestamptz, value text, attempts integer, settled integer, answered integer,
    network_effective integer, invalid_numbers integer, abandoned integer, trunk_faults integer, persons integer,
    machines integer, orders integer, meetings integer, offers integer, callbacks integer, refusals integer,
    voicemails_left integer, target_calls integer, short_calls integer, new_numbers integer, talk_count integer,
    talk_ms_sum bigint, pdd_count integer, pdd_ms_sum bigint, cost_count integer, cost_micros_sum bigint,
    changes integer, judged integer, talks integer, successful_talks integer, talk_ms_squares numeric,
    machine_successes integer, unsuccessful integer, unsuccessful_machines integer, undecided integer,
    undecided_machines integer
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
    END, ''),
    c.attempts, c.settled, c.answered, c.network_effective, c.invalid_numbers, c.abandoned, c.trunk_faults,
    c.persons, c.machines, c.orders, c.meetings, c.offers, c.callbacks, c.refusals, c.voicemails_left,
    c.target_calls, c.short_calls, c.new_numbers, c.talk_count, c.talk_ms_sum, c.pdd_count, c.pdd_ms_sum,
    c.cost_count, c.cost_micros_sum, c.changes, c.judged, c.talks, c.successful_talks, c.talk_ms_squares,
    c.machine_successes, c.unsuccessful, c.unsuccessful_machines, c.undecided, c.undecided_machines
FROM (
    SELECT
        date_bin('15 minutes', f.started_time, '2000-01-01 00:00:00+00') AS quarter,
        local_time, date_trunc('day', local_time) AT TIME ZONE 'UTC' AS day,
        f.sign::integer AS attempts,
        f.sign * f.is_settled::integer AS settled,
        f.sign * coalesce(f.result = 'answered', false)::integer AS answered,
        f.sign * coalesce(f.result IN ('answered', 'busy', 'no_answer', 'rejected'), false)::integer AS network_effective,
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
        f.sign * (is_machine AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided_machines
    FROM (
        SELECT
            (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute' AS local_time,
            coalesce(f.result = 'answered', false) AS is_answered,
            coalesce(f.result = 'answered' AND coalesce(f.answered_by, 'human') IN ('human', 'unsure'), false)
                AS is_person,
            coalesce(f.result = 'answered' AND f.answered_by = 'machine', false) AS is_machine,
            coalesce(f.disposition IN ('order', 'meeting', 'offer_requested'), false) AS is_success
    ) AS heard
    OFFSET 0
) AS c
CROSS JOIN stats_dimensions d
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      ELSE true
  END
$$;

UPDATE stats t
SET network_effective = t.network_effective + told.refusals
FROM (
    SELECT k.shard_key, s.dim, s.bucket_time, s.value, sum(s.attempts)::integer AS refusals
    FROM (
        SELECT ROW(a.*)::outbox AS fact, a.shard_key FROM attempt_facts a
        WHERE a.is_settled AND a.result = 'rejected' AND a.fault IS DISTINCT FROM 'callee'
        UNION ALL
        -- what is not added up yet will be by the new definition
        SELECT ROW(o.shard_key, o.attempt_id, o.change_number, (-o.sign)::smallint, o.started_time, o.utc_offset_minutes, o.is_settled,
            o.attempt_number, o.trunk_id, o.caller_id, o.import_id, o.source, o.ad, o.keyword, o.region, o.result, o.fault,
            o.sip_status, o.q850_cause, o.answered_by, o.disposition, o.pdd_ms, o.talk_ms, o.is_target, o.cost_micros,
            o.is_failover)::outbox, o.shard_key
        FROM outbox o
        WHERE o.is_settled AND o.result = 'rejected' AND o.fault IS DISTINCT FROM 'callee'
    ) AS f
    CROSS JOIN LATERAL fact_stats(f.fact) s
    CROSS JOIN LATERAL (VALUES (f.shard_key), (0)) AS k (shard_key)
    GROUP BY 1, 2, 3, 4
) AS told
WHERE (t.shard_key, t.dim, t.bucket_time, t.value) = (told.shard_key, told.dim, told.bucket_time, told.value);
