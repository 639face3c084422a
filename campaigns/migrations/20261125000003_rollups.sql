-- migrate:up

-- What the facts carry (docs/rollups.md, docs/adr/0014). Everything that a report groups by stands in the attempt itself,
-- as it was when the attempt began or settled: a campaign's, trunk's or contact's later change does not rewrite history.

ALTER TABLE trunks
    -- money in millionths of the currency that the user calculates in; null = not known
    ADD COLUMN price_per_minute_micros bigint CHECK (price_per_minute_micros >= 0),
    ADD COLUMN price_per_connection_micros bigint CHECK (price_per_connection_micros >= 0),
    -- a talk is charged in steps of this many seconds, begun ones in full
    ADD COLUMN billing_increment_seconds smallint NOT NULL DEFAULT 60 CHECK (billing_increment_seconds BETWEEN 1 AND 3600);

ALTER TABLE campaigns
    -- a target call: talk of min to max seconds, both inclusive; kept with each attempt when it settles
    ADD COLUMN target_min_seconds integer NOT NULL DEFAULT 30 CHECK (target_min_seconds >= 0),
    ADD COLUMN target_max_seconds integer NOT NULL DEFAULT 3600,
    -- a rule of reading: reports count an answering machine as successful, or not
    ADD COLUMN machine_counts_as_success boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT campaigns_target_range CHECK (target_min_seconds <= target_max_seconds);

ALTER TABLE contacts
    ADD COLUMN source text,
    ADD COLUMN ad text,
    ADD COLUMN keyword text,
    ADD COLUMN region text,
    -- an erased person's number becomes a random word, the same in all tables: the figures stay, the person is gone
    DROP CONSTRAINT contacts_number_check,
    ADD CONSTRAINT contacts_number_check CHECK (number ~ '^\+[1-9][0-9]{6,14}$' OR number ~ '^erased-[0-9a-f-]{36}$');

ALTER TABLE attempts
    -- the campaign's clock when the attempt began: its day and hour need no zone tables, and no later change moves them
    ADD COLUMN utc_offset_minutes smallint NOT NULL DEFAULT 0,
    ADD COLUMN import_id bigint,
    ADD COLUMN source text,
    ADD COLUMN ad text,
    ADD COLUMN keyword text,
    ADD COLUMN region text,
    -- null until settled, and where nobody listened
    ADD COLUMN answered_by text
        CHECK (answered_by IN ('human', 'machine', 'fax', 'tone', 'music', 'silence', 'screening', 'unsure')),
    ADD COLUMN is_target boolean,
    ADD COLUMN cost_micros bigint,
    -- when a person set or changed the disposition afterwards
    ADD COLUMN disposition_time timestamptz,
    -- how often the settled facts were written: 1 = settled once
    ADD COLUMN change_number smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT attempts_disposition_check,
    -- extended by a migration; campaigns/dispositions.py has the same names (a test compares them)
    ADD CONSTRAINT attempts_disposition_check CHECK (
        disposition IN ('order', 'meeting', 'offer_requested', 'callback_requested', 'refused', 'voicemail_left')
    );

-- Catches what no month takes: a clock far off must not cost an attempt. ensure_partitions moves its rows to their months.
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

-- What a figure can be asked by. bucket_time is a quarter of an hour (UTC) in dim 0, else the day of the campaign's own
-- clock, written as midnight UTC of that date.
CREATE TABLE stats_dimensions (
    dim smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    -- false = a place kept for what is not recorded yet
    is_filled boolean NOT NULL
);

INSERT INTO stats_dimensions (dim, name, is_filled)
VALUES
    (0, 'quarter_hour', true), (1, 'day', true), (2, 'hour_of_day', true), (3, 'trunk', true), (4, 'caller_id', true),
    (5, 'list', true), (6, 'source', true), (7, 'ad', true), (8, 'keyword', true), (9, 'region', true),
    (10, 'result', true), (11, 'sip_status', true), (12, 'q850_cause', true), (13, 'disposition', true),
    (14, 'attempt_number', true), (15, 'answered_by', true), (16, 'talk_second', true), (17, 'pdd_100ms', true),
    (40, 'agent', false);

