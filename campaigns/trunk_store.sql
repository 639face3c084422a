-- Fixed statements of campaigns/trunk_store.py.

-- create_trunk(name, host, port, username, password, caller_id, max_calls_per_second, max_channels, profile, now) --
INSERT INTO trunks (
    name, host, port, username, password, caller_id, max_calls_per_second, max_channels, profile, created_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING *;

-- get_trunk(trunk_id) --
SELECT * FROM trunks WHERE trunk_id = $1 AND deleted_time IS NULL;

-- lock_trunk(trunk_id) --
SELECT * FROM trunks WHERE trunk_id = $1 AND deleted_time IS NULL FOR NO KEY UPDATE;

-- list_trunks() --
SELECT * FROM trunks WHERE deleted_time IS NULL ORDER BY trunk_id;

-- update_trunk(trunk_id, name, host, port, username, password, caller_id, max_calls_per_second, max_channels, profile) --
UPDATE trunks
SET name = $2, host = $3, port = $4, username = $5, password = $6, caller_id = $7, max_calls_per_second = $8,
    max_channels = $9, profile = $10
WHERE trunk_id = $1
RETURNING *;

-- users_of_trunk(trunk_id) --
-- The campaigns that would be left without it.
SELECT c.name FROM campaign_trunks t JOIN campaigns c USING (campaign_id) WHERE t.trunk_id = $1 ORDER BY c.campaign_id;

-- delete_trunk(trunk_id, now) --
-- Its name stays for the reports, its password does not.
UPDATE trunks SET deleted_time = $2, password = NULL, profile = '{}' WHERE trunk_id = $1;

-- wake_nodes() --
-- Says only that something changed; the nodes read what.
SELECT pg_notify('campaign_control', '');
