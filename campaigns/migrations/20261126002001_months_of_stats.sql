-- migrate:up

-- Every dimension but the quarter of an hour by month, too: dim + 100, bucket_time is the first of the month. A long period
-- is read as its whole months and the days around them (docs/rollups.md, docs/adr/0027).
DROP VIEW stats_now;

-- What stats does not hold yet: changes on their way, and attempts under way. Quarters of an hour and days, no months.
CREATE VIEW stats_live AS
SELECT o.shard_key, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT 0, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT a.shard_key, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled
UNION ALL
SELECT 0, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled;

CREATE VIEW stats_now AS
SELECT * FROM stats
UNION ALL
SELECT * FROM stats_live;

-- What is added up already; whichever counters there are.
DO $$
DECLARE
    counters text;
    sums text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum), string_agg(format('sum(%I)', attname), ', ' ORDER BY attnum)
    INTO counters, sums
    FROM pg_attribute
    WHERE attrelid = 'stats'::regclass AND attnum > 0 AND NOT attisdropped
      AND attname NOT IN ('shard_key', 'dim', 'bucket_time', 'value');
    EXECUTE format(
        'INSERT INTO stats (shard_key, dim, bucket_time, value, %s)
        SELECT shard_key, dim + 100, date_trunc(''month'', bucket_time, ''UTC''), value, %s
        FROM stats WHERE dim > 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4', counters, sums);
END
$$;

-- migrate:down

DROP VIEW stats_now;
DROP VIEW stats_live;
DELETE FROM stats WHERE dim > 100;

CREATE VIEW stats_now AS
SELECT * FROM stats
UNION ALL
SELECT o.shard_key, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT 0, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
UNION ALL
SELECT a.shard_key, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled
UNION ALL
SELECT 0, s.*
FROM attempt_facts a CROSS JOIN LATERAL fact_stats(ROW(a.*)::outbox) s
WHERE NOT a.is_settled;
