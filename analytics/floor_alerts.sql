-- floor_alerts() --
-- What is not resolved, the newest first.
SELECT
    alerts.alert_id, rules.name AS rule_name, rules.metric, rules.comparison, alerts.subject_kind,
    nullif(alerts.subject_id, 0) AS subject_id,
    coalesce(campaigns.name, trunks.name) AS subject_name,
    alerts.state, alerts.raised_time, alerts.last_value AS value, alerts.expected
FROM alerts
JOIN alert_rules AS rules USING (rule_id)
LEFT JOIN campaigns ON alerts.subject_kind = 'campaign' AND campaigns.campaign_id = alerts.subject_id
LEFT JOIN trunks ON alerts.subject_kind = 'trunk' AND trunks.trunk_id = alerts.subject_id
WHERE alerts.resolved_time IS NULL
ORDER BY alerts.state DESC, alerts.raised_time DESC, alerts.alert_id DESC
LIMIT 50
