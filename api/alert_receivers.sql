-- Who is told of alerts, and the deliveries.

-- insert_receiver(rule_id, language, recipients, webhook_url, webhook_secret, now) --
INSERT INTO alert_receivers (rule_id, language, recipients, webhook_url, webhook_secret, is_active, created_time)
VALUES ($1, $2, $3, $4, $5, true, $6)
RETURNING *;

-- list_receivers() --
SELECT * FROM alert_receivers ORDER BY receiver_id;

-- find_receiver(receiver_id) --
SELECT * FROM alert_receivers WHERE receiver_id = $1;

-- delete_receiver(receiver_id) --
DELETE FROM alert_receivers WHERE receiver_id = $1 RETURNING receiver_id;

-- end_receiver(receiver_id) --
UPDATE alert_receivers SET is_active = false WHERE receiver_id = $1;

-- list_alert_deliveries(receiver_id, before_alert_id, limit) --
SELECT * FROM alert_deliveries
WHERE receiver_id = $1 AND alert_id < $2
ORDER BY alert_id DESC, event DESC LIMIT $3;

-- deliveries_of_alerts(alert_ids) --
SELECT * FROM alert_deliveries WHERE alert_id = ANY ($1::bigint []) ORDER BY alert_id, receiver_id, event;

-- last_alert_deliveries() --
-- The newest of each receiver.
SELECT newest.*
FROM alert_receivers
CROSS JOIN LATERAL (
    SELECT * FROM alert_deliveries
    WHERE alert_deliveries.receiver_id = alert_receivers.receiver_id
    ORDER BY alert_id DESC, event DESC LIMIT 1
) AS newest;

-- list_alert_facts(before_id, limit, is_open) --
SELECT
    alerts.*, rules.name AS rule_name, rules.metric, rules.comparison, rules.window_minutes,
    coalesce(campaigns.name, trunks.name) AS subject_name
FROM alerts
JOIN alert_rules AS rules USING (rule_id)
LEFT JOIN campaigns ON alerts.subject_kind = 'campaign' AND campaigns.campaign_id = alerts.subject_id
LEFT JOIN trunks ON alerts.subject_kind = 'trunk' AND trunks.trunk_id = alerts.subject_id
WHERE alerts.alert_id < $1 AND ($3::boolean IS NULL OR (alerts.resolved_time IS NULL) = $3)
ORDER BY alerts.alert_id DESC
LIMIT $2;

-- find_alert_facts(alert_id) --
SELECT
    alerts.*, rules.name AS rule_name, rules.metric, rules.comparison, rules.window_minutes,
    coalesce(campaigns.name, trunks.name) AS subject_name
FROM alerts
JOIN alert_rules AS rules USING (rule_id)
LEFT JOIN campaigns ON alerts.subject_kind = 'campaign' AND campaigns.campaign_id = alerts.subject_id
LEFT JOIN trunks ON alerts.subject_kind = 'trunk' AND trunks.trunk_id = alerts.subject_id
WHERE alerts.alert_id = $1;

-- receivers_of_delivery(alert_id, event) --
-- Who is told of this turn of an alert: those of the rule before those of all rules, the newest first.
SELECT alert_receivers.*
FROM alert_deliveries
JOIN alert_receivers USING (receiver_id)
WHERE alert_id = $1 AND event = $2
ORDER BY rule_id IS NULL, receiver_id DESC;

-- take_alert_delivery(holder, now, lease_until) --
-- That an alert is over is said after that it was raised.
UPDATE alert_deliveries
SET holder = $1, lease_until = $3, tries = tries + 1
WHERE (receiver_id, alert_id, event) = (
    SELECT receiver_id, alert_id, event FROM alert_deliveries AS due
    WHERE status = 'waiting' AND next_try_time <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        AND NOT EXISTS (
            SELECT FROM alert_deliveries AS earlier
            WHERE due.event = 'resolved' AND earlier.event = 'raised' AND earlier.status = 'waiting'
                AND earlier.receiver_id = due.receiver_id AND earlier.alert_id = due.alert_id
        )
    ORDER BY next_try_time, event LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING *;

-- end_alert_delivery(receiver_id, alert_id, event, holder, status, next_try_time, error_code, error, sent_time) --
UPDATE alert_deliveries
SET status = $5, next_try_time = $6, error_code = $7, last_error = $8, sent_time = $9, holder = NULL, lease_until = NULL
WHERE receiver_id = $1 AND alert_id = $2 AND event = $3 AND holder = $4;
