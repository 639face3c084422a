-- migrate:up

-- Reference tables: small, read everywhere; on Citus they are copied to every node (docs/adr/0006).

CREATE TABLE trunks (
    trunk_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    host text NOT NULL,
    port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    username text,
    password text,
    caller_id text NOT NULL,
    max_calls_per_second double precision NOT NULL CHECK (max_calls_per_second > 0),
    max_channels integer NOT NULL CHECK (max_channels > 0),
    created_time timestamptz NOT NULL
);

CREATE TABLE prompts (
    prompt_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    duration_ms integer NOT NULL CHECK (duration_ms > 0),
    pcm_s16le_8khz bytea NOT NULL,
    created_time timestamptz NOT NULL
);

CREATE TABLE campaigns (
    -- below 2^23, so that shard_key = campaign_id * 256 + slot stays an integer
    campaign_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (campaign_id < 8388608),
    name text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('voice_message')),
    purpose text NOT NULL CHECK (purpose IN ('service', 'advertising')),
    status text NOT NULL CHECK (status IN ('draft', 'running', 'paused', 'stopped', 'finished')),
    split smallint NOT NULL DEFAULT 1 CHECK (split BETWEEN 1 AND 256),
    trunk_id integer NOT NULL REFERENCES trunks,
    prompt_id integer REFERENCES prompts,
    caller_id text,
    default_country text NOT NULL CHECK (default_country ~ '^[A-Z]{2}$'),
    time_zone text NOT NULL,
    -- where the people of the base live, for numbers that do not tell; null = not known
    callee_time_zone text,
    -- local time of the callee, minutes after midnight; ISO weekdays 1 (Monday) to 7
    window_start_minute smallint NOT NULL CHECK (window_start_minute BETWEEN 0 AND 1439),
    window_end_minute smallint NOT NULL CHECK (window_end_minute BETWEEN 1 AND 1440),
    window_weekdays smallint[] NOT NULL,
    max_calls_per_second double precision NOT NULL CHECK (max_calls_per_second > 0),
    max_concurrent_calls integer NOT NULL CHECK (max_concurrent_calls > 0),
    ring_timeout_seconds double precision NOT NULL CHECK (ring_timeout_seconds >= 15),
    max_talk_seconds double precision NOT NULL CHECK (max_talk_seconds > 0),
    -- how long the callee may still press a key after the message has ended
    key_wait_seconds double precision NOT NULL CHECK (key_wait_seconds >= 0),
    -- {result: {"delay_seconds": n, "max_attempts": n}}
    retry_rules jsonb NOT NULL,
    created_time timestamptz NOT NULL,
    started_time timestamptz,
    finished_time timestamptz,
    CHECK (window_start_minute < window_end_minute)
);

-- Numbers that asked not to be called; looked at by the gate at every claim.
CREATE TABLE dnc_numbers (
    number text PRIMARY KEY CHECK (number ~ '^\+[1-9][0-9]{6,14}$'),
    source text NOT NULL CHECK (source IN ('key_press', 'api', 'import')),
    attempt_id bigint,
    added_time timestamptz NOT NULL
);

-- One row per life of a process. A run that stopped beating without an end is dead.
CREATE TABLE node_runs (
    run_id bigint PRIMARY KEY,
    node_name text NOT NULL,
    -- the ten node bits of the snowflake ids that this run makes
    id_node smallint NOT NULL CHECK (id_node BETWEEN 0 AND 1023),
    started_time timestamptz NOT NULL,
    heartbeat_time timestamptz NOT NULL,
    ended_time timestamptz
);

-- Two living runs never share their snowflake bits.
CREATE UNIQUE INDEX node_runs_id_node ON node_runs (id_node) WHERE ended_time IS NULL;

CREATE TABLE imports (
    import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id integer NOT NULL REFERENCES campaigns,
    file_name text NOT NULL,
    -- how the file was read
    encoding text NOT NULL,
    delimiter text NOT NULL,
    number_column text NOT NULL,
    warnings text[] NOT NULL,
    rows_total integer NOT NULL,
    rows_accepted integer NOT NULL,
    rows_rejected integer NOT NULL,
    -- {code: rows}; the rows themselves are in import_rejections
    rejected_counts jsonb NOT NULL,
    created_time timestamptz NOT NULL
);

CREATE INDEX imports_campaign ON imports (campaign_id, import_id);

