-- Fixed statements of campaigns/alerts.py.

-- add_rule(name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled, now) --
INSERT INTO alert_rules (
    name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled, created_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING *;

-- add_own_rule(name, metric, subject_kind, threshold, window_minutes, now) --
-- Whoever has made a rule of their own, or switched ours off, is not given another.
INSERT INTO alert_rules (
    name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled, created_time,
    is_own
)
SELECT $1, $2::text, $3, NULL, 'above', $4, $5, 1, true, $6, true
WHERE NOT EXISTS (SELECT FROM alert_rules WHERE metric = $2::text)
ON CONFLICT (metric) WHERE is_own DO NOTHING;

-- get_rule(rule_id) --
SELECT * FROM alert_rules WHERE rule_id = $1;

-- list_rules() --
SELECT * FROM alert_rules ORDER BY rule_id;

-- enable_rule(rule_id, is_enabled) --
UPDATE alert_rules SET is_enabled = $2 WHERE rule_id = $1 RETURNING *;

-- replace_rule(rule_id, name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled) --
UPDATE alert_rules
SET name = $2, metric = $3, subject_kind = $4, subject_id = $5, comparison = $6, threshold = $7, window_minutes = $8,
    min_count = $9, is_enabled = $10
WHERE rule_id = $1
RETURNING *;

-- resolve_of_rule(rule_id, now) --
-- What was asked is not asked any more, so nothing may stay open. Whoever was told of the beginning is told of the end.
WITH resolved AS (
    UPDATE alerts SET state = 'resolved', resolved_time = $2
    WHERE rule_id = $1 AND resolved_time IS NULL
    RETURNING alert_id
),
told AS (
    INSERT INTO alert_deliveries (receiver_id, alert_id, event, status, tries, next_try_time)
    SELECT receiver_id, alert_id, 'resolved', 'waiting', 0, $2
    FROM resolved
    JOIN alert_deliveries AS first USING (alert_id)
    JOIN alert_receivers USING (receiver_id)
    WHERE first.event = 'raised' AND is_active
    ON CONFLICT DO NOTHING
)
SELECT alert_id FROM resolved;

-- open_alerts(rule_id) --
SELECT alert_id, subject_kind, subject_id, recovering_since
FROM alerts
WHERE rule_id = $1 AND resolved_time IS NULL;

-- raise_alert(rule_id, subject_kind, subject_id, now, value, numerator, denominator, expected, detail) --
-- No row: another process was quicker. With the alert goes who is to be told of it.
WITH raised AS (
    INSERT INTO alerts (
        rule_id, subject_kind, subject_id, state, raised_time, value, numerator, denominator, expected, last_value, last_time,
        detail
    )
    VALUES ($1, $2, $3, 'raised', $4, $5, $6, $7, $8, $5, $4, $9)
    ON CONFLICT (rule_id, subject_kind, subject_id) WHERE resolved_time IS NULL DO NOTHING
    RETURNING alert_id
),
told AS (
    INSERT INTO alert_deliveries (receiver_id, alert_id, event, status, tries, next_try_time)
    SELECT receiver_id, alert_id, 'raised', 'waiting', 0, $4
    FROM raised
    JOIN alert_receivers ON is_active AND coalesce(alert_receivers.rule_id, $1) = $1
)
SELECT alert_id FROM raised;

-- keep_alert(alert_id, now, value, detail) --
UPDATE alerts
SET last_value = coalesce($3, last_value), last_time = $2, detail = coalesce($4, detail), recovering_since = NULL
WHERE alert_id = $1 AND resolved_time IS NULL;

-- recover_alert(alert_id, now, value) --
UPDATE alerts
SET last_value = coalesce($3, last_value), last_time = $2, recovering_since = coalesce(recovering_since, $2)
WHERE alert_id = $1 AND resolved_time IS NULL;

-- resolve_alert(alert_id, now) --
WITH resolved AS (
    UPDATE alerts SET state = 'resolved', resolved_time = $2
    WHERE alert_id = $1 AND resolved_time IS NULL
    RETURNING alert_id
),
told AS (
    INSERT INTO alert_deliveries (receiver_id, alert_id, event, status, tries, next_try_time)
    SELECT receiver_id, alert_id, 'resolved', 'waiting', 0, $2
    FROM resolved
    JOIN alert_deliveries AS first USING (alert_id)
    JOIN alert_receivers USING (receiver_id)
    WHERE first.event = 'raised' AND is_active
    ON CONFLICT DO NOTHING
)
SELECT alert_id FROM resolved;

-- get_alert(alert_id) --
SELECT * FROM alerts WHERE alert_id = $1 FOR UPDATE;

-- acknowledge_alert(alert_id, now, actor) --
UPDATE alerts SET state = 'acknowledged', acknowledged_time = $2, acknowledged_by = $3
WHERE alert_id = $1
RETURNING *;

-- list_alerts(before_id, limit, is_open) --
SELECT * FROM alerts
WHERE alert_id < $1 AND ($3::boolean IS NULL OR (resolved_time IS NULL) = $3)
ORDER BY alert_id DESC
LIMIT $2;
