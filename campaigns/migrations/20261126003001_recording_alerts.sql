-- migrate:up

-- What an alert has to say beside its figure, as it was at the last look: since when the oldest copy waits, the last error.
ALTER TABLE alerts ADD COLUMN detail jsonb;

-- Made by us when there was first something to say; one of each metric, however many processes look.
ALTER TABLE alert_rules ADD COLUMN is_own boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX alert_rules_own ON alert_rules (metric) WHERE is_own;

-- Of copy_error: which of several failures is the last one.
ALTER TABLE recordings ADD COLUMN copy_error_time timestamptz;

-- What is not copied yet; few where copies go through.
CREATE INDEX recordings_uncopied ON recordings (shard_key, started_time)
    WHERE deleted_time IS NULL AND state = 'ready' AND copy_state IS DISTINCT FROM 'copied';
-- What is missing something, and why.
CREATE INDEX recordings_damaged ON recordings (shard_key, started_time) WHERE cause IS NOT NULL;
-- Which keys are still needed.
CREATE INDEX recordings_key ON recordings (shard_key, key_id) WHERE state = 'ready';

-- migrate:down

DROP INDEX recordings_key, recordings_damaged, recordings_uncopied;
ALTER TABLE recordings DROP COLUMN copy_error_time;
ALTER TABLE alert_rules DROP COLUMN is_own;
ALTER TABLE alerts DROP COLUMN detail;
