-- live_leads(campaign_id) --
SELECT status, count(*) AS leads
FROM leads
WHERE shard_key BETWEEN $1::integer * 256 AND $1::integer * 256 + 255
GROUP BY status
