-- callback_facts(shard_keys, days, now) --
SELECT shard_key, day, done, due FROM callbacks_of_days($1::integer [], $2::date [], $3::timestamptz)
