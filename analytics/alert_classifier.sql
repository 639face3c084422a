-- alert_classifier() --
-- Campaigns whose classifier is switched off, and what was seen then.
SELECT campaign_id, humans, judged FROM classifier_stops WHERE resumed_time IS NULL
