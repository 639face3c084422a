-- migrate:up

-- Without a port a trunk's name is looked up by SRV (RFC 3263 section 4.2).
ALTER TABLE trunks ALTER COLUMN port DROP NOT NULL;

-- migrate:down

UPDATE trunks SET port = CASE profile->>'transport' WHEN 'tls' THEN 5061 ELSE 5060 END WHERE port IS NULL;
ALTER TABLE trunks ALTER COLUMN port SET NOT NULL;
