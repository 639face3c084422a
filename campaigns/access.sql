-- Fixed statements of campaigns/access.py. Secrets are stored as their SHA-256 alone.

-- create_api_key(name, key_sha256, scopes, now) --
INSERT INTO api_keys (name, key_sha256, scopes, created_time)
VALUES ($1, $2, $3, $4)
RETURNING key_id, name, scopes, created_time, revoked_time;

-- find_api_key(key_sha256) --
SELECT key_id, name, scopes, created_time, revoked_time
FROM api_keys
WHERE key_sha256 = $1 AND revoked_time IS NULL;

-- list_api_keys() --
SELECT key_id, name, scopes, created_time, revoked_time FROM api_keys ORDER BY key_id;

-- revoke_api_key(key_id, now) --
UPDATE api_keys SET revoked_time = coalesce(revoked_time, $2)
WHERE key_id = $1
RETURNING key_id, name, scopes, created_time, revoked_time;

-- forget_expired(now) --
WITH links AS (DELETE FROM sign_in_links WHERE expires_time < $1)
DELETE FROM sessions WHERE expires_time < $1;

-- create_sign_in_link(token_sha256, scopes, expires_time) --
INSERT INTO sign_in_links (token_sha256, scopes, expires_time) VALUES ($1, $2, $3);

-- open_session(link_sha256, session_sha256, now, expires_time) --
-- The link is used up and the session begun in one statement: of two that come at once, one finds nothing.
WITH link AS (
    UPDATE sign_in_links SET used_time = $3
    WHERE token_sha256 = $1 AND used_time IS NULL AND expires_time > $3
    RETURNING scopes
)
INSERT INTO sessions (token_sha256, scopes, expires_time)
SELECT $2, scopes, $4 FROM link
RETURNING scopes, expires_time;

-- find_session(token_sha256, now) --
SELECT scopes, expires_time FROM sessions WHERE token_sha256 = $1 AND expires_time > $2;

-- close_session(token_sha256) --
DELETE FROM sessions WHERE token_sha256 = $1;
