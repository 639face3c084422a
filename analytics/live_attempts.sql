-- live_attempts(campaign_id) --
-- One row per result, null for the attempts under way. From the rollups, so that a long history costs nothing.
SELECT
    nullif(value, '') AS result,
    sum(attempts)::bigint AS attempts,
    sum(callbacks)::bigint AS callback_requests,
    sum(refusals)::bigint AS refusals
FROM stats_now
WHERE shard_key = ANY (ARRAY(SELECT shards.shard_key FROM shards WHERE shards.campaign_id = $1::integer)) AND dim = 10
GROUP BY value
HAVING sum(attempts) <> 0
