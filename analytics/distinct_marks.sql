-- distinct_marks(shard_keys, from_day, to_day, by_month) --
-- Of each shard with attempts in the range: the days without a seal that holds, and the marks of those that have one, added up.
SELECT
    shard_key,
    coalesce(array_agg(day) FILTER (WHERE sealed_time IS NULL), '{}') AS unsealed,
    count(sealed_time)::integer AS seals,
    coalesce(sum(attempts) FILTER (WHERE sealed_time IS NOT NULL), 0)::bigint AS attempts,
    coalesce(sum(changes) FILTER (WHERE sealed_time IS NOT NULL), 0)::bigint AS changes,
    coalesce(sum(day - '2000-01-01'::date) FILTER (WHERE sealed_time IS NOT NULL), 0)::bigint AS days,
    coalesce(extract(EPOCH FROM sum(sealed_time - '2020-01-01'::timestamptz)) * 1000000, 0)::bigint AS sealed_us
FROM sealed_days($1::integer [], $2::date, $3::date, $4::boolean)
GROUP BY shard_key
