-- Fixed statements of campaigns/contact_import.py.

-- try_lock_imports(campaign_id) --
-- One import of a campaign at a time: it numbers contacts, and two could wait for each other's numbers.
-- 1768779876 is "imqd", any constant of our own. Imports are no part of the dialing path.
SELECT pg_try_advisory_xact_lock(1768779876, $1::integer);

-- last_contact_id(campaign_id, split) --
SELECT coalesce(max(last.contact_id), 0)
FROM generate_series(0, $2::integer - 1) AS slot
CROSS JOIN LATERAL (
    SELECT contact_id FROM contacts
    WHERE shard_key = $1::integer * 256 + slot
    ORDER BY contact_id DESC
    LIMIT 1
) AS last;

-- begin_import(campaign_id, file_name, encoding, delimiter, number_column, warnings, now) --
INSERT INTO imports (
    campaign_id, file_name, encoding, delimiter, number_column, warnings,
    rows_total, rows_accepted, rows_rejected, rejected_counts, created_time
)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '{}', $7)
RETURNING import_id;

-- refused_numbers(numbers) --
SELECT number FROM dnc_numbers WHERE number = ANY ($1::text[]);

-- add_contacts(shard_key, campaign_id, import_id, now, contact_ids, numbers, fields, sources, ads, keywords, regions) --
-- Contacts and their leads, in the order of the file. A number that is there already, from this file or an earlier one, is
-- left alone and missing from the result.
WITH added AS (
    INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id, source, ad, keyword, region)
    SELECT $1::integer, contact_id, $2::integer, number, fields, $3::bigint, source, ad, keyword, region
    FROM unnest($5::bigint[], $6::text[], $7::jsonb[], $8::text[], $9::text[], $10::text[], $11::text[])
        AS row (contact_id, number, fields, source, ad, keyword, region)
    ON CONFLICT (shard_key, number) DO NOTHING
    RETURNING contact_id, number
),
queued AS (
    INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made)
    SELECT $1::integer, contact_id, $2::integer, number, 'pending', $4::timestamptz, 0
    FROM added
    ORDER BY contact_id
)
SELECT contact_id FROM added;

-- imports_of(shard_key, numbers) --
SELECT number, import_id FROM contacts WHERE shard_key = $1 AND number = ANY ($2::text[]);

-- finish_import(import_id, rows_total, rows_accepted, rows_rejected, rejected_counts) --
UPDATE imports
SET rows_total = $2, rows_accepted = $3, rows_rejected = $4, rejected_counts = $5
WHERE import_id = $1;

-- wake_nodes(campaign_id) --
SELECT pg_notify('campaign_control', $1::integer::text);
