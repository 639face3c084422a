-- attribution_facts(shard_key, days, dim) --
-- As `distinct_facts`, told apart by source (6), ad (7) or keyword (8).
SELECT
    ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date AS day,
    coalesce(CASE $3::smallint WHEN 6 THEN source WHEN 7 THEN ad WHEN 8 THEN keyword END, '') AS value,
    contact_id AS id,
    NULL::text AS number,
    true AS dialed,
    bool_or(settled_time IS NOT NULL) AS settled,
    coalesce(bool_or(result = 'answered'), false) AS answered,
    coalesce(bool_or(result = 'answered' AND coalesce(answered_by, 'human') IN ('human', 'unsure')), false) AS person,
    coalesce(bool_or(is_target), false) AS target,
    coalesce(bool_or(disposition IN ('order', 'meeting', 'offer_requested')), false) AS success
FROM attempts
WHERE shard_key = $1::integer
    AND started_time >= (SELECT min(d) FROM unnest($2::date []) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
    AND started_time < (SELECT max(d) FROM unnest($2::date []) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
    AND ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date = ANY ($2::date [])
GROUP BY 1, 2, 3
