-- Fixed statements of campaigns/alerts.py.

-- add_rule(name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled, now) --
INSERT INTO alert_rules (
    name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled, created_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING *;

-- list_rules() --
SELECT * FROM alert_rules ORDER BY rule_id;

-- enable_rule(rule_id, is_enabled) --
UPDATE alert_rules SET is_enabled = $2 WHERE rule_id = $1 RETURNING *;

-- resolve_disabled(now) --
-- Nobody looks any more, so nothing may stay open.
UPDATE alerts a
SET state = 'resolved', resolved_time = $1
FROM alert_rules r
WHERE r.rule_id = a.rule_id AND NOT r.is_enabled AND a.resolved_time IS NULL;

-- open_alerts(rule_id) --
SELECT alert_id, subject_kind, subject_id, recovering_since
FROM alerts
WHERE rule_id = $1 AND resolved_time IS NULL;

-- raise_alert(rule_id, subject_kind, subject_id, now, value, numerator, denominator, expected) --
-- No row: another process was quicker.
INSERT INTO alerts (
    rule_id, subject_kind, subject_id, state, raised_time, value, numerator, denominator, expected, last_value, last_time
)
VALUES ($1, $2, $3, 'raised', $4, $5, $6, $7, $8, $5, $4)
ON CONFLICT (rule_id, subject_kind, subject_id) WHERE resolved_time IS NULL DO NOTHING
RETURNING alert_id;

-- keep_alert(alert_id, now, value) --
UPDATE alerts
SET last_value = coalesce($3, last_value), last_time = $2, recovering_since = NULL
WHERE alert_id = $1 AND resolved_time IS NULL;

-- recover_alert(alert_id, now, value) --
UPDATE alerts
SET last_value = coalesce($3, last_value), last_time = $2, recovering_since = coalesce(recovering_since, $2)
WHERE alert_id = $1 AND resolved_time IS NULL;

-- resolve_alert(alert_id, now) --
UPDATE alerts SET state = 'resolved', resolved_time = $2
WHERE alert_id = $1 AND resolved_time IS NULL
RETURNING alert_id;

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
