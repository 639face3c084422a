-- distinct_facts(shard_key, days) --
-- Who was dialed on days of a shard that are not sealed, and what is true of them, call by call. Shard 0: over all campaigns, by numbers'
-- own ids, null where they have none yet.
SELECT day, id, number, true AS dialed, settled, answered, person, target, success
FROM numbers_of_days($1::integer, $2::date [])
