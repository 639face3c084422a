-- migrate:up

-- Questions that people keep, and who gets the answers when (docs/reports.md, docs/adr/0015).

CREATE TABLE saved_reports (
    report_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    -- the API key or the session that saved it
    owner text NOT NULL,
    query jsonb NOT NULL,
    created_time timestamptz NOT NULL,
    changed_time timestamptz NOT NULL
);

CREATE TABLE report_schedules (
    schedule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id integer NOT NULL REFERENCES saved_reports ON DELETE CASCADE,
    every text NOT NULL CHECK (every IN ('day', 'week', 'month')),
    -- ISO, 1 is Monday; of a weekly one
    weekday smallint CHECK (weekday BETWEEN 1 AND 7),
    -- of a monthly one; a month without that day has its last
    month_day smallint CHECK (month_day BETWEEN 1 AND 31),
    -- minutes after midnight of the zone
    minute smallint NOT NULL CHECK (minute BETWEEN 0 AND 1439),
    time_zone text NOT NULL,
    language text NOT NULL CHECK (language IN ('en', 'ru')),
    format text NOT NULL CHECK (format IN ('csv', 'xlsx', 'parquet')),
    -- one of the two
    recipients text[],
    webhook_url text,
    -- signs webhooks (standardwebhooks); shown once, when the schedule is made
    webhook_secret text,
    is_active boolean NOT NULL,
    created_time timestamptz NOT NULL,
    -- when it is due; moved on in the statement that writes the delivery
    next_time timestamptz NOT NULL,
    CHECK ((recipients IS NULL) <> (webhook_url IS NULL)),
    CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL)),
    CHECK ((every = 'week') = (weekday IS NOT NULL)),
    CHECK ((every = 'month') = (month_day IS NOT NULL))
);

CREATE INDEX report_schedules_due ON report_schedules (next_time) WHERE is_active;

-- One row for each time that a schedule was due: its key is why nobody gets a report twice.
CREATE TABLE report_deliveries (
    schedule_id integer NOT NULL REFERENCES report_schedules ON DELETE CASCADE,
    due_time timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'sent', 'failed')),
    tries smallint NOT NULL,
    -- of a waiting one: not before
    next_try_time timestamptz NOT NULL,
    -- who is sending it just now
    holder bigint,
    lease_until timestamptz,
    last_error text,
    sent_time timestamptz,
    PRIMARY KEY (schedule_id, due_time)
);

CREATE INDEX report_deliveries_waiting ON report_deliveries (next_try_time) WHERE status = 'waiting';

-- Further counters of stats (docs/rollups.md): what conversions per talk, the mean's interval and the status of a call need.
-- An answer is a person's unless something was heard that is none, so persons changes, too.

DROP VIEW stats_now;
DROP FUNCTION fact_stats;

ALTER TABLE stats
    ADD COLUMN judged integer NOT NULL DEFAULT 0,
    ADD COLUMN talks integer NOT NULL DEFAULT 0,
    ADD COLUMN successful_talks integer NOT NULL DEFAULT 0,
    ADD COLUMN talk_ms_squares numeric NOT NULL DEFAULT 0,
    ADD COLUMN machine_successes integer NOT NULL DEFAULT 0,
    ADD COLUMN unsuccessful integer NOT NULL DEFAULT 0,
    ADD COLUMN unsuccessful_machines integer NOT NULL DEFAULT 0,
    ADD COLUMN undecided integer NOT NULL DEFAULT 0,
    ADD COLUMN undecided_machines integer NOT NULL DEFAULT 0;

