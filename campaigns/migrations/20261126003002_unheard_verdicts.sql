-- migrate:up

-- Drawn verdicts that nobody can listen to leave the queue with the reason (docs/adr/0029). Never replaced by others: that would change
-- with what probability a verdict was drawn.
ALTER TABLE verdict_audits
    ADD COLUMN unheard_why text CHECK (unheard_why IN ('expired', 'asked', 'erased', 'broken', 'none')),
    ADD CONSTRAINT verdict_audits_heard_or_not CHECK (unheard_why IS NULL OR judgement IS NULL);
ALTER TABLE attempts ADD COLUMN audit_unheard text;

DROP INDEX verdict_audits_waiting;
CREATE INDEX verdict_audits_waiting ON verdict_audits (shard_key, attempt_id) WHERE judgement IS NULL AND unheard_why IS NULL;
CREATE INDEX verdict_audits_unheard ON verdict_audits (shard_key, started_time) WHERE unheard_why IS NOT NULL;

-- migrate:down

DROP INDEX verdict_audits_unheard, verdict_audits_waiting;
CREATE INDEX verdict_audits_waiting ON verdict_audits (shard_key, attempt_id) WHERE judgement IS NULL;
ALTER TABLE attempts DROP COLUMN audit_unheard;
ALTER TABLE verdict_audits DROP COLUMN unheard_why;
