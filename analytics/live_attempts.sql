-- live_attempts(campaign_id) --
-- One row per result, null for the attempts under way.
SELECT
    result,
    count(*) AS attempts,
    count(*) FILTER (WHERE disposition = 'callback_requested') AS callback_requests,
    count(*) FILTER (WHERE disposition = 'refused') AS refusals
FROM attempts
WHERE shard_key BETWEEN $1::integer * 256 AND $1::integer * 256 + 255
GROUP BY result
