-- migrate:up

-- The reconciler's verdicts: one for each shard and calendar month of days; shard_key 0 = the sums over all campaigns.
CREATE TABLE rollup_checks (
    shard_key integer NOT NULL,
    month date NOT NULL,
    checked_time timestamptz NOT NULL,
    -- rows of stats that did not agree with the facts when it was looked at; 0 = proven
    differences integer NOT NULL,
    wrong_days date[] NOT NULL,
    -- the differences were added to stats at once
    is_repaired boolean NOT NULL,
    PRIMARY KEY (shard_key, month)
);

-- Which contacts had an attempt, a result, an answer ... on a closed day: roaring bitmaps (32 bit, portable format) of
-- contact_id; of numbers.number_id under shard_key 0. Valid only while the day's attempts and changes in stats_now are
-- these: a late change unseals the day by itself.
CREATE TABLE number_seals (
    shard_key integer NOT NULL,
    day date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    dialed bytea NOT NULL,
    settled bytea NOT NULL,
    answered bytea NOT NULL,
    person bytea NOT NULL,
    target bytea NOT NULL,
    success bytea NOT NULL,
    sealed_time timestamptz NOT NULL,
    PRIMARY KEY (shard_key, day)
);

-- One small id for each telephone number ever dialed, as a number may stand in several campaigns. Filled by the sealer
-- alone; numbers it has not seen yet are told apart by their text.
CREATE TABLE numbers (
    number text PRIMARY KEY,
    number_id integer NOT NULL UNIQUE
);

-- Who changed a fact afterwards, or erased a person, and when. Numbers never stand here.
CREATE TABLE fact_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_time timestamptz NOT NULL,
    -- the API key or session
    changed_by text NOT NULL,
    action text NOT NULL CHECK (action IN ('disposition', 'erase')),
    attempt_id bigint,
    old_disposition text,
    new_disposition text,
    -- the random word that took the place of the number
    erased_word text,
    -- {table: rows}
    rows_changed jsonb NOT NULL
);

-- migrate:down

DROP TABLE fact_changes, numbers, number_seals, rollup_checks;
