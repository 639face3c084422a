-- distinct_days(shard_keys, from_day, to_day, by_month) --
SELECT shard_key, day, is_month, attempts, changes, sealed_time
FROM sealed_days($1::integer [], $2::date, $3::date, $4::boolean)
ORDER BY day, shard_key
