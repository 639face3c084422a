-- report_outcomes(campaign_id, from_time, to_time) --
-- How many attempts ended in each result; results that did not occur have no row.
SELECT result, count(*) AS attempts
FROM attempts
WHERE shard_key BETWEEN $1::integer * 256 AND $1::integer * 256 + 255
    AND started_time >= coalesce($2::timestamptz, '-infinity')
    AND started_time < coalesce($3::timestamptz, 'infinity')
    AND result IS NOT NULL
GROUP BY result
