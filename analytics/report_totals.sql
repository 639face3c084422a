-- report_totals(campaign_id, from_time, to_time) --
-- All counts of a campaign in [from_time, to_time); null = unbounded. The keys of a campaign's shards are
-- campaign_id * 256 .. + 255, so the primary key bounds the scan.
SELECT
    count(*) AS attempts,
    count(settled_time) AS settled_attempts,
    count(DISTINCT number) AS distinct_numbers,
    count(DISTINCT number) FILTER (WHERE settled_time IS NOT NULL) AS settled_numbers,
    count(*) FILTER (WHERE result = 'answered') AS answered_attempts,
    count(DISTINCT number) FILTER (WHERE result = 'answered') AS answered_numbers,
    count(*) FILTER (WHERE disposition = 'callback_requested') AS callback_requests,
    count(*) FILTER (WHERE disposition = 'refused') AS refusals,
    count(talk_ms) FILTER (WHERE result = 'answered') AS talk_count,
    (coalesce(sum(talk_ms) FILTER (WHERE result = 'answered'), 0) / 1000.0)::float8 AS talk_seconds_sum,
    (avg(talk_ms) FILTER (WHERE result = 'answered') / 1000.0)::float8 AS talk_seconds_mean,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY talk_ms) FILTER (WHERE result = 'answered') / 1000.0
        AS talk_seconds_median,
    count(pdd_ms) AS pdd_count,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY pdd_ms) AS pdd_ms_median
FROM attempts
WHERE shard_key BETWEEN $1::integer * 256 AND $1::integer * 256 + 255
    AND started_time >= coalesce($2::timestamptz, '-infinity')
    AND started_time < coalesce($3::timestamptz, 'infinity')
