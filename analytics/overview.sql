-- overview(campaign_ids) --
-- One row per campaign: its contacts and its attempts, for a list.
SELECT
    wanted.campaign_id,
    coalesce(leads.total, 0) AS total,
    coalesce(leads.done, 0) AS done,
    coalesce(calls.attempts, 0) AS attempts,
    coalesce(calls.settled_attempts, 0) AS settled_attempts,
    coalesce(calls.answered_attempts, 0) AS answered_attempts
FROM unnest($1::integer []) AS wanted (campaign_id)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS total,
        count(*) FILTER (WHERE status IN ('finished', 'blocked')) AS done
    FROM leads
    WHERE shard_key BETWEEN wanted.campaign_id * 256 AND wanted.campaign_id * 256 + 255
) AS leads
CROSS JOIN LATERAL (
    SELECT
        sum(stats_now.attempts)::bigint AS attempts,
        sum(stats_now.settled)::bigint AS settled_attempts,
        sum(stats_now.answered)::bigint AS answered_attempts
    FROM stats_now
    WHERE stats_now.dim = 1
        AND stats_now.shard_key = ANY (
            ARRAY(SELECT shards.shard_key FROM shards WHERE shards.campaign_id = wanted.campaign_id)
        )
) AS calls
