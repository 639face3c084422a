-- migrate:up

-- Of the requests to be called back of each day: how many were, within 24 hours. A day is sealed once none of its requests waits any
-- longer. Valid only while the attempts and changes of its day and the two days after it in stats_now are these: whoever was
-- called back was so within them (docs/rollups.md).
CREATE TABLE callback_seals (
    shard_key integer NOT NULL,
    day date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    done integer NOT NULL,
    PRIMARY KEY (shard_key, day)
);

-- A recount from the facts, by shard and day of the campaign's clock: requests that were answered within 24 hours, and those
-- that may still be. The sealer and reports of days that are not sealed ask it.
CREATE FUNCTION callbacks_of_days(shard_keys integer[], days date[], at_time timestamptz)
RETURNS TABLE (shard_key integer, day date, done integer, due integer)
LANGUAGE sql STABLE
AS $$
SELECT
    s.shard_key, a.day,
    count(*) FILTER (WHERE a.is_done)::integer,
    count(*) FILTER (WHERE NOT a.is_done AND a.started_time + interval '24 hours' > at_time)::integer
FROM unnest(shard_keys) AS s (shard_key)
CROSS JOIN LATERAL (
    SELECT
        started_time,
        ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date AS day,
        EXISTS (
            SELECT FROM attempts AS later
            WHERE later.shard_key = attempts.shard_key AND later.contact_id = attempts.contact_id AND later.result = 'answered'
              AND later.started_time > attempts.started_time
              AND later.started_time <= attempts.started_time + interval '24 hours'
        ) AS is_done
    FROM attempts
    WHERE attempts.shard_key = s.shard_key AND disposition = 'callback_requested'
      AND started_time >= (SELECT min(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
      AND started_time < (SELECT max(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
    OFFSET 0
) AS a
WHERE a.day = ANY (days)
GROUP BY 1, 2
$$;

-- Days of these shards that have requests, with the seal's count where it holds. Null days: unbounded; to_day is excluded.
CREATE FUNCTION callback_days(shard_keys integer[], from_day date, to_day date)
RETURNS TABLE (shard_key integer, day date, requests integer, attempts integer, changes integer, done integer)
LANGUAGE sql STABLE
AS $$
SELECT d.shard_key, d.day, d.requests, d.attempts, d.changes, n.done
FROM (
    SELECT
        w.shard_key, w.day, w.requests,
        (sum(w.attempts) OVER three_days)::integer AS attempts, (sum(w.changes) OVER three_days)::integer AS changes
    FROM (
        SELECT
            t.shard_key, (t.bucket_time AT TIME ZONE 'UTC')::date AS day, sum(t.callbacks)::integer AS requests,
            sum(t.attempts) AS attempts, sum(t.changes) AS changes
        FROM stats_now AS t
        WHERE t.shard_key = ANY (shard_keys) AND t.dim = 1
          AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
          AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC' + interval '2 days', 'infinity')
        GROUP BY 1, 2
    ) AS w
    WINDOW three_days AS (
        PARTITION BY w.shard_key ORDER BY w.day RANGE BETWEEN CURRENT ROW AND interval '2 days' FOLLOWING
    )
) AS d
LEFT JOIN callback_seals AS n
    ON n.shard_key = d.shard_key AND n.day = d.day AND n.attempts = d.attempts AND n.changes = d.changes
WHERE d.requests <> 0 AND (to_day IS NULL OR d.day < to_day)
$$;

-- migrate:down

DROP FUNCTION callback_days, callbacks_of_days;
DROP TABLE callback_seals;
