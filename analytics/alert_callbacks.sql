-- alert_callbacks(since_time, until_time) --
-- Callbacks that people asked for between the two times and that no later attempt answered, by campaign. Campaigns that run
-- or are paused are listed with zero, too.
SELECT campaigns.campaign_id, coalesce(sum(missed.callbacks), 0)::integer AS callbacks
FROM campaigns
JOIN shards USING (campaign_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS callbacks
    FROM attempts AS asked
    WHERE asked.shard_key = shards.shard_key
        AND asked.started_time >= $1 AND asked.started_time < $2
        AND asked.disposition = 'callback_requested'
        AND NOT EXISTS (
            SELECT FROM attempts AS later
            WHERE later.shard_key = asked.shard_key AND later.contact_id = asked.contact_id
                AND later.started_time > asked.started_time
        )
) AS missed
WHERE campaigns.status IN ('running', 'paused')
GROUP BY campaigns.campaign_id
