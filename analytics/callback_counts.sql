-- callback_counts(shard_keys, from_day, to_day, by_day) --
-- Of each day; without by_day sealed days of a shard are added up, under the first of them. Days that are not sealed stand alone.
SELECT shard_key, min(day) AS day, sum(requests)::integer AS requests, sum(done)::integer AS done
FROM callback_days($1::integer [], $2::date, $3::date)
GROUP BY shard_key, CASE WHEN $4::boolean OR done IS NULL THEN day END
