-- callback_counts(shard_keys, from_day, to_day) --
SELECT shard_key, day, requests, done FROM callback_days($1::integer [], $2::date, $3::date)
