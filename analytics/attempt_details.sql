-- attempt_details(attempt_id, from_time, to_time) --
-- The id does not tell its shard, so each is asked by its primary key, in the partition of the id's time.
SELECT attempt.*, campaigns.name AS campaign_name, campaigns.time_zone, trunks.name AS trunk_name
FROM shards
CROSS JOIN LATERAL (
    SELECT
        attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id, failover_of, started_time,
        settled_time, result, reason, fault, sip_status, q850_cause, ended_by, ringing_time, early_media_time,
        answered_time, ended_time, pdd_ms, talk_ms, digits, message_played_ms, disposition,
        answered_by, answered_by_cause, speech_started_ms, greeting_ended_time, verdict_time,
        media_packets_expected, media_packets_received, media_packets_lost, media_packets_late, media_packets_sent, media_reported_loss,
        media_jitter_ms, media_round_trip_ms, media_is_one_way,
        media_mos_hundredths / 100.0::float8 AS estimated_mos_received, media_sent_mos_hundredths / 100.0::float8 AS estimated_mos_sent,
        attempts.shard_key, gate
    FROM attempts
    WHERE attempts.shard_key = shards.shard_key
        AND started_time >= $2::timestamptz AND started_time < $3::timestamptz AND attempt_id = $1::bigint
) AS attempt
JOIN campaigns ON campaigns.campaign_id = attempt.campaign_id
LEFT JOIN trunks ON trunks.trunk_id = attempt.trunk_id
