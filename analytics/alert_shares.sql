-- alert_shares(from_times, to_times) --
-- Ended attempts of several periods by campaign and trunk; `period` counts the given ones from 1. Each shard reads each period
-- by its primary key.
SELECT
    periods.period::integer AS period,
    shards.campaign_id,
    counts.trunk_id,
    sum(counts.ended)::integer AS ended,
    sum(counts.answered)::integer AS answered,
    sum(counts.successes)::integer AS successes,
    sum(counts.short_calls)::integer AS short_calls,
    sum(counts.trunk_faults)::integer AS trunk_faults
FROM unnest($1::timestamptz [], $2::timestamptz []) WITH ORDINALITY AS periods (from_time, to_time, period)
CROSS JOIN shards
CROSS JOIN LATERAL (
    SELECT
        trunk_id,
        count(settled_time) AS ended,
        count(*) FILTER (WHERE result = 'answered') AS answered,
        count(*) FILTER (
            WHERE disposition IN ('order', 'meeting', 'offer_requested', 'callback_requested')
        ) AS successes,
        count(*) FILTER (WHERE result = 'answered' AND talk_ms < 6000) AS short_calls,
        count(*) FILTER (WHERE fault = 'trunk') AS trunk_faults
    FROM attempts
    WHERE attempts.shard_key = shards.shard_key
        AND started_time >= periods.from_time AND started_time < periods.to_time
    GROUP BY trunk_id
) AS counts
GROUP BY periods.period, shards.campaign_id, counts.trunk_id
