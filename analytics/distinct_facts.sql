-- distinct_facts(shard_key, days) --
-- The contacts of days that are not sealed, and what is true of them on each day. A null shard: of all campaigns, by the
-- number's own id, null where it has none yet.
SELECT
    ((a.started_time AT TIME ZONE 'UTC') + a.utc_offset_minutes * interval '1 minute')::date AS day,
    CASE WHEN $1::integer IS NULL THEN n.number_id::bigint ELSE a.contact_id END AS id,
    CASE WHEN $1::integer IS NULL THEN a.number END AS number,
    true AS dialed,
    bool_or(a.settled_time IS NOT NULL) AS settled,
    coalesce(bool_or(a.result = 'answered'), false) AS answered,
    coalesce(bool_or(a.result = 'answered' AND coalesce(a.answered_by, 'human') IN ('human', 'unsure')), false) AS person,
    coalesce(bool_or(a.is_target), false) AS target,
    coalesce(bool_or(a.disposition IN ('order', 'meeting', 'offer_requested')), false) AS success
FROM attempts AS a
LEFT JOIN numbers AS n ON $1::integer IS NULL AND n.number = a.number
WHERE ($1::integer IS NULL OR a.shard_key = $1::integer)
    AND a.started_time >= (SELECT min(d) FROM unnest($2::date []) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
    AND a.started_time < (SELECT max(d) FROM unnest($2::date []) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
    AND ((a.started_time AT TIME ZONE 'UTC') + a.utc_offset_minutes * interval '1 minute')::date = ANY ($2::date [])
GROUP BY 1, 2, 3
