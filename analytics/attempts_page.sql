-- attempts_page(campaign_id, result, from_time, to_time, before_time, before_attempt_id, limit) --
-- Newest first. Each shard gives its own newest rows by its primary key, so a page costs the same anywhere in the list.
SELECT page.*
FROM shards
CROSS JOIN LATERAL (
    SELECT
        attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id, failover_of, started_time,
        settled_time, result, reason, fault, sip_status, q850_cause, ended_by, ringing_time, early_media_time,
        answered_time, ended_time, pdd_ms, talk_ms, digits, message_played_ms, disposition,
        answered_by, answered_by_cause, speech_started_ms, greeting_ended_time, verdict_time
    FROM attempts
    WHERE attempts.shard_key = shards.shard_key
        AND ($2::text IS NULL OR result = $2)
        AND started_time >= coalesce($3::timestamptz, '-infinity')
        AND started_time < coalesce($4::timestamptz, 'infinity')
        AND (started_time, attempt_id) < (coalesce($5::timestamptz, 'infinity'), coalesce($6::bigint, 0))
    ORDER BY started_time DESC, attempt_id DESC
    LIMIT $7::integer
) AS page
WHERE $1::integer IS NULL OR shards.campaign_id = $1
ORDER BY page.started_time DESC, page.attempt_id DESC
LIMIT $7::integer
