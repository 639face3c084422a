-- migrate:up

-- What people and the keeper do with recordings (docs/adr/0020). `deleted_why` is written when it is decided, `deleted_time`
-- when the file, and whatever copy has to go with it, are gone; in between it is tried until it works.
ALTER TABLE recordings
    ADD COLUMN held_by text,
    ADD COLUMN held_time timestamptz,
    ADD COLUMN held_why text,
    ADD COLUMN delete_tries integer NOT NULL DEFAULT 0,
    ADD COLUMN next_delete_time timestamptz,
    ADD COLUMN delete_error text,
    -- null: not yet tried
    ADD CONSTRAINT recordings_copy_state CHECK (copy_state IN ('copying', 'waiting', 'copied', 'failed', 'deleted'));

CREATE INDEX recordings_started ON recordings (shard_key, started_time, recording_id);
CREATE INDEX recordings_contact ON recordings (shard_key, contact_id);
-- what the keeper looks through: all that is still there
CREATE INDEX recordings_kept ON recordings (shard_key, recording_id) WHERE deleted_time IS NULL;

-- migrate:down

DROP INDEX recordings_kept, recordings_contact, recordings_started;
ALTER TABLE recordings
    DROP CONSTRAINT recordings_copy_state,
    DROP COLUMN held_by,
    DROP COLUMN held_time,
    DROP COLUMN held_why,
    DROP COLUMN delete_tries,
    DROP COLUMN next_delete_time,
    DROP COLUMN delete_error;