-- What one fact adds to stats: a row for each dimension. The one place that says so; the view, the roller and the
-- reconciler all ask here. PostgreSQL inlines it into the statement, so a condition on dim costs one dimension only.
CREATE FUNCTION fact_stats(f outbox)
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
    CASE d.dim
        WHEN 0 THEN date_bin('15 minutes', f.started_time, '2000-01-01 00:00:00+00')
        ELSE date_trunc('day', (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute')
            AT TIME ZONE 'UTC'
    END,
    coalesce(CASE d.dim
        WHEN 2 THEN to_char((f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute', 'HH24')
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
    f.sign::integer,
    f.sign * f.is_settled::integer,
    f.sign * coalesce(f.result = 'answered', false)::integer,
    f.sign * coalesce(f.result IN ('answered', 'busy', 'no_answer', 'rejected'), false)::integer,
    f.sign * coalesce(f.result = 'invalid_number', false)::integer,
    f.sign * coalesce(f.result = 'abandoned', false)::integer,
    f.sign * coalesce(f.fault = 'trunk', false)::integer,
    f.sign * is_person::integer,
    f.sign * is_machine::integer,
    f.sign * coalesce(f.disposition = 'order', false)::integer,
    f.sign * coalesce(f.disposition = 'meeting', false)::integer,
    f.sign * coalesce(f.disposition = 'offer_requested', false)::integer,
    f.sign * coalesce(f.disposition = 'callback_requested', false)::integer,
    f.sign * coalesce(f.disposition = 'refused', false)::integer,
    f.sign * coalesce(f.disposition = 'voicemail_left', false)::integer,
    f.sign * coalesce(f.is_target, false)::integer,
    f.sign * coalesce(f.result = 'answered' AND f.talk_ms < 6000, false)::integer,
    f.sign * (f.attempt_number = 1)::integer,
    f.sign * (f.result = 'answered' AND f.talk_ms IS NOT NULL)::integer,
    CASE WHEN f.result = 'answered' THEN f.sign * coalesce(f.talk_ms, 0) ELSE 0 END::bigint,
    f.sign * (f.pdd_ms IS NOT NULL)::integer,
    (f.sign * coalesce(f.pdd_ms, 0))::bigint,
    f.sign * (f.cost_micros IS NOT NULL)::integer,
    f.sign * coalesce(f.cost_micros, 0),
    f.is_settled::integer,
    f.sign * (is_answered AND f.answered_by IS NOT NULL)::integer,
    f.sign * (is_person AND (coalesce(f.talk_ms, 0) >= 6000 OR f.disposition IS NOT NULL))::integer,
    f.sign * (is_person AND is_success)::integer,
    CASE WHEN is_answered THEN f.sign * coalesce(f.talk_ms::numeric * f.talk_ms, 0) ELSE 0 END,
    f.sign * (is_machine AND is_success)::integer,
    f.sign * (is_answered AND NOT is_success AND NOT coalesce(f.is_target, false))::integer,
    f.sign * (is_machine AND NOT is_success AND NOT coalesce(f.is_target, false))::integer,
    f.sign * (is_answered AND NOT is_success AND coalesce(f.is_target, false))::integer,
    f.sign * (is_machine AND NOT is_success AND coalesce(f.is_target, false))::integer
FROM stats_dimensions d
CROSS JOIN LATERAL (
    SELECT
        coalesce(f.result = 'answered', false) AS is_answered,
        coalesce(f.result = 'answered' AND coalesce(f.answered_by, 'human') IN ('human', 'unsure'), false) AS is_person,
        coalesce(f.result = 'answered' AND f.answered_by = 'machine', false) AS is_machine,
        coalesce(f.disposition IN ('order', 'meeting', 'offer_requested'), false) AS is_success
) AS heard
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      ELSE true
  END
$$;

-- What reports read: stats, what is not added up yet, and the attempts under way. Exact at any instant; its rows are
-- parts, to be summed by whoever reads.
CREATE VIEW stats_now AS
SELECT * FROM stats
UNION ALL
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

-- all of it anew; what waits in the outbox is among it
DELETE FROM outbox;
TRUNCATE stats;
INSERT INTO stats
SELECT
    k.shard_key, s.dim, s.bucket_time, s.value, sum(attempts), sum(settled), sum(answered), sum(network_effective),
    sum(invalid_numbers), sum(abandoned), sum(trunk_faults), sum(persons), sum(machines), sum(orders), sum(meetings),
    sum(offers), sum(callbacks), sum(refusals), sum(voicemails_left), sum(target_calls), sum(short_calls),
    sum(new_numbers), sum(talk_count), sum(talk_ms_sum), sum(pdd_count), sum(pdd_ms_sum), sum(cost_count),
    sum(cost_micros_sum), sum(changes), sum(judged), sum(talks), sum(successful_talks), sum(talk_ms_squares), sum(machine_successes),
    sum(unsuccessful), sum(unsuccessful_machines), sum(undecided), sum(undecided_machines)
FROM attempt_facts a
CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
CROSS JOIN LATERAL (VALUES (a.shard_key), (0)) AS k (shard_key)
WHERE a.is_settled
GROUP BY 1, 2, 3, 4;

-- migrate:down

DROP VIEW stats_now;
DROP FUNCTION fact_stats;

ALTER TABLE stats
    DROP COLUMN judged, DROP COLUMN talks, DROP COLUMN successful_talks, DROP COLUMN talk_ms_squares,
    DROP COLUMN machine_successes, DROP COLUMN unsuccessful, DROP COLUMN unsuccessful_machines, DROP COLUMN undecided,
    DROP COLUMN undecided_machines;

-- What one fact adds to stats: a row for each dimension. The one place that says so; the view, the roller and the
-- reconciler all ask here. PostgreSQL inlines it into the statement, so a condition on dim costs one dimension only.
CREATE FUNCTION fact_stats(f outbox)
RETURNS TABLE (
    dim smallint, bucket_time timestamptz, value text, attempts integer, settled integer, answered integer,
    network_effective integer, invalid_numbers integer, abandoned integer, trunk_faults integer, persons integer,
    machines integer, orders integer, meetings integer, offers integer, callbacks integer, refusals integer,
    voicemails_left integer, target_calls integer, short_calls integer, new_numbers integer, talk_count integer,
    talk_ms_sum bigint, pdd_count integer, pdd_ms_sum bigint, cost_count integer, cost_micros_sum bigint,
    changes integer
)
LANGUAGE sql STABLE
AS $$
SELECT
    d.dim,
    CASE d.dim
        WHEN 0 THEN date_bin('15 minutes', f.started_time, '2000-01-01 00:00:00+00')
        ELSE date_trunc('day', (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute')
            AT TIME ZONE 'UTC'
    END,
    coalesce(CASE d.dim
        WHEN 2 THEN to_char((f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute', 'HH24')
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
    f.sign::integer,
    f.sign * f.is_settled::integer,
    f.sign * coalesce(f.result = 'answered', false)::integer,
    f.sign * coalesce(f.result IN ('answered', 'busy', 'no_answer', 'rejected'), false)::integer,
    f.sign * coalesce(f.result = 'invalid_number', false)::integer,
    f.sign * coalesce(f.result = 'abandoned', false)::integer,
    f.sign * coalesce(f.fault = 'trunk', false)::integer,
    f.sign * coalesce(f.result = 'answered' AND f.answered_by = 'human', false)::integer,
    f.sign * coalesce(f.result = 'answered' AND f.answered_by = 'machine', false)::integer,
    f.sign * coalesce(f.disposition = 'order', false)::integer,
    f.sign * coalesce(f.disposition = 'meeting', false)::integer,
    f.sign * coalesce(f.disposition = 'offer_requested', false)::integer,
    f.sign * coalesce(f.disposition = 'callback_requested', false)::integer,
    f.sign * coalesce(f.disposition = 'refused', false)::integer,
    f.sign * coalesce(f.disposition = 'voicemail_left', false)::integer,
    f.sign * coalesce(f.is_target, false)::integer,
    f.sign * coalesce(f.result = 'answered' AND f.talk_ms < 6000, false)::integer,
    f.sign * (f.attempt_number = 1)::integer,
    f.sign * (f.result = 'answered' AND f.talk_ms IS NOT NULL)::integer,
    CASE WHEN f.result = 'answered' THEN f.sign * coalesce(f.talk_ms, 0) ELSE 0 END::bigint,
    f.sign * (f.pdd_ms IS NOT NULL)::integer,
    (f.sign * coalesce(f.pdd_ms, 0))::bigint,
    f.sign * (f.cost_micros IS NOT NULL)::integer,
    f.sign * coalesce(f.cost_micros, 0),
    f.is_settled::integer
FROM stats_dimensions d
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      ELSE true
  END
$$;

-- What reports read: stats, what is not added up yet, and the attempts under way. Exact at any instant; its rows are
-- parts, to be summed by whoever reads.
CREATE VIEW stats_now AS
SELECT * FROM stats
UNION ALL
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

-- all of it anew; what waits in the outbox is among it
DELETE FROM outbox;
TRUNCATE stats;
INSERT INTO stats
SELECT
    k.shard_key, s.dim, s.bucket_time, s.value, sum(attempts), sum(settled), sum(answered), sum(network_effective),
    sum(invalid_numbers), sum(abandoned), sum(trunk_faults), sum(persons), sum(machines), sum(orders), sum(meetings),
    sum(offers), sum(callbacks), sum(refusals), sum(voicemails_left), sum(target_calls), sum(short_calls),
    sum(new_numbers), sum(talk_count), sum(talk_ms_sum), sum(pdd_count), sum(pdd_ms_sum), sum(cost_count),
    sum(cost_micros_sum), sum(changes)
FROM attempt_facts a
CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
CROSS JOIN LATERAL (VALUES (a.shard_key), (0)) AS k (shard_key)
WHERE a.is_settled
GROUP BY 1, 2, 3, 4;

DROP TABLE report_deliveries, report_schedules, saved_reports;
