-- floor_minutes(campaign_ids, since_time, until_time) --
-- Attempts and answers of each minute, for the little charts. minute 0 is the one that begins at since_time.
SELECT
    shards.campaign_id,
    recent.minute,
    sum(recent.attempts)::integer AS attempts,
    sum(recent.answered)::integer AS answered
FROM shards
CROSS JOIN LATERAL (
    SELECT
        floor(extract(EPOCH FROM started_time - $2::timestamptz) / 60)::integer AS minute,
        count(*) AS attempts,
        count(*) FILTER (WHERE result = 'answered') AS answered
    FROM attempts
    WHERE attempts.shard_key = shards.shard_key AND started_time >= $2 AND started_time < $3
    GROUP BY 1
) AS recent
WHERE shards.campaign_id = ANY ($1::integer [])
GROUP BY shards.campaign_id, recent.minute
