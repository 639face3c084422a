-- What is stored of one person, for that person (GDPR art. 15, 152-FZ art. 14).

-- contacts_of_person(number) --
-- A contact in each campaign that has the number, shard by shard.
SELECT k.shard_key, k.contact_id, k.campaign_id, c.name AS campaign_name, k.number, k.fields, k.import_id, l.status, l.attempts_made,
    l.last_reason
FROM shards s
JOIN contacts k ON k.shard_key = s.shard_key AND k.number = $1
JOIN campaigns c ON c.campaign_id = k.campaign_id
LEFT JOIN leads l ON l.shard_key = k.shard_key AND l.contact_id = k.contact_id
ORDER BY k.shard_key;

-- attempts_of_person(shard_key, contact_id) --
SELECT to_jsonb(a) AS attempt FROM attempts a WHERE a.shard_key = $1 AND a.contact_id = $2 ORDER BY a.started_time;

-- refusal_of_person(number) --
SELECT to_jsonb(d) AS refusal FROM dnc_numbers d WHERE d.number = $1;
