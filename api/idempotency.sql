-- forget_old_keys(before) --
DELETE FROM idempotency_keys WHERE created_time < $1::timestamptz;

-- claim_key(owner, idempotency_key, request_sha256, now) --
-- One row if the key is new, none if somebody has claimed it.
INSERT INTO idempotency_keys (owner, idempotency_key, request_sha256, created_time)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING owner;

-- find_key(owner, idempotency_key) --
SELECT request_sha256, response_status, response_body
FROM idempotency_keys
WHERE owner = $1 AND idempotency_key = $2;

-- store_response(owner, idempotency_key, response_status, response_body) --
UPDATE idempotency_keys
SET response_status = $3, response_body = $4
WHERE owner = $1 AND idempotency_key = $2;

-- release_key(owner, idempotency_key) --
-- The request failed, so it may be sent again under the same key.
DELETE FROM idempotency_keys WHERE owner = $1 AND idempotency_key = $2 AND response_status IS NULL;
