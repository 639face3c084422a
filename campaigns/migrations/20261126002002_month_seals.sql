-- migrate:up

-- The seals of a closed month's days together (docs/rollups.md, "Distinct numbers"), in the same form. Valid only while the month's
-- attempts and changes, in stats (dim 101) and stats_live, are these.
CREATE TABLE number_month_seals (
    shard_key integer NOT NULL,
    -- the first of it
    month date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    dialed bytea NOT NULL,
    settled bytea NOT NULL,
    answered bytea NOT NULL,
    person bytea NOT NULL,
    target bytea NOT NULL,
    success bytea NOT NULL,
    sealed_time timestamptz NOT NULL,
    PRIMARY KEY (shard_key, month)
);

-- migrate:down

DROP TABLE number_month_seals;
