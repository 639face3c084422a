-- floor_leads(campaign_ids, now) --
-- Where the contacts stand, and how many of those to be called are due by when. Reads all leads of these campaigns: not
-- for every refresh.
SELECT
    shards.campaign_id,
    sum(counts.total)::integer AS total,
    sum(counts.pending)::integer AS pending,
    sum(counts.dialing)::integer AS dialing,
    sum(counts.finished)::integer AS finished,
    sum(counts.blocked)::integer AS blocked,
    sum(counts.due_now)::integer AS due_now,
    sum(counts.due_15)::integer AS due_15,
    sum(counts.due_60)::integer AS due_60,
    sum(counts.due_240)::integer AS due_240,
    sum(counts.due_1440)::integer AS due_1440
FROM shards
CROSS JOIN LATERAL (
    SELECT
        count(*) AS total,
        count(*) FILTER (WHERE status = 'pending') AS pending,
        count(*) FILTER (WHERE status = 'dialing') AS dialing,
        count(*) FILTER (WHERE status = 'finished') AS finished,
        count(*) FILTER (WHERE status = 'blocked') AS blocked,
        count(*) FILTER (WHERE status = 'pending' AND due_time <= $2) AS due_now,
        count(*) FILTER (WHERE status = 'pending' AND due_time <= $2::timestamptz + interval '15 min') AS due_15,
        count(*) FILTER (WHERE status = 'pending' AND due_time <= $2::timestamptz + interval '1 h') AS due_60,
        count(*) FILTER (WHERE status = 'pending' AND due_time <= $2::timestamptz + interval '4 h') AS due_240,
        count(*) FILTER (WHERE status = 'pending' AND due_time <= $2::timestamptz + interval '24 h') AS due_1440
    FROM leads
    WHERE leads.shard_key = shards.shard_key
) AS counts
WHERE shards.campaign_id = ANY ($1::integer [])
GROUP BY shards.campaign_id
