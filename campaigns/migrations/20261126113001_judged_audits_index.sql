-- migrate:up

-- The calls whose verdict a listener judged are few among many: a page of them reads no others.
-- Partial, so that beginning an attempt does not write to it.
CREATE INDEX attempts_judged ON attempts (shard_key, started_time, attempt_id) WHERE audit_judgement IS NOT NULL;

-- migrate:down

DROP INDEX attempts_judged;
