-- migrate:up

-- Which numbers came from each source, ad and keyword on a closed day or month (docs/rollups.md, "Distinct numbers"): as
-- number_seals, a bitmap for each value. Valid only while the attempts and changes of all of the day, or month, are these.
-- Empty at first: the sealer works its way back from yesterday, and what is not sealed yet is read from the facts.
CREATE TABLE attribution_seals (
    shard_key integer NOT NULL,
    -- as in stats: 6 = source, 7 = ad, 8 = keyword; 100 more: of a month
    dim smallint NOT NULL,
    -- of a month, the first of it
    day date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    -- '' where the attempt has none; the bitmaps stand in this order
    value_texts text[] NOT NULL,
    dialed bytea[] NOT NULL,
    answered bytea[] NOT NULL,
    person bytea[] NOT NULL,
    target bytea[] NOT NULL,
    success bytea[] NOT NULL,
    sealed_time timestamptz NOT NULL,
    PRIMARY KEY (shard_key, dim, day)
);

-- Bitmaps are small already: trying to compress them costs more than it saves.
ALTER TABLE attribution_seals
    ALTER COLUMN dialed SET STORAGE EXTERNAL,
    ALTER COLUMN answered SET STORAGE EXTERNAL,
    ALTER COLUMN person SET STORAGE EXTERNAL,
    ALTER COLUMN target SET STORAGE EXTERNAL,
    ALTER COLUMN success SET STORAGE EXTERNAL;

-- migrate:down

DROP TABLE attribution_seals;
