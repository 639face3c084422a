-- attribution_facts_of_all(days, dim) --
-- As `distinct_facts_of_all`, told apart by source (6), ad (7) or keyword (8).
SELECT
    a.day,
    a.value,
    n.number_id::bigint AS id,
    a.number,
    true AS dialed,
    bool_or(a.settled_time IS NOT NULL) AS settled,
    coalesce(bool_or(a.result = 'answered'), false) AS answered,
    coalesce(bool_or(a.result = 'answered' AND coalesce(a.answered_by, 'human') IN ('human', 'unsure')), false) AS person,
    coalesce(bool_or(a.is_target), false) AS target,
    coalesce(bool_or(a.disposition IN ('order', 'meeting', 'offer_requested')), false) AS success
FROM shards AS s
CROSS JOIN LATERAL (
    SELECT
        ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date AS day,
        coalesce(CASE $2::smallint WHEN 6 THEN source WHEN 7 THEN ad WHEN 8 THEN keyword END, '') AS value,
        number, settled_time, result, answered_by, is_target, disposition
    FROM attempts
    WHERE attempts.shard_key = s.shard_key
        AND started_time >= (SELECT min(d) FROM unnest($1::date []) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
        AND started_time < (SELECT max(d) FROM unnest($1::date []) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
    OFFSET 0
) AS a
LEFT JOIN numbers AS n ON n.number = a.number
WHERE a.day = ANY ($1::date [])
GROUP BY 1, 2, 3, 4
