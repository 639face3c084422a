-- attempts_of_contact(shard_key, contact_id, may_have_failed_over, limit) --
-- Reads the attempts of one shard, for no index knows contacts; so not at all for the many that were tried once. One try may
-- hold several attempts, by one trunk after the other (docs/adr/0010): of that the lead keeps nothing.
SELECT
    attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id, failover_of, started_time,
    settled_time, result, reason, fault, sip_status, q850_cause, ended_by, ringing_time, early_media_time,
    answered_time, ended_time, pdd_ms, talk_ms, digits, message_played_ms, disposition,
    answered_by, answered_by_cause, speech_started_ms, greeting_ended_time, verdict_time
FROM attempts
WHERE shard_key = $1::integer AND contact_id = $2::bigint
    AND ($3::boolean OR EXISTS (SELECT FROM leads WHERE shard_key = $1 AND contact_id = $2 AND attempts_made > 1))
ORDER BY started_time DESC, attempt_id DESC
LIMIT $4::integer
