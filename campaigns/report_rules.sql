-- Fixed statements of campaigns/report_rules.py.

-- get_campaign_rules(campaign_id) --
SELECT target_min_seconds, target_max_seconds, machine_counts_as_success FROM campaigns WHERE campaign_id = $1;

-- lock_campaign_rules(campaign_id) --
SELECT target_min_seconds, target_max_seconds, machine_counts_as_success
FROM campaigns WHERE campaign_id = $1 FOR NO KEY UPDATE;

-- set_campaign_rules(campaign_id, target_min_seconds, target_max_seconds, machine_counts_as_success) --
UPDATE campaigns
SET target_min_seconds = $2, target_max_seconds = $3, machine_counts_as_success = $4
WHERE campaign_id = $1;

-- get_trunk_prices(trunk_id) --
SELECT price_per_minute_micros, price_per_connection_micros, billing_increment_seconds
FROM trunks WHERE trunk_id = $1 AND deleted_time IS NULL;

-- lock_trunk_prices(trunk_id) --
SELECT price_per_minute_micros, price_per_connection_micros, billing_increment_seconds
FROM trunks WHERE trunk_id = $1 AND deleted_time IS NULL FOR NO KEY UPDATE;

-- set_trunk_prices(trunk_id, price_per_minute_micros, price_per_connection_micros, billing_increment_seconds) --
UPDATE trunks
SET price_per_minute_micros = $2, price_per_connection_micros = $3, billing_increment_seconds = $4
WHERE trunk_id = $1;
