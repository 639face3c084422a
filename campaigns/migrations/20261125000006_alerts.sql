-- migrate:up

-- What each node sees at this moment: calls in each stage by campaign and trunk. Rewritten up to four times a second and
-- worthless after a crash, so it is not logged: publishing costs no flush (docs/adr/0016).
CREATE UNLOGGED TABLE node_state (
    run_id bigint PRIMARY KEY,
    time timestamptz NOT NULL,
    state jsonb NOT NULL
) WITH (fillfactor = 50);

-- Who changed what while calls were running. Only ever grows.
CREATE TABLE audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time timestamptz NOT NULL,
    -- the API key or session, as in idempotency_keys
    actor text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id bigint NOT NULL,
    -- the changed settings before and after
    old jsonb NOT NULL,
    new jsonb NOT NULL
);

CREATE INDEX audit_log_subject ON audit_log (subject_kind, subject_id, audit_id);

-- What shall be watched. The words are those of analytics/alert_rule.py (a test compares them).
CREATE TABLE alert_rules (
    rule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    metric text NOT NULL,
    -- over all calls; for each campaign or trunk; for one of them
    subject_kind text NOT NULL CHECK (subject_kind IN ('all', 'campaign', 'trunk')),
    subject_id integer,
    comparison text NOT NULL CHECK (comparison IN ('below', 'above', 'worse_than_usual')),
    -- null where the comparison is with the own history
    threshold double precision,
    window_minutes smallint NOT NULL CHECK (window_minutes BETWEEN 1 AND 1440),
    -- fewer calls than this say nothing
    min_count integer NOT NULL CHECK (min_count >= 1),
    is_enabled boolean NOT NULL,
    created_time timestamptz NOT NULL,
    CHECK ((comparison = 'worse_than_usual') = (threshold IS NULL)),
    CHECK (subject_kind <> 'all' OR subject_id IS NULL)
);

CREATE TABLE alerts (
    alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id integer NOT NULL REFERENCES alert_rules,
    subject_kind text NOT NULL,
    -- 0 = all
    subject_id integer NOT NULL,
    state text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'resolved')),
    raised_time timestamptz NOT NULL,
    acknowledged_time timestamptz,
    acknowledged_by text,
    resolved_time timestamptz,
    -- what was seen when it was raised, and last
    value double precision NOT NULL,
    numerator bigint,
    denominator bigint,
    -- the threshold, or what was usual
    expected double precision NOT NULL,
    last_value double precision NOT NULL,
    last_time timestamptz NOT NULL,
    -- since when the figure is good again; null while it is not
    recovering_since timestamptz,
    CHECK ((state = 'resolved') = (resolved_time IS NOT NULL))
);

-- One open alert per rule and subject, however many processes look.
CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, subject_kind, subject_id) WHERE resolved_time IS NULL;

-- migrate:down

DROP TABLE alerts, alert_rules, audit_log, node_state;
