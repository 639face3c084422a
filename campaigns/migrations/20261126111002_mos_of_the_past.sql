-- migrate:up

-- Calls that were settled before their estimate was kept get it from the figures that are kept with them, and so do the sums, in one
-- snapshot. The formula is that of dialer/rtp/mos.py (ITU-T G.107 with its defaults, G.711), as it was at this migration.
LOCK TABLE outbox, stats IN SHARE ROW EXCLUSIVE MODE;

CREATE FUNCTION pg_temp.mos_hundredths(loss float8, round_trip_ms float8, jitter_ms float8) RETURNS smallint LANGUAGE sql
AS $$
SELECT CASE
    WHEN r <= 0 THEN 100
    WHEN r >= 100 THEN 450
    ELSE greatest(100, round(100 * (1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)))
END::smallint
FROM (SELECT coalesce(round_trip_ms, 0) / 2 + 20 + greatest(20, 2 * coalesce(jitter_ms, 0)), 100 * least(greatest(loss, 0), 1))
    AS heard (delay_ms, loss_percent)
CROSS JOIN LATERAL (SELECT
    93.2 - 0.024 * delay_ms - 0.11 * greatest(0, delay_ms - 177.3) - 95 * loss_percent / (loss_percent + 25.1)
) AS rated (r)
$$;

UPDATE attempts
SET media_mos_hundredths = CASE WHEN media_packets_expected > 0 AND media_packets_lost IS NOT NULL AND media_is_one_way IS NOT TRUE
        THEN pg_temp.mos_hundredths(media_packets_lost::float8 / media_packets_expected, media_round_trip_ms, media_jitter_ms)
    END,
    media_sent_mos_hundredths = CASE WHEN media_reported_loss IS NOT NULL
        THEN pg_temp.mos_hundredths(media_reported_loss, media_round_trip_ms, NULL)
    END
WHERE media_packets_expected > 0 OR media_reported_loss IS NOT NULL;

-- A change that is not added up yet: all changes of an attempt but those of its time as a lost one have the same.
UPDATE outbox o
SET media_mos_hundredths = a.media_mos_hundredths
FROM attempt_facts a
WHERE a.shard_key = o.shard_key AND a.started_time = o.started_time AND a.attempt_id = o.attempt_id
  AND a.result IS NOT DISTINCT FROM o.result AND a.media_mos_hundredths IS NOT NULL;

-- What is added up already: the facts without what the outbox still holds.
UPDATE stats t
SET mos_calls = told.mos_calls, mos_hundredths_sum = told.mos_hundredths_sum, low_mos_calls = told.low_mos_calls
FROM (
    SELECT
        k.shard_key, s.dim, s.bucket_time, s.value, sum(s.mos_calls) AS mos_calls,
        sum(s.mos_hundredths_sum) AS mos_hundredths_sum, sum(s.low_mos_calls) AS low_mos_calls
    FROM (
        SELECT ROW(a.*)::outbox AS fact FROM attempt_facts a
        WHERE a.is_settled AND a.media_mos_hundredths IS NOT NULL
        UNION ALL
        SELECT ROW(o.shard_key, o.attempt_id, o.change_number, (-o.sign)::smallint, o.started_time, o.utc_offset_minutes,
            o.is_settled, o.attempt_number, o.trunk_id, o.caller_id, o.import_id, o.source, o.ad, o.keyword, o.region, o.result,
            o.fault, o.sip_status, o.q850_cause, o.answered_by, o.disposition, o.pdd_ms, o.talk_ms, o.is_target, o.cost_micros,
            o.is_failover, o.verdict_delay, o.audit_share, o.audit_state, o.media_packets_expected, o.media_packets_lost,
            o.media_jitter_ms, o.media_is_one_way, o.media_mos_hundredths)::outbox
        FROM outbox o WHERE o.media_mos_hundredths IS NOT NULL
    ) AS summed
    CROSS JOIN LATERAL fact_stats(fact) s
    CROSS JOIN LATERAL (VALUES ((fact).shard_key), (0)) AS k (shard_key)
    GROUP BY 1, 2, 3, 4
) AS told
WHERE (t.shard_key, t.dim, t.bucket_time, t.value) = (told.shard_key, told.dim, told.bucket_time, told.value);

UPDATE stats t
SET mos_calls = days.mos_calls, mos_hundredths_sum = days.mos_hundredths_sum, low_mos_calls = days.low_mos_calls
FROM (
    SELECT
        shard_key, dim + 100 AS dim, date_trunc('month', bucket_time, 'UTC') AS bucket_time, value, sum(mos_calls) AS mos_calls,
        sum(mos_hundredths_sum) AS mos_hundredths_sum, sum(low_mos_calls) AS low_mos_calls
    FROM stats
    WHERE dim BETWEEN 1 AND 99 AND mos_calls IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS days
WHERE (t.shard_key, t.dim, t.bucket_time, t.value) = (days.shard_key, days.dim, days.bucket_time, days.value);

DROP FUNCTION pg_temp.mos_hundredths;

-- migrate:down

-- The columns go with the migration that made them.
SELECT;
