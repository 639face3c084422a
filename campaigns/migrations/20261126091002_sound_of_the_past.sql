-- migrate:up

-- Adds up what was heard before the counters of migration 20261126091001 were there, in one snapshot.
LOCK TABLE outbox, stats IN SHARE ROW EXCLUSIVE MODE;

-- A change that was written without its sound and is not added up yet gets it: all changes of an attempt but those of its
-- time as a lost one have the same.
UPDATE outbox o
SET verdict_delay = a.verdict_delay, audit_share = a.audit_share, audit_state = a.audit_state,
    media_packets_expected = a.media_packets_expected, media_packets_lost = a.media_packets_lost,
    media_jitter_ms = a.media_jitter_ms, media_is_one_way = a.media_is_one_way
FROM attempt_facts a
WHERE a.shard_key = o.shard_key AND a.started_time = o.started_time AND a.attempt_id = o.attempt_id
  AND a.result IS NOT DISTINCT FROM o.result
  AND num_nonnulls(
      o.verdict_delay, o.audit_share, o.audit_state, o.media_packets_expected, o.media_packets_lost, o.media_jitter_ms,
      o.media_is_one_way
  ) = 0;

-- What is added up already: the facts without what the outbox still holds.
CREATE TEMPORARY VIEW summed AS
SELECT ROW(a.*)::outbox AS fact FROM attempt_facts a WHERE a.is_settled
UNION ALL
SELECT ROW(o.shard_key, o.attempt_id, o.change_number, (-o.sign)::smallint, o.started_time, o.utc_offset_minutes, o.is_settled,
    o.attempt_number, o.trunk_id, o.caller_id, o.import_id, o.source, o.ad, o.keyword, o.region, o.result, o.fault,
    o.sip_status, o.q850_cause, o.answered_by, o.disposition, o.pdd_ms, o.talk_ms, o.is_target, o.cost_micros, o.is_failover,
    o.verdict_delay, o.audit_share, o.audit_state, o.media_packets_expected, o.media_packets_lost, o.media_jitter_ms,
    o.media_is_one_way)::outbox
FROM outbox o;

INSERT INTO stats (
    shard_key, dim, bucket_time, value,
    attempts, settled, answered, network_effective, invalid_numbers, abandoned, trunk_faults, persons, machines,
    orders, meetings, offers, callbacks, refusals, voicemails_left, target_calls, short_calls, new_numbers,
    talk_count, talk_ms_sum, pdd_count, pdd_ms_sum, cost_count, cost_micros_sum, changes, judged, talks,
    successful_talks, talk_ms_squares, machine_successes, unsuccessful, unsuccessful_machines, undecided,
    undecided_machines, timed_verdicts, nobody_verdicts, audits_drawn, audits_waiting, audits_unheard, audited_verdicts,
    audited_persons, represented_verdicts, represented_persons, represented_squares, heard_calls, packets_expected,
    packets_lost, jittered_calls, jitter_us_sum, direction_checked_calls, one_way_calls
)
SELECT
    k.shard_key, s.dim, s.bucket_time, s.value,
    sum(attempts), sum(settled), sum(answered), sum(network_effective), sum(invalid_numbers), sum(abandoned),
    sum(trunk_faults), sum(persons), sum(machines), sum(orders), sum(meetings), sum(offers), sum(callbacks),
    sum(refusals), sum(voicemails_left), sum(target_calls), sum(short_calls), sum(new_numbers), sum(talk_count),
    sum(talk_ms_sum), sum(pdd_count), sum(pdd_ms_sum), sum(cost_count), sum(cost_micros_sum), sum(changes),
    sum(judged), sum(talks), sum(successful_talks), sum(talk_ms_squares), sum(machine_successes), sum(unsuccessful),
    sum(unsuccessful_machines), sum(undecided), sum(undecided_machines), sum(timed_verdicts), sum(nobody_verdicts),
    sum(audits_drawn), sum(audits_waiting), sum(audits_unheard), sum(audited_verdicts), sum(audited_persons), sum(represented_verdicts),
    sum(represented_persons), sum(represented_squares), sum(heard_calls), sum(packets_expected), sum(packets_lost),
    sum(jittered_calls), sum(jitter_us_sum), sum(direction_checked_calls), sum(one_way_calls)
