-- floor_calls(campaign_ids, minute_ago, since_time, until_time) --
-- Attempts of the last minutes by campaign, trunk and how they ended. Each shard reads its newest end by its primary key,
-- so a long history costs nothing.
SELECT
    shards.campaign_id,
    recent.trunk_id,
    recent.result,
    sum(recent.attempts)::integer AS attempts,
    sum(recent.last_minute)::integer AS last_minute,
    sum(recent.trunk_faults)::integer AS trunk_faults,
    sum(recent.short_calls)::integer AS short_calls,
    sum(recent.callback_requests)::integer AS callback_requests,
    sum(recent.refusals)::integer AS refusals
FROM shards
CROSS JOIN LATERAL (
    SELECT
        trunk_id,
        result,
        count(*) AS attempts,
        count(*) FILTER (WHERE started_time > $2) AS last_minute,
        count(*) FILTER (WHERE fault = 'trunk') AS trunk_faults,
        count(*) FILTER (WHERE result = 'answered' AND talk_ms < 6000) AS short_calls,
        count(*) FILTER (WHERE disposition = 'callback_requested') AS callback_requests,
        count(*) FILTER (WHERE disposition = 'refused') AS refusals
    FROM attempts
    WHERE attempts.shard_key = shards.shard_key AND started_time > $3 AND started_time <= $4
    GROUP BY trunk_id, result
) AS recent
WHERE shards.campaign_id = ANY ($1::integer [])
GROUP BY shards.campaign_id, recent.trunk_id, recent.result
