-- migrate:up

-- What a campaign records, and for how long it is kept.
ALTER TABLE campaigns
    ADD COLUMN recording text NOT NULL DEFAULT 'none' CHECK (recording IN ('none', 'all', 'on_demand')),
    ADD COLUMN recording_days integer NOT NULL DEFAULT 30 CHECK (recording_days BETWEEN 1 AND 36500);

-- One file of sound (dialer/recording, docs/adr/0019). The row outlives the file.
CREATE TABLE recordings (
    shard_key integer NOT NULL,
    recording_id bigint NOT NULL,
    attempt_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    contact_id bigint NOT NULL,
    -- whose disk it was written to
    node_name text NOT NULL,
    -- of sample 0: the answer, or the request
    started_time timestamptz NOT NULL,
    ended_time timestamptz,
    state text NOT NULL CHECK (state IN ('writing', 'ready', 'broken', 'deleted')),
    -- below OBZVON_RECORDINGS_DIR; holds from `ready` on
    path text NOT NULL,
    duration_ms integer,
    size_bytes bigint,
    sha256 bytea,
    -- of duration_ms: what was not recorded
    gap_ms integer,
    -- why something is missing: disk_full, unreachable, io_error, overload, cut; broken also: missing, no_sound, engine_cannot
    cause text,
    key_id text,
    is_held boolean NOT NULL DEFAULT false,
    -- null: as the campaign says
    delete_after date,
    deleted_time timestamptz,
    deleted_why text,
    copy_state text,
    copied_time timestamptz,
    copy_error text,
    copy_attempts integer NOT NULL DEFAULT 0,
    next_copy_time timestamptz,
    PRIMARY KEY (shard_key, recording_id)
);
CREATE INDEX recordings_attempt ON recordings (shard_key, attempt_id);
-- a node that starts looks for what its last life left open
CREATE INDEX recordings_writing ON recordings (shard_key, node_name) WHERE state = 'writing';

-- Somebody wants a call recorded while it goes on.
CREATE TABLE recording_requests (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    requested_time timestamptz NOT NULL,
    PRIMARY KEY (shard_key, attempt_id)
);

-- migrate:down

DROP TABLE recording_requests;
DROP TABLE recordings;
ALTER TABLE campaigns
    DROP COLUMN recording,
    DROP COLUMN recording_days;
