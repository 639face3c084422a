-- alert_idle(now) --
-- Minutes since the last call of each running campaign that has somebody to call, or since it was started or resumed.
SELECT
    campaigns.campaign_id,
    (extract(EPOCH FROM $1::timestamptz - greatest(calls.last_time, campaigns.started_time, resumed.last_time)) / 60)
    ::double precision AS minutes
FROM campaigns
CROSS JOIN LATERAL (
    SELECT max(newest.started_time) AS last_time
    FROM shards
    CROSS JOIN LATERAL (
        SELECT started_time FROM attempts
        WHERE attempts.shard_key = shards.shard_key
        ORDER BY started_time DESC
        LIMIT 1
    ) AS newest
    WHERE shards.campaign_id = campaigns.campaign_id
) AS calls
CROSS JOIN LATERAL (
    SELECT max(audit_log.time) AS last_time
    FROM audit_log
    WHERE subject_kind = 'campaign' AND subject_id = campaigns.campaign_id AND action IN ('start', 'resume')
) AS resumed
WHERE campaigns.status = 'running'
    AND EXISTS (
        SELECT FROM shards
        JOIN leads ON leads.shard_key = shards.shard_key
        WHERE shards.campaign_id = campaigns.campaign_id AND leads.status = 'pending' AND leads.due_time <= $1
    )
