-- Fixed statements of campaigns/classifier_stops.py.

-- stop_classifier(campaign_id, now, humans, judged, false_positive_limit) --
-- No row: another process was quicker.
INSERT INTO classifier_stops (campaign_id, stopped_time, humans, judged, false_positive_limit)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (campaign_id) WHERE resumed_time IS NULL DO NOTHING
RETURNING stop_id;

-- resume_classifier(campaign_id, now, actor) --
UPDATE classifier_stops SET resumed_time = $2, resumed_by = $3
WHERE campaign_id = $1 AND resumed_time IS NULL
RETURNING stop_id;

-- open_stop(campaign_id) --
SELECT * FROM classifier_stops WHERE campaign_id = $1 AND resumed_time IS NULL;

-- wake_nodes(campaign_id) --
-- Says only that something changed; the nodes read what.
SELECT pg_notify('campaign_control', $1::integer::text);
