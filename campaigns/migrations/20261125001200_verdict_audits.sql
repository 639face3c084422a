-- migrate:up

-- How often the classifier is wrong about people, measured by people (docs/adr/0021).
ALTER TABLE campaigns
    -- share of the verdicts "nobody to talk to" that enter the listening queue; 0 = nobody checks
    ADD COLUMN audit_share double precision NOT NULL DEFAULT 0.05
        CHECK (audit_share = 0 OR audit_share BETWEEN 0.001 AND 1),
    -- more people than this among them, beyond chance, and the classifier is switched off
    ADD COLUMN false_positive_limit double precision NOT NULL DEFAULT 0.03
        CHECK (false_positive_limit BETWEEN 0.001 AND 0.5);

ALTER TABLE attempts
    -- with what probability this verdict was drawn for the queue; null = not drawn
    ADD COLUMN audit_share double precision,
    -- what a person heard; null = not judged (yet)
    ADD COLUMN audit_judgement text CHECK (audit_judgement IN ('human', 'machine', 'cannot_tell'));

-- The listening queue, and what came of it. Written by the statement that settles the attempt.
CREATE TABLE verdict_audits (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    started_time timestamptz NOT NULL,
    drawn_time timestamptz NOT NULL,
    -- who listens at this moment, and until when nobody else gets it
    claimed_by text,
    claimed_until timestamptz,
    judgement text CHECK (judgement IN ('human', 'machine', 'cannot_tell')),
    judged_by text,
    judged_time timestamptz,
    PRIMARY KEY (shard_key, attempt_id),
    CHECK ((judgement IS NULL) = (judged_time IS NULL) AND (judgement IS NULL) = (judged_by IS NULL))
);

CREATE INDEX verdict_audits_waiting ON verdict_audits (shard_key, attempt_id) WHERE judgement IS NULL;

-- The classifier switched off because it hung up on people. At most one is open per campaign, whoever looks.
CREATE TABLE classifier_stops (
    stop_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id integer NOT NULL REFERENCES campaigns,
    stopped_time timestamptz NOT NULL,
    -- what was seen: people among the judged, and the limit that they exceeded
    humans integer NOT NULL,
    judged integer NOT NULL,
    false_positive_limit double precision NOT NULL,
    resumed_time timestamptz,
    resumed_by text
);

CREATE UNIQUE INDEX classifier_stops_open ON classifier_stops (campaign_id) WHERE resumed_time IS NULL;

-- migrate:down

DROP TABLE classifier_stops, verdict_audits;
ALTER TABLE attempts DROP COLUMN audit_share, DROP COLUMN audit_judgement;
ALTER TABLE campaigns DROP COLUMN audit_share, DROP COLUMN false_positive_limit;
