-- attribution_facts(shard_key, days, dim) --
-- As `distinct_facts`, told apart by source (6), ad (7) or keyword (8).
SELECT
    day,
    coalesce(CASE $3::smallint WHEN 6 THEN source WHEN 7 THEN ad WHEN 8 THEN keyword END, '') AS value,
    id, number, true AS dialed, settled, answered, person, target, success
FROM numbers_of_days($1::integer, $2::date [])
