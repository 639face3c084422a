-- migrate:up

-- What was wrong at the last try, as a code that has a sentence in each language; last_error is what the other side said itself.
ALTER TABLE alert_deliveries ADD COLUMN error_code text;
ALTER TABLE report_deliveries ADD COLUMN error_code text;

-- migrate:down

ALTER TABLE alert_deliveries DROP COLUMN error_code;
ALTER TABLE report_deliveries DROP COLUMN error_code;
