-- report_series(campaign_id, from_time, to_time, unit, time_zone) --
-- The attempts of each hour or day of the zone. date_trunc(unit, time, zone) keeps the two hours of an autumn night
-- apart, knows days of 23 and 25 hours, and starts hours of +05:30 at its own full hour.
SELECT
    date_trunc($4::text, started_time, $5::text) AS start,
    count(*) AS attempts,
    count(DISTINCT number) AS distinct_numbers,
    count(settled_time) AS settled_attempts,
    count(*) FILTER (WHERE result = 'answered') AS answered_attempts,
    count(*) FILTER (WHERE disposition = 'callback_requested') AS callback_requests,
    count(*) FILTER (WHERE disposition = 'refused') AS refusals,
    (coalesce(sum(talk_ms) FILTER (WHERE result = 'answered'), 0) / 1000.0)::float8 AS talk_seconds_sum
FROM attempts
WHERE shard_key BETWEEN $1::integer * 256 AND $1::integer * 256 + 255
    AND started_time >= coalesce($2::timestamptz, '-infinity')
    AND started_time < coalesce($3::timestamptz, 'infinity')
GROUP BY 1
ORDER BY 1
