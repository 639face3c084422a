-- migrate:up

-- Who is told of alerts, by mail or by webhook (docs/adr/0024).
CREATE TABLE alert_receivers (
    receiver_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- null: of every rule
    rule_id integer REFERENCES alert_rules,
    language text NOT NULL CHECK (language IN ('en', 'ru')),
    -- one of the two
    recipients text[],
    webhook_url text,
    -- signs webhooks (standardwebhooks); shown once, when the receiver is made
    webhook_secret text,
    -- false: it asked never to be called again
    is_active boolean NOT NULL,
    created_time timestamptz NOT NULL,
    CHECK ((recipients IS NULL) <> (webhook_url IS NULL)),
    CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL))
);

-- One row for each receiver and turn of an alert, written by the statement that raises or resolves it: its key is why nobody
-- is told twice, its commit why nobody is forgotten.
CREATE TABLE alert_deliveries (
    receiver_id integer NOT NULL REFERENCES alert_receivers ON DELETE CASCADE,
    alert_id bigint NOT NULL REFERENCES alerts,
    event text NOT NULL CHECK (event IN ('raised', 'resolved')),
    status text NOT NULL CHECK (status IN ('waiting', 'sent', 'failed')),
    tries smallint NOT NULL,
    -- of a waiting one: not before
    next_try_time timestamptz NOT NULL,
    -- who is sending it just now
    holder bigint,
    lease_until timestamptz,
    last_error text,
    sent_time timestamptz,
    PRIMARY KEY (receiver_id, alert_id, event)
);

CREATE INDEX alert_deliveries_waiting ON alert_deliveries (next_try_time) WHERE status = 'waiting';
CREATE INDEX alert_deliveries_alert ON alert_deliveries (alert_id);

-- migrate:down

DROP TABLE alert_deliveries, alert_receivers;
