-- Claim and begin. Both run in one transaction, with the gate between them: the rows stay locked until the attempts
-- are committed, so a lead needs no lease of its own and each attempt costs it one update.

-- claim_leads(shard_key, run_id, now, floor_time, limit) --
-- Lock the leads of a shard that are due, earliest first. The shard must be leased to us and the campaign be running at
-- this moment: after a committed pause nothing more is claimed. floor_time skips index entries of leads that are done
-- and that an open snapshot keeps vacuum from removing.
SELECT
    l.contact_id,
    l.number,
    l.attempts_made,
    l.due_time,
    l.failover,
    l.last_reason,
    EXISTS (SELECT FROM dnc_numbers d WHERE d.number = l.number) AS is_in_dnc
FROM leads l
WHERE l.shard_key = $1
  AND l.due_time >= $4
  AND l.due_time <= $3
  AND l.status = 'pending'
  AND EXISTS (
      SELECT FROM shards s JOIN campaigns c ON c.campaign_id = s.campaign_id
      WHERE s.shard_key = $1 AND s.run_id = $2 AND s.lease_until > $3 AND c.status = 'running'
  )
ORDER BY l.due_time
LIMIT $5
FOR UPDATE OF l SKIP LOCKED;

-- begin_attempts(shard_key, now, campaign_id, run_id, trunk_ids, caller_ids, attempt_ids, contact_ids, numbers, attempt_numbers, call_ids, gates, failovers_of) --
-- Write the intent to dial. Only after this is committed may an INVITE leave. What reports group by is written down as it
-- is now: the campaign's clock, and where the contact came from.
WITH begun AS (
    INSERT INTO attempts (
        shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id,
        call_id, run_id, gate, failover_of, utc_offset_minutes, import_id, source, ad, keyword, region
    )
    SELECT $1, $2, t.attempt_id, $3, t.contact_id, t.number, t.attempt_number, t.trunk_id, t.caller_id, t.call_id, $4,
        t.gate, t.failover_of,
        (
            SELECT extract(epoch FROM
                ($2::timestamptz AT TIME ZONE c.time_zone) - ($2::timestamptz AT TIME ZONE 'UTC')) / 60
            FROM campaigns c WHERE c.campaign_id = $3
        ),
        k.import_id, k.source, k.ad, k.keyword, k.region
    FROM unnest(
        $5::integer[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::smallint[], $11::text[], $12::jsonb[],
        $13::bigint[]
    ) AS t(trunk_id, caller_id, attempt_id, contact_id, number, attempt_number, call_id, gate, failover_of)
    LEFT JOIN contacts k ON k.shard_key = $1 AND k.contact_id = t.contact_id
    RETURNING contact_id, attempt_id, attempt_number
)
UPDATE leads l
SET status = 'dialing', due_time = NULL, attempts_made = b.attempt_number, open_attempt_id = b.attempt_id,
    failover = NULL
FROM begun b
WHERE l.shard_key = $1 AND l.contact_id = b.contact_id;

-- block_leads(shard_key, contact_ids, rules, next_times) --
-- Put off what the gate would not let through now, and close what it never will.
UPDATE leads l
SET status = CASE WHEN t.next_time IS NULL THEN 'blocked' ELSE 'pending' END,
    due_time = t.next_time,
    last_reason = t.rule,
    -- what was to go by another trunk at once is an ordinary try when its time comes
    failover = NULL
FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS t(contact_id, rule, next_time)
WHERE l.shard_key = $1 AND l.contact_id = t.contact_id;

-- put_off_failovers(shard_key, contact_ids, next_times, are_over) --
-- Leads whose other trunks have no room wait for it; where none is left, the try is over and was one.
UPDATE leads l
SET status = CASE WHEN t.next_time IS NULL THEN 'finished' ELSE 'pending' END,
    due_time = t.next_time,
    failover = CASE WHEN t.is_over THEN NULL ELSE l.failover END,
    attempts_made = l.attempts_made + t.is_over::integer
FROM unnest($2::bigint[], $3::timestamptz[], $4::boolean[]) AS t(contact_id, next_time, is_over)
WHERE l.shard_key = $1 AND l.contact_id = t.contact_id;
