-- floor_campaigns(since_time, limit) --
-- What a supervisor watches: campaigns that run or are paused, and those that ended since. Running ones first.
SELECT
    campaign_id, name, status, max_calls_per_second, max_concurrent_calls, started_time, finished_time
FROM campaigns
WHERE status IN ('running', 'paused') OR finished_time >= $1
ORDER BY array_position(ARRAY['running', 'paused'], status), campaign_id DESC
LIMIT $2
