-- migrate:up

-- Successes, and calls that could not be heard well, are few among many, and pages look for those of one ad, keyword or trunk.
-- Partial, so that beginning an attempt writes to neither, and settling only where there is such a call. What pages tell such calls
-- apart by stands in the index, so that it is read instead of calls that lie far apart; docs/adr/0037.
CREATE INDEX attempts_successes ON attempts (shard_key, started_time, attempt_id)
INCLUDE (campaign_id, utc_offset_minutes, source, ad, keyword)
WHERE disposition IN ('order', 'meeting', 'offer_requested');
CREATE INDEX attempts_badly_heard ON attempts (shard_key, started_time, attempt_id)
INCLUDE (campaign_id, utc_offset_minutes, trunk_id, media_is_one_way, media_mos_hundredths)
WHERE media_is_one_way OR media_mos_hundredths < 360;

-- migrate:down

DROP INDEX attempts_successes, attempts_badly_heard;
