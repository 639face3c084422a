-- migrate:up

-- The SIP messages of ended calls, and of live ones that somebody asked for. A bounded memory, not a fact: nodes write it
-- behind the outcomes and prune it by age and number (docs/adr/0012).
CREATE TABLE call_traces (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    call_id text NOT NULL,
    -- of the first message
    started_time timestamptz NOT NULL,
    written_time timestamptz NOT NULL,
    -- false while the call goes on
    is_complete boolean NOT NULL,
    -- campaigns.call_trace: our address, then each message with its time and peer; numbers whole, credentials blotted out
    messages bytea NOT NULL,
    PRIMARY KEY (shard_key, attempt_id)
);

-- migrate:down

DROP TABLE call_traces;
