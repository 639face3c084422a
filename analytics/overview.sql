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
        count(*) AS attempts,
        count(settled_time) AS settled_attempts,
        count(*) FILTER (WHERE result = 'answered') AS answered_attempts
    FROM attempts
    WHERE shard_key BETWEEN wanted.campaign_id * 256 AND wanted.campaign_id * 256 + 255
) AS calls