FROM summed
CROSS JOIN LATERAL fact_stats(fact) s
CROSS JOIN LATERAL (VALUES ((fact).shard_key), (0)) AS k (shard_key)
WHERE s.dim IN (18, 19, 20)
GROUP BY 1, 2, 3, 4
-- a roller may have been quicker with what settled since the last migration: this is all of it
ON CONFLICT (shard_key, dim, bucket_time, value) DO UPDATE SET
    attempts = excluded.attempts, settled = excluded.settled, answered = excluded.answered,
    network_effective = excluded.network_effective, invalid_numbers = excluded.invalid_numbers,
    abandoned = excluded.abandoned, trunk_faults = excluded.trunk_faults, persons = excluded.persons,
    machines = excluded.machines, orders = excluded.orders, meetings = excluded.meetings, offers = excluded.offers,
    callbacks = excluded.callbacks, refusals = excluded.refusals, voicemails_left = excluded.voicemails_left,
    target_calls = excluded.target_calls, short_calls = excluded.short_calls, new_numbers = excluded.new_numbers,
    talk_count = excluded.talk_count, talk_ms_sum = excluded.talk_ms_sum, pdd_count = excluded.pdd_count,
    pdd_ms_sum = excluded.pdd_ms_sum, cost_count = excluded.cost_count, cost_micros_sum = excluded.cost_micros_sum,
    changes = excluded.changes, judged = excluded.judged, talks = excluded.talks,
    successful_talks = excluded.successful_talks, talk_ms_squares = excluded.talk_ms_squares,
    machine_successes = excluded.machine_successes, unsuccessful = excluded.unsuccessful,
    unsuccessful_machines = excluded.unsuccessful_machines, undecided = excluded.undecided,
    undecided_machines = excluded.undecided_machines, timed_verdicts = excluded.timed_verdicts,
    nobody_verdicts = excluded.nobody_verdicts, audits_drawn = excluded.audits_drawn,
    audits_waiting = excluded.audits_waiting, audits_unheard = excluded.audits_unheard,
    audited_verdicts = excluded.audited_verdicts,
    audited_persons = excluded.audited_persons, represented_verdicts = excluded.represented_verdicts,
    represented_persons = excluded.represented_persons, represented_squares = excluded.represented_squares,
    heard_calls = excluded.heard_calls, packets_expected = excluded.packets_expected,
    packets_lost = excluded.packets_lost, jittered_calls = excluded.jittered_calls,
    jitter_us_sum = excluded.jitter_us_sum, direction_checked_calls = excluded.direction_checked_calls,
    one_way_calls = excluded.one_way_calls;

UPDATE stats t
SET
    timed_verdicts = told.timed_verdicts, nobody_verdicts = told.nobody_verdicts, audits_drawn = told.audits_drawn,
    audits_waiting = told.audits_waiting, audits_unheard = told.audits_unheard,
    audited_verdicts = told.audited_verdicts,
    audited_persons = told.audited_persons, represented_verdicts = told.represented_verdicts,
    represented_persons = told.represented_persons, represented_squares = told.represented_squares,
    heard_calls = told.heard_calls, packets_expected = told.packets_expected, packets_lost = told.packets_lost,
    jittered_calls = told.jittered_calls, jitter_us_sum = told.jitter_us_sum,
    direction_checked_calls = told.direction_checked_calls, one_way_calls = told.one_way_calls
