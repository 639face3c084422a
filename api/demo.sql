-- The demo's own questions; everything else it asks of `campaigns` and `analytics`.

-- recorded_attempts(campaign_id) --
-- Every attempt as it stands, for the comparison with the carrier's truth. `answered` is the fact that a 2xx was taken.
SELECT call_id,
       number,
       result,
       sip_status,
       answered_time IS NOT NULL AS answered,
       ended_by,
       coalesce(digits, '') AS digits,
       disposition
FROM attempts
WHERE campaign_id = $1
ORDER BY started_time, attempt_id;

-- sample_campaign(trunk_name) --
-- The newest campaign over the simulated carrier: what a second run goes on with.
SELECT max(campaign_id)
FROM campaigns
JOIN campaign_trunks USING (campaign_id)
JOIN trunks USING (trunk_id)
WHERE trunks.name = $1;

-- move_trunk(trunk_name, host, port) --
-- The simulated carrier may listen elsewhere in the next run.
UPDATE trunks SET host = $2, port = $3 WHERE name = $1;
