-- migrate:up

-- Every day of these shards that has attempts, and which seal of it holds, by its mark; a null where facts must be read. Null days:
-- unbounded; to_day is excluded. With by_month, months that lie whole in the range and have a seal that holds come instead of their days.
-- Days of such months are not read at all, and sums and seals of a day are brought together by adding up, not by looking up each:
-- of 200 campaigns that takes half the time.
CREATE FUNCTION sealed_days(shard_keys integer[], from_day date, to_day date, by_month boolean)
RETURNS TABLE (shard_key integer, day date, is_month boolean, attempts integer, changes integer, sealed_time timestamptz)
LANGUAGE sql STABLE
AS $$
WITH bounds AS MATERIALIZED (
    SELECT
        b.from_time, b.to_time,
        -- the whole months of the range; none = nothing between its ends
        CASE WHEN by_month AND b.first_month < b.after_month THEN b.first_month ELSE b.to_time END AS first_month,
        CASE WHEN by_month AND b.first_month < b.after_month THEN b.after_month ELSE b.to_time END AS after_month
    FROM (
        SELECT
            coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity') AS from_time,
            coalesce(to_day::timestamp AT TIME ZONE 'UTC', 'infinity') AS to_time,
            coalesce(
                date_trunc('month', from_day::timestamp + interval '1 month' - interval '1 day') AT TIME ZONE 'UTC', '-infinity'
            ) AS first_month,
            coalesce(date_trunc('month', to_day::timestamp) AT TIME ZONE 'UTC', 'infinity') AS after_month
    ) AS b
), live AS MATERIALIZED (
    SELECT
        t.shard_key, t.bucket_time, date_trunc('month', t.bucket_time, 'UTC') AS month,
        sum(t.attempts)::integer AS attempts, sum(t.changes)::integer AS changes
    FROM stats_live AS t
    WHERE t.dim = 1 AND t.shard_key = ANY (shard_keys)
      AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
      AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC', 'infinity')
    GROUP BY 1, 2
), months AS MATERIALIZED (
    SELECT m.shard_key, m.month, m.attempts, m.changes, n.sealed_time
    FROM (
        SELECT t.shard_key, t.month, sum(t.attempts)::integer AS attempts, sum(t.changes)::integer AS changes
        FROM (
            SELECT s.shard_key, s.bucket_time AS month, s.attempts, s.changes
            FROM bounds AS b
            CROSS JOIN unnest(shard_keys) AS k (shard_key)
            CROSS JOIN LATERAL (
                SELECT * FROM stats
                WHERE stats.shard_key = k.shard_key AND stats.dim = 101
                  AND stats.bucket_time >= b.first_month AND stats.bucket_time < b.after_month
            ) AS s
            UNION ALL
            SELECT l.shard_key, l.month, l.attempts, l.changes
            FROM bounds AS b
            INNER JOIN live AS l ON l.bucket_time >= b.first_month AND l.bucket_time < b.after_month
        ) AS t
        GROUP BY 1, 2
    ) AS m
    LEFT JOIN number_month_seals AS n
        ON n.shard_key = m.shard_key AND n.month = (m.month AT TIME ZONE 'UTC')::date
        AND n.attempts = m.attempts AND n.changes = m.changes
), stretches AS MATERIALIZED (
    SELECT k.shard_key, e.from_time, e.to_time
    FROM unnest(shard_keys) AS k (shard_key)
    CROSS JOIN (
        SELECT b.from_time, b.first_month AS to_time FROM bounds AS b
        UNION ALL
        SELECT b.after_month, b.to_time FROM bounds AS b
    ) AS e
    WHERE e.from_time < e.to_time
    UNION ALL
    SELECT m.shard_key, m.month, (m.month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
    FROM months AS m
    WHERE m.sealed_time IS NULL
)
SELECT m.shard_key, (m.month AT TIME ZONE 'UTC')::date, true, m.attempts, m.changes, m.sealed_time
FROM months AS m
WHERE m.sealed_time IS NOT NULL
UNION ALL
SELECT
    p.shard_key, p.day, false, sum(p.attempts)::integer, sum(p.changes)::integer,
    CASE
        WHEN max(p.sealed_attempts) = sum(p.attempts) AND max(p.sealed_changes) = sum(p.changes) THEN max(p.sealed_time)
    END
FROM (
    SELECT
        s.shard_key, (s.bucket_time AT TIME ZONE 'UTC')::date AS day, s.attempts, s.changes,
        NULL::integer AS sealed_attempts, NULL::integer AS sealed_changes, NULL::timestamptz AS sealed_time
    FROM stretches AS t
    CROSS JOIN LATERAL (
        SELECT * FROM stats
        WHERE stats.shard_key = t.shard_key AND stats.dim = 1
          AND stats.bucket_time >= t.from_time AND stats.bucket_time < t.to_time
    ) AS s
    UNION ALL
    SELECT l.shard_key, (l.bucket_time AT TIME ZONE 'UTC')::date, l.attempts, l.changes, NULL, NULL, NULL
    FROM live AS l
    WHERE EXISTS (
        SELECT FROM stretches AS t
        WHERE t.shard_key = l.shard_key AND l.bucket_time >= t.from_time AND l.bucket_time < t.to_time
    )
    UNION ALL
    SELECT n.shard_key, n.day, 0, 0, n.attempts, n.changes, n.sealed_time
    FROM stretches AS t
    CROSS JOIN LATERAL (
        SELECT * FROM number_seals
        WHERE number_seals.shard_key = t.shard_key
          AND number_seals.day >= (t.from_time AT TIME ZONE 'UTC')::date AND number_seals.day < (t.to_time AT TIME ZONE 'UTC')::date
    ) AS n
) AS p
GROUP BY p.shard_key, p.day
HAVING sum(p.attempts) > 0
$$;

-- migrate:down

DROP FUNCTION sealed_days;
