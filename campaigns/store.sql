-- Fixed statements of campaigns/store.py.

-- create_campaign(name, mode, purpose, split, prompt_id, caller_id, default_country, time_zone, window_start_minute, window_end_minute, window_weekdays, max_calls_per_second, max_concurrent_calls, ring_timeout_seconds, max_talk_seconds, key_wait_seconds, retry_rules, callee_time_zone, now, answering_machine, audit_share, false_positive_limit, recording, recording_days) --
INSERT INTO campaigns (
    name, mode, purpose, status, split, prompt_id, caller_id, default_country, time_zone,
    window_start_minute, window_end_minute, window_weekdays, max_calls_per_second, max_concurrent_calls,
    ring_timeout_seconds, max_talk_seconds, key_wait_seconds, retry_rules, callee_time_zone, created_time,
    answering_machine, audit_share, false_positive_limit, recording, recording_days
)
VALUES ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
RETURNING campaign_id;

-- create_shards(campaign_id, split) --
-- All of them at once: whoever leases shards finds them before the first contact comes.
INSERT INTO shards (shard_key, campaign_id)
SELECT $1::integer * 256 + slot, $1::integer
FROM generate_series(0, $2::integer - 1) AS slot;

-- lock_trunks(trunk_ids) --
-- Nobody deletes a trunk while it is given to a campaign.
SELECT trunk_id FROM trunks WHERE trunk_id = ANY ($1::integer[]) AND deleted_time IS NULL ORDER BY trunk_id FOR SHARE;

-- add_campaign_trunks(campaign_id, trunk_ids, priorities, weights) --
INSERT INTO campaign_trunks (campaign_id, trunk_id, priority, weight)
SELECT $1, t.trunk_id, t.priority, t.weight
FROM unnest($2::integer[], $3::integer[], $4::integer[]) AS t(trunk_id, priority, weight);

-- remove_campaign_trunks(campaign_id) --
DELETE FROM campaign_trunks WHERE campaign_id = $1;

-- campaign_trunks(campaign_ids) --
SELECT campaign_id, trunk_id, priority, weight FROM campaign_trunks
WHERE campaign_id = ANY ($1::integer[])
ORDER BY campaign_id, priority, trunk_id;

-- get_campaign(campaign_id) --
SELECT * FROM campaigns WHERE campaign_id = $1;

-- lock_campaign(campaign_id) --
SELECT * FROM campaigns WHERE campaign_id = $1 FOR NO KEY UPDATE;

-- list_campaigns(after_id, limit) --
SELECT * FROM campaigns WHERE campaign_id > $1 ORDER BY campaign_id LIMIT $2;

-- newest_campaigns(limit) --
SELECT * FROM campaigns ORDER BY campaign_id DESC LIMIT $1;

-- update_campaign(campaign_id, name, purpose, prompt_id, caller_id, default_country, time_zone, window_start_minute, window_end_minute, window_weekdays, max_calls_per_second, max_concurrent_calls, ring_timeout_seconds, max_talk_seconds, key_wait_seconds, retry_rules, callee_time_zone, answering_machine, audit_share, false_positive_limit, recording, recording_days) --
UPDATE campaigns
SET name = $2, purpose = $3, prompt_id = $4, caller_id = $5, default_country = $6, time_zone = $7,
    window_start_minute = $8, window_end_minute = $9, window_weekdays = $10, max_calls_per_second = $11,
    max_concurrent_calls = $12, ring_timeout_seconds = $13, max_talk_seconds = $14, key_wait_seconds = $15,
    retry_rules = $16, callee_time_zone = $17, answering_machine = $18, audit_share = $19,
    false_positive_limit = $20, recording = $21, recording_days = $22
WHERE campaign_id = $1;

-- has_leads_left(campaign_id) --
-- leads_due holds a due_time only while something is left to do, so this never reads a finished base.
SELECT EXISTS (
    SELECT FROM leads
    WHERE shard_key BETWEEN $1::integer * 256 AND $1::integer * 256 + 255
      AND due_time IS NOT NULL
);

-- set_status(campaign_id, status, now) --
UPDATE campaigns
SET status = $2,
    started_time = CASE WHEN $2 = 'running' THEN coalesce(started_time, $3) ELSE started_time END,
    finished_time = CASE WHEN $2 = 'stopped' THEN $3::timestamptz END
WHERE campaign_id = $1;

-- wake_nodes(campaign_id) --
-- Says only that something changed; the nodes read what.
SELECT pg_notify('campaign_control', $1::integer::text);

-- add_prompt(name, duration_ms, pcm, now) --
INSERT INTO prompts (name, duration_ms, pcm_s16le_8khz, created_time)
VALUES ($1, $2, $3, $4)
RETURNING prompt_id, name, duration_ms, created_time;

-- list_prompts() --
SELECT prompt_id, name, duration_ms, created_time FROM prompts ORDER BY prompt_id;

-- prompt_audio(prompt_id) --
SELECT pcm_s16le_8khz FROM prompts WHERE prompt_id = $1;

-- add_dnc_number(number, source, now) --
-- The first reason stays: it is the older refusal.
INSERT INTO dnc_numbers (number, source, added_time)
VALUES ($1, $2, $3)
ON CONFLICT (number) DO NOTHING;

-- get_dnc_number(number) --
SELECT * FROM dnc_numbers WHERE number = $1;

-- list_dnc_numbers(after_number, limit) --
SELECT * FROM dnc_numbers WHERE number > $1 ORDER BY number LIMIT $2;

-- remove_dnc_number(number) --
DELETE FROM dnc_numbers WHERE number = $1 RETURNING number;

-- get_import(import_id) --
SELECT * FROM imports WHERE import_id = $1;

-- list_imports(campaign_id) --
SELECT * FROM imports WHERE campaign_id = $1 ORDER BY import_id;

-- list_rejections(campaign_id, import_id, after_line, limit) --
SELECT line, value, code, params
FROM import_rejections
WHERE shard_key = $1::integer * 256 AND import_id = $2 AND line > $3
ORDER BY line
LIMIT $4;