FROM (
    SELECT
        k.shard_key, s.dim, s.bucket_time, s.value,
        sum(s.timed_verdicts) AS timed_verdicts, sum(s.nobody_verdicts) AS nobody_verdicts,
        sum(s.audits_drawn) AS audits_drawn, sum(s.audits_waiting) AS audits_waiting, sum(s.audits_unheard) AS audits_unheard,
        sum(s.audited_verdicts) AS audited_verdicts, sum(s.audited_persons) AS audited_persons,
        sum(s.represented_verdicts) AS represented_verdicts, sum(s.represented_persons) AS represented_persons,
        sum(s.represented_squares) AS represented_squares, sum(s.heard_calls) AS heard_calls,
        sum(s.packets_expected) AS packets_expected, sum(s.packets_lost) AS packets_lost,
        sum(s.jittered_calls) AS jittered_calls, sum(s.jitter_us_sum) AS jitter_us_sum,
        sum(s.direction_checked_calls) AS direction_checked_calls, sum(s.one_way_calls) AS one_way_calls
    FROM summed
    CROSS JOIN LATERAL fact_stats(fact) s
    CROSS JOIN LATERAL (VALUES ((fact).shard_key), (0)) AS k (shard_key)
    WHERE s.dim < 18 AND num_nonnulls(
        (fact).answered_by, (fact).audit_share, (fact).audit_state, (fact).media_packets_expected, (fact).media_jitter_ms,
        (fact).media_is_one_way
    ) > 0
    GROUP BY 1, 2, 3, 4
) AS told
WHERE (t.shard_key, t.dim, t.bucket_time, t.value) = (told.shard_key, told.dim, told.bucket_time, told.value);

-- The months of both.
INSERT INTO stats (
    shard_key, dim, bucket_time, value,
    attempts, settled, answered, network_effective, invalid_numbers, abandoned, trunk_faults, persons, machines,
    orders, meetings, offers, callbacks, refusals, voicemails_left, target_calls, short_calls, new_numbers,
    talk_count, talk_ms_sum, pdd_count, pdd_ms_sum, cost_count, cost_micros_sum, changes, judged, talks,
    successful_talks, talk_ms_squares, machine_successes, unsuccessful, unsuccessful_machines, undecided,
    undecided_machines, timed_verdicts, nobody_verdicts, audits_drawn, audits_waiting, audits_unheard, audited_verdicts,
    audited_persons, represented_verdicts, represented_persons, represented_squares, heard_calls, packets_expected,
    packets_lost, jittered_calls, jitter_us_sum, direction_checked_calls, one_way_calls
)
SELECT
    shard_key, dim + 100, date_trunc('month', bucket_time, 'UTC'), value,
    sum(attempts), sum(settled), sum(answered), sum(network_effective), sum(invalid_numbers), sum(abandoned),
    sum(trunk_faults), sum(persons), sum(machines), sum(orders), sum(meetings), sum(offers), sum(callbacks),
    sum(refusals), sum(voicemails_left), sum(target_calls), sum(short_calls), sum(new_numbers), sum(talk_count),
    sum(talk_ms_sum), sum(pdd_count), sum(pdd_ms_sum), sum(cost_count), sum(cost_micros_sum), sum(changes),
    sum(judged), sum(talks), sum(successful_talks), sum(talk_ms_squares), sum(machine_successes), sum(unsuccessful),
    sum(unsuccessful_machines), sum(undecided), sum(undecided_machines), sum(timed_verdicts), sum(nobody_verdicts),
    sum(audits_drawn), sum(audits_waiting), sum(audits_unheard), sum(audited_verdicts), sum(audited_persons),
    sum(represented_verdicts), sum(represented_persons), sum(represented_squares), sum(heard_calls),
    sum(packets_expected), sum(packets_lost), sum(jittered_calls), sum(jitter_us_sum), sum(direction_checked_calls),
    sum(one_way_calls)
FROM stats
WHERE dim BETWEEN 1 AND 99
GROUP BY 1, 2, 3, 4
ON CONFLICT (shard_key, dim, bucket_time, value) DO UPDATE SET
    timed_verdicts = excluded.timed_verdicts, nobody_verdicts = excluded.nobody_verdicts,
    audits_drawn = excluded.audits_drawn, audits_waiting = excluded.audits_waiting,
    audits_unheard = excluded.audits_unheard, audited_verdicts = excluded.audited_verdicts,
    audited_persons = excluded.audited_persons, represented_verdicts = excluded.represented_verdicts,
    represented_persons = excluded.represented_persons, represented_squares = excluded.represented_squares,
    heard_calls = excluded.heard_calls, packets_expected = excluded.packets_expected,
    packets_lost = excluded.packets_lost, jittered_calls = excluded.jittered_calls,
    jitter_us_sum = excluded.jitter_us_sum, direction_checked_calls = excluded.direction_checked_calls,
    one_way_calls = excluded.one_way_calls;

DROP VIEW summed;

-- migrate:down

-- The columns go with the migration that made them.
SELECT;
