-- migrate:up

-- How well the call could be heard (dialer/rtp/quality.py, RFC 3550 §6.4.1). All null where no audio was agreed on, or its
-- engine does not count (pyVoIP).
ALTER TABLE attempts
    ADD COLUMN media_packets_expected integer,
    ADD COLUMN media_packets_received integer,
    ADD COLUMN media_packets_lost integer,
    ADD COLUMN media_packets_late integer,
    ADD COLUMN media_packets_duplicated integer,
    ADD COLUMN media_packets_sent integer,
    ADD COLUMN media_jitter_ms real,
    ADD COLUMN media_round_trip_ms real,
    -- share of our packets that the callee lost, as it said last
    ADD COLUMN media_reported_loss real CHECK (media_reported_loss BETWEEN 0 AND 1),
    -- answered, and no packet came since
    ADD COLUMN media_is_one_way boolean;

-- migrate:down

ALTER TABLE attempts
    DROP COLUMN media_packets_expected,
    DROP COLUMN media_packets_received,
    DROP COLUMN media_packets_lost,
    DROP COLUMN media_packets_late,
    DROP COLUMN media_packets_duplicated,
    DROP COLUMN media_packets_sent,
    DROP COLUMN media_jitter_ms,
    DROP COLUMN media_round_trip_ms,
    DROP COLUMN media_reported_loss,
    DROP COLUMN media_is_one_way;
