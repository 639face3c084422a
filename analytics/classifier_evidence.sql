-- classifier_evidence(campaign_id, window) --
-- The last judgements of each campaign since its classifier was switched on; null = of all campaigns.
SELECT c.campaign_id, c.false_positive_limit,
    c.answering_machine <> 'ignore'
    AND NOT EXISTS (
        SELECT FROM classifier_stops AS o WHERE o.campaign_id = c.campaign_id AND o.resumed_time IS NULL
    ) AS is_on,
    count(*)::integer AS judged,
    count(*) FILTER (WHERE last.judgement = 'human')::integer AS humans
FROM campaigns AS c
CROSS JOIN LATERAL (
    SELECT a.judgement
    FROM shards AS s
    JOIN verdict_audits AS a ON a.shard_key = s.shard_key
    WHERE s.campaign_id = c.campaign_id
        AND a.judgement IN ('human', 'machine')
        AND a.started_time >= coalesce(
            (SELECT max(o.resumed_time) FROM classifier_stops AS o WHERE o.campaign_id = c.campaign_id), '-infinity'
        )
    ORDER BY a.attempt_id DESC
    LIMIT $2
) AS last
WHERE $1::integer IS NULL OR c.campaign_id = $1
GROUP BY c.campaign_id, c.false_positive_limit, c.answering_machine