CREATE TABLE api_keys (
    key_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    key_sha256 bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_time timestamptz NOT NULL,
    revoked_time timestamptz
);

-- A browser session; born from a one-time sign-in link.
CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY,
    scopes text[] NOT NULL,
    expires_time timestamptz NOT NULL
);

CREATE TABLE sign_in_links (
    token_sha256 bytea PRIMARY KEY,
    scopes text[] NOT NULL,
    expires_time timestamptz NOT NULL,
    used_time timestamptz
);

CREATE TABLE idempotency_keys (
    -- the API key or session that sent it, and the route
    owner text NOT NULL,
    idempotency_key text NOT NULL,
    request_sha256 bytea NOT NULL,
    -- null while the first request is still under way
    response_status smallint,
    response_body bytea,
    created_time timestamptz NOT NULL,
    PRIMARY KEY (owner, idempotency_key)
);

-- Tables that grow: shard_key comes first in every key.

-- The unit of ownership: one node works a shard at a time, so the campaign's limits are exact.
CREATE TABLE shards (
    shard_key integer PRIMARY KEY,
    campaign_id integer NOT NULL,
    run_id bigint,
    lease_until timestamptz
);

CREATE TABLE contacts (
    shard_key integer NOT NULL,
    -- counted from 1 within the campaign, without gaps of note: bitmaps of contacts stay small
    contact_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    number text NOT NULL CHECK (number ~ '^\+[1-9][0-9]{6,14}$'),
    fields jsonb NOT NULL,
    import_id bigint NOT NULL,
    PRIMARY KEY (shard_key, contact_id),
    UNIQUE (shard_key, number)
);

-- Every row of a file that was not taken, so that nothing is lost silently.
CREATE TABLE import_rejections (
    -- slot 0 of the campaign
    shard_key integer NOT NULL,
    import_id bigint NOT NULL,
    line integer NOT NULL,
    value text NOT NULL,
    code text NOT NULL,
    params jsonb NOT NULL,
    PRIMARY KEY (shard_key, import_id, line)
);

CREATE TABLE leads (
    shard_key integer NOT NULL,
    contact_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    number text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'dialing', 'finished', 'blocked')),
    -- null once nothing is left to do
    due_time timestamptz,
    attempts_made smallint NOT NULL,
    -- set and cleared in the transactions that begin and settle it: a claim needs no lease of its own
    open_attempt_id bigint,
    -- the last result, or the gate's rule that blocked it
    last_reason text,
    PRIMARY KEY (shard_key, contact_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE INDEX leads_due ON leads (shard_key, due_time);

CREATE TABLE attempts (
    shard_key integer NOT NULL,
    -- just before the INVITE; part of the key because partitions are months
    started_time timestamptz NOT NULL,
    attempt_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    contact_id bigint NOT NULL,
    number text NOT NULL,
    attempt_number smallint NOT NULL,
    trunk_id integer NOT NULL,
    caller_id text NOT NULL,
    call_id text NOT NULL,
    run_id bigint NOT NULL,
    -- the facts that the gate saw and the rules it passed
    gate jsonb NOT NULL,
    -- all below: null until settled
    settled_time timestamptz,
    result text CHECK (result IN ('answered', 'busy', 'no_answer', 'rejected', 'unreachable', 'invalid_number',
                                  'congested', 'cancelled', 'abandoned', 'failed', 'unknown')),
    reason text,
    fault text CHECK (fault IN ('none', 'callee', 'trunk', 'local', 'indeterminate')),
    sip_status smallint,
    q850_cause smallint,
    ended_by text CHECK (ended_by IN ('us', 'callee', 'network')),
    ringing_time timestamptz,
    early_media_time timestamptz,
    answered_time timestamptz,
    ended_time timestamptz,
    pdd_ms integer,
    talk_ms integer,
    digits text,
    message_played_ms integer,
    disposition text CHECK (disposition IN ('callback_requested', 'refused')),
    PRIMARY KEY (shard_key, started_time, attempt_id)
) PARTITION BY RANGE (started_time);

CREATE INDEX attempts_started_brin ON attempts USING brin (started_time);
CREATE INDEX attempts_open ON attempts (shard_key, run_id) WHERE settled_time IS NULL;

-- migrate:down

DROP TABLE attempts, leads, import_rejections, contacts, shards, idempotency_keys, sign_in_links, sessions, api_keys, imports,
    node_runs, dnc_numbers, campaigns, prompts, trunks;
