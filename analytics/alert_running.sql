-- alert_running() --
SELECT campaign_id FROM campaigns WHERE status = 'running'
