-- migrate:up

-- Who asked to be called back, and whether they were: without these, each request looks through all calls of its day.
-- Partial, so that beginning an attempt writes to neither.
CREATE INDEX attempts_callbacks ON attempts (shard_key, started_time) WHERE disposition = 'callback_requested';
CREATE INDEX attempts_answered ON attempts (shard_key, contact_id, started_time) WHERE result = 'answered';

-- migrate:down

DROP INDEX attempts_callbacks, attempts_answered;
