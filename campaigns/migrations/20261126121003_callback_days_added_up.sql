-- migrate:up

-- As before, and faster over many campaigns: the two days after a day are the next rows or none, not a range; sums and seals are joined
-- in one go, not by looking up each; and only requests of the days that are asked for are looked for an answer to.
CREATE OR REPLACE FUNCTION callback_days(shard_keys integer[], from_day date, to_day date)
RETURNS TABLE (shard_key integer, day date, requests integer, attempts integer, changes integer, done integer)
LANGUAGE sql STABLE
AS $$
WITH live AS MATERIALIZED (
    SELECT
        t.shard_key, t.bucket_time, sum(t.callbacks)::integer AS requests, sum(t.attempts)::integer AS attempts,
        sum(t.changes)::integer AS changes
    FROM stats_live AS t
    WHERE t.shard_key = ANY (shard_keys) AND t.dim = 1
      AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
      AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC' + interval '2 days', 'infinity')
    GROUP BY 1, 2
)
SELECT
    d.shard_key, d.day, d.requests, d.attempts, d.changes,
    CASE WHEN n.attempts = d.attempts AND n.changes = d.changes THEN n.done END
FROM (
    SELECT
        w.shard_key, (w.bucket_time AT TIME ZONE 'UTC')::date AS day, w.requests,
        w.attempts
        + CASE WHEN lead(w.bucket_time) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.attempts) OVER ahead ELSE 0 END
        + CASE WHEN lead(w.bucket_time, 2) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.attempts, 2) OVER ahead ELSE 0 END
            AS attempts,
        w.changes
        + CASE WHEN lead(w.bucket_time) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.changes) OVER ahead ELSE 0 END
        + CASE WHEN lead(w.bucket_time, 2) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.changes, 2) OVER ahead ELSE 0 END
            AS changes
    FROM (
        SELECT
            shard_key, bucket_time, coalesce(s.callbacks, 0) + coalesce(l.requests, 0) AS requests,
            coalesce(s.attempts, 0) + coalesce(l.attempts, 0) AS attempts, coalesce(s.changes, 0) + coalesce(l.changes, 0) AS changes
        FROM (
            SELECT * FROM stats AS t
            WHERE t.shard_key = ANY (shard_keys) AND t.dim = 1
              AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
              AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC' + interval '2 days', 'infinity')
        ) AS s
        FULL JOIN live AS l USING (shard_key, bucket_time)
    ) AS w
    WINDOW ahead AS (PARTITION BY w.shard_key ORDER BY w.bucket_time)
) AS d
-- full: the planner takes both sides for a few rows, and would look up each
FULL JOIN (
    SELECT * FROM callback_seals AS c
    WHERE c.shard_key = ANY (shard_keys)
      AND c.day >= coalesce(from_day, '-infinity'::date) AND c.day < coalesce(to_day, 'infinity'::date)
) AS n ON n.shard_key = d.shard_key AND n.day = d.day
WHERE coalesce(d.requests, 0) <> 0 AND coalesce(d.day < to_day, d.day IS NOT NULL)
$$;

CREATE OR REPLACE FUNCTION callbacks_of_days(shard_keys integer[], days date[], at_time timestamptz)
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
      AND ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date = ANY (days)
    OFFSET 0
) AS a
GROUP BY 1, 2
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION callbacks_of_days(shard_keys integer[], days date[], at_time timestamptz)
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

CREATE OR REPLACE FUNCTION callback_days(shard_keys integer[], from_day date, to_day date)
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
