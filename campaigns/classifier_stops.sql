-- Fixed statements of campaigns/classifier_stops.py.

-- stop_classifier(campaign_id, now, humans, judged, false_positive_limit) --
-- No row: another process was quicker.
INSERT INTO classifier_stops (campaign_id, stopped_time, humans, judged, false_positive_limit)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (campaign_id) WHERE resumed_time IS NULL DO NOTHING
RETURNING stop_id;

-- add_stop_rule(name, now) --
-- Whoever has made a rule of their own, or switched ours off, is not given another.
INSERT INTO alert_rules (
    name, metric, subject_kind, subject_id, comparison, threshold, window_minutes, min_count, is_enabled, created_time
)
SELECT $1, 'classifier_off', 'campaign', NULL, 'above', 0, 1, 1, true, $2
WHERE NOT EXISTS (SELECT FROM alert_rules WHERE metric = 'classifier_off');

-- resume_classifier(campaign_id, now, actor) --
UPDATE classifier_stops SET resumed_time = $2, resumed_by = $3
WHERE campaign_id = $1 AND resumed_time IS NULL
RETURNING stop_id;

-- open_stop(campaign_id) --
SELECT * FROM classifier_stops WHERE campaign_id = $1 AND resumed_time IS NULL;

-- wake_nodes(campaign_id) --
-- Says only that something changed; the nodes read what.
SELECT pg_notify('campaign_control', $1::integer::text);
