-- migrate:up

-- Settings beyond the columns (identity, SIP extensions, registration, health): campaigns/trunk_models.py knows them all.
ALTER TABLE trunks
    ADD COLUMN profile jsonb NOT NULL DEFAULT '{}',
    -- a deleted trunk stays for the names of its attempts; its password goes
    ADD COLUMN deleted_time timestamptz,
    DROP CONSTRAINT trunks_name_key;
CREATE UNIQUE INDEX trunks_name ON trunks (name) WHERE deleted_time IS NULL;

-- By which trunks a campaign dials: the lowest priority first, within one priority by weight.
CREATE TABLE campaign_trunks (
    campaign_id integer NOT NULL REFERENCES campaigns,
    trunk_id integer NOT NULL REFERENCES trunks,
    priority integer NOT NULL CHECK (priority BETWEEN 0 AND 100),
    weight integer NOT NULL CHECK (weight BETWEEN 1 AND 1000),
    PRIMARY KEY (campaign_id, trunk_id)
);
CREATE INDEX campaign_trunks_trunk ON campaign_trunks (trunk_id);
INSERT INTO campaign_trunks (campaign_id, trunk_id, priority, weight)
SELECT campaign_id, trunk_id, 0, 1 FROM campaigns;
ALTER TABLE campaigns DROP COLUMN trunk_id;

-- What each living run knows of each trunk that it uses; rewritten by the run, gone with it.
CREATE TABLE trunk_health (
    trunk_id integer NOT NULL REFERENCES trunks,
    run_id bigint NOT NULL REFERENCES node_runs,
    state text NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    -- null while closed
    reason text,
    open_until timestamptz,
    -- null without registration
    is_registered boolean,
    registration_problem text,
    -- the name has no address just now
    resolve_problem text,
    channels_in_use integer NOT NULL,
    options_time timestamptz,
    -- null: the last OPTIONS had no answer
    options_ms integer,
    options_status smallint,
    updated_time timestamptz NOT NULL,
    PRIMARY KEY (trunk_id, run_id)
);

-- The attempt whose trunk provably did not place its call, so that this one went by another (docs/adr/0010).
ALTER TABLE attempts ADD COLUMN failover_of bigint;
-- {"attempt_id": n, "trunk_ids": [n]}: the lead's try goes on by another trunk than these; null otherwise
ALTER TABLE leads ADD COLUMN failover jsonb;

-- migrate:down

ALTER TABLE leads DROP COLUMN failover;
ALTER TABLE attempts DROP COLUMN failover_of;
DROP TABLE trunk_health;
ALTER TABLE campaigns ADD COLUMN trunk_id integer REFERENCES trunks;
UPDATE campaigns c SET trunk_id = (
    SELECT t.trunk_id FROM campaign_trunks t WHERE t.campaign_id = c.campaign_id ORDER BY priority, trunk_id LIMIT 1
);
ALTER TABLE campaigns ALTER COLUMN trunk_id SET NOT NULL;
DROP TABLE campaign_trunks;
DROP INDEX trunks_name;
ALTER TABLE trunks DROP COLUMN profile, DROP COLUMN deleted_time, ADD CONSTRAINT trunks_name_key UNIQUE (name);