-- Settled attempts added up. shard_key 0 belongs to no campaign: it holds the sums over all of them.
CREATE TABLE stats (
    shard_key integer NOT NULL,
    dim smallint NOT NULL,
    bucket_time timestamptz NOT NULL,
    -- '' where the attempt has none
    value text NOT NULL,
    attempts integer NOT NULL,
    settled integer NOT NULL,
    answered integer NOT NULL,
    network_effective integer NOT NULL,
    invalid_numbers integer NOT NULL,
    abandoned integer NOT NULL,
    trunk_faults integer NOT NULL,
    persons integer NOT NULL,
    machines integer NOT NULL,
    orders integer NOT NULL,
    meetings integer NOT NULL,
    offers integer NOT NULL,
    callbacks integer NOT NULL,
    refusals integer NOT NULL,
    voicemails_left integer NOT NULL,
    target_calls integer NOT NULL,
    short_calls integer NOT NULL,
    new_numbers integer NOT NULL,
    talk_count integer NOT NULL,
    talk_ms_sum bigint NOT NULL,
    pdd_count integer NOT NULL,
    pdd_ms_sum bigint NOT NULL,
    cost_count integer NOT NULL,
    cost_micros_sum bigint NOT NULL,
    -- only ever grows: as long as it stands still, nothing of this row's facts has changed
    changes integer NOT NULL,
    PRIMARY KEY (shard_key, dim, bucket_time, value)
) WITH (fillfactor = 70);

-- Changes of settled facts on their way into stats: +1 what holds now, -1 what held before. Written by the statement that
-- changes the fact, deleted by the one that adds it up.
CREATE TABLE outbox (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    change_number smallint NOT NULL,
    sign smallint NOT NULL CHECK (sign IN (-1, 1)),
    started_time timestamptz NOT NULL,
    utc_offset_minutes smallint NOT NULL,
    is_settled boolean NOT NULL,
    attempt_number smallint NOT NULL,
    trunk_id integer NOT NULL,
    caller_id text NOT NULL,
    import_id bigint,
    source text,
    ad text,
    keyword text,
    region text,
    result text,
    fault text,
    sip_status smallint,
    q850_cause smallint,
    answered_by text,
    disposition text,
    pdd_ms integer,
    talk_ms integer,
    is_target boolean,
    cost_micros bigint,
    -- a further trunk's part of the same try: an attempt of its own, but no further number
    is_failover boolean NOT NULL,
    PRIMARY KEY (shard_key, attempt_id, change_number, sign)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Attempts in the shape of the outbox.
CREATE VIEW attempt_facts AS
SELECT
    shard_key, attempt_id, change_number, 1::smallint AS sign, started_time, utc_offset_minutes,
    settled_time IS NOT NULL AS is_settled, attempt_number, trunk_id, caller_id, import_id, source, ad, keyword, region,
    result, fault, sip_status, q850_cause, answered_by, disposition, pdd_ms, talk_ms, is_target, cost_micros,
    failover_of IS NOT NULL AS is_failover
FROM attempts;

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
    f.sign * (f.attempt_number = 1 AND NOT f.is_failover)::integer,
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

-- Who is adding up just now: a lease and not an advisory lock, because it means the same on a distributed engine. Two at
-- once would do no harm, only work.
CREATE TABLE rollup_tasks (
    task text PRIMARY KEY,
    holder bigint,
    lease_until timestamptz
);

INSERT INTO rollup_tasks (task) VALUES ('roll'), ('seal'), ('check'), ('repair');

-- What came before this migration.

UPDATE attempts a
SET utc_offset_minutes = extract(epoch FROM (a.started_time AT TIME ZONE c.time_zone) - (a.started_time AT TIME ZONE 'UTC')) / 60,
    is_target = CASE WHEN a.settled_time IS NOT NULL
        THEN coalesce(a.result = 'answered' AND a.talk_ms BETWEEN 30000 AND 3600000, false) END,
    change_number = (a.settled_time IS NOT NULL)::integer,
    import_id = (SELECT k.import_id FROM contacts k WHERE k.shard_key = a.shard_key AND k.contact_id = a.contact_id)
FROM campaigns c
WHERE c.campaign_id = a.campaign_id;

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

-- migrate:down

DROP VIEW stats_now;
DROP FUNCTION fact_stats;
DROP VIEW attempt_facts;
DROP TABLE rollup_tasks, outbox, stats, stats_dimensions, attempts_default;
ALTER TABLE attempts
    DROP CONSTRAINT attempts_disposition_check,
    DROP COLUMN utc_offset_minutes, DROP COLUMN import_id, DROP COLUMN source, DROP COLUMN ad, DROP COLUMN keyword,
    DROP COLUMN region, DROP COLUMN answered_by, DROP COLUMN is_target, DROP COLUMN cost_micros,
    DROP COLUMN disposition_time, DROP COLUMN change_number;
ALTER TABLE attempts
    ADD CONSTRAINT attempts_disposition_check CHECK (disposition IN ('callback_requested', 'refused'));
ALTER TABLE contacts
    DROP COLUMN source, DROP COLUMN ad, DROP COLUMN keyword, DROP COLUMN region;
ALTER TABLE campaigns
    DROP COLUMN target_min_seconds, DROP COLUMN target_max_seconds, DROP COLUMN machine_counts_as_success;
ALTER TABLE trunks
    DROP COLUMN price_per_minute_micros, DROP COLUMN price_per_connection_micros, DROP COLUMN billing_increment_seconds;
