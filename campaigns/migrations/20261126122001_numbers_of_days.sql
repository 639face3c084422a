-- migrate:up

-- Who was dialed on days of the campaign's clock, and what came of it, call by call, from the facts: of one shard, where a contact is a
-- number; of shard 0 over all campaigns, where `id` is the number's own, null if it has none yet. Sealers, reconciler and reports of days that
-- are not sealed ask it. Each shard gives its days by its key: no month is read for a day of it.
CREATE FUNCTION numbers_of_days(of_shard integer, days date[])
RETURNS TABLE (
    day date, id bigint, number text, source text, ad text, keyword text,
    settled boolean, answered boolean, person boolean, target boolean, success boolean
)
LANGUAGE sql STABLE
AS $$
SELECT
    a.day,
    CASE WHEN of_shard = 0 THEN (SELECT n.number_id FROM numbers AS n WHERE n.number = a.number) ELSE a.contact_id END,
    a.number, a.source, a.ad, a.keyword,
    a.settled_time IS NOT NULL,
    coalesce(a.result = 'answered', false),
    coalesce(a.result = 'answered' AND coalesce(a.answered_by, 'human') IN ('human', 'unsure'), false),
    coalesce(a.is_target, false),
    coalesce(a.disposition IN ('order', 'meeting', 'offer_requested'), false)
FROM shards AS s
CROSS JOIN LATERAL (
    SELECT
        ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date AS day,
        contact_id, number, source, ad, keyword, settled_time, result, answered_by, is_target, disposition
    FROM attempts
    WHERE attempts.shard_key = s.shard_key
      AND started_time >= (SELECT min(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
      AND started_time < (SELECT max(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
    OFFSET 0
) AS a
WHERE (of_shard = 0 OR s.shard_key = of_shard) AND a.day = ANY (days)
-- an id is looked up once for each call, however often it is used
OFFSET 0
$$;

-- migrate:down

DROP FUNCTION numbers_of_days;
