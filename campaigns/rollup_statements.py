"""
The statements over all counters of `stats`, composed from the list of them. What one fact adds to which row is not said here
but once, by the function `fact_stats` of the schema (migration 20261125000003).
"""

from typing import Final

COUNTERS: Final = (
    "attempts", "settled", "answered", "network_effective", "invalid_numbers", "abandoned", "trunk_faults", "persons",
    "machines", "orders", "meetings", "offers", "callbacks", "refusals", "voicemails_left", "target_calls", "short_calls",
    "new_numbers", "talk_count", "talk_ms_sum", "pdd_count", "pdd_ms_sum", "cost_count", "cost_micros_sum",
    "judged", "talks", "successful_talks", "talk_ms_squares", "machine_successes", "unsuccessful", "unsuccessful_machines",
    "undecided", "undecided_machines", "timed_verdicts", "nobody_verdicts", "audits_drawn", "audits_waiting", "audits_unheard", "audited_verdicts",
    "audited_persons", "represented_verdicts", "represented_persons", "represented_squares", "heard_calls", "packets_expected",
    "packets_lost", "jittered_calls", "jitter_us_sum", "direction_checked_calls", "one_way_calls", "mos_calls",
    "mos_hundredths_sum", "low_mos_calls",
)  # fmt: skip
"""
The columns of `stats` that a recount must find again. `changes` is not one of them: it only grows. Where nothing was ever
added a column may be null instead of 0 (migration 20261126091001).
"""

KEY: Final = "shard_key, dim, bucket_time, value"
FACTS_OF: Final = "CROSS JOIN LATERAL fact_stats(ROW({alias}.*)::outbox) s"


TOTALS_SHARD: Final = 0
"""Of the sums, and the seals, over all campaigns."""


def _sums(names: tuple[str, ...]) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in names)


MONTHS: Final = 100
"""Added to the number of a dimension gives that of the same by month; the quarter of an hour (0) has none."""


def _months(days: str) -> str:
    """What rows of the shape of `stats` add to the months that they lie in."""
    return f"""SELECT shard_key, (dim + {MONTHS})::smallint AS dim, date_trunc('month', bucket_time, 'UTC') AS bucket_time, value,
        {_sums((*COUNTERS, "changes"))} FROM {days} WHERE dim > 0 GROUP BY 1, 2, 3, 4"""


def _add(rows: str) -> str:
    """Add rows of the shape of `stats` to it, in one order: two that add at once cannot wait for each other."""
    columns = (*COUNTERS, "changes")
    return f"""INSERT INTO stats ({KEY}, {", ".join(columns)})
    SELECT {KEY}, {", ".join(columns)} FROM ({rows}) AS added ORDER BY {KEY}
    ON CONFLICT ({KEY}) DO UPDATE SET {", ".join(f"{name} = {_plus(name)}" for name in columns)}"""


def _plus(name: str) -> str:
    """The sum of both, of which either may be null."""
    old, new = f"stats.{name}", f"excluded.{name}"
    return f"coalesce({old} + {new}, {old}, {new})"


FOLD_OUTBOX: Final = f"""
WITH gone AS (
    DELETE FROM outbox WHERE attempt_id % $1::integer = $2::integer RETURNING *
), parts AS MATERIALIZED (
    SELECT gone.shard_key, s.dim, s.bucket_time, s.value, {_sums((*COUNTERS, "changes"))}
    FROM gone {FACTS_OF.format(alias="gone")}
    GROUP BY 1, 2, 3, 4
), days AS (
    SELECT * FROM parts
    UNION ALL
    SELECT 0, dim, bucket_time, value, {_sums((*COUNTERS, "changes"))} FROM parts GROUP BY 2, 3, 4
), added AS ({_add(f"SELECT * FROM days UNION ALL {_months('days')}")}
)
SELECT count(*) FROM gone
"""
"""
(slices, slice): move the outbox into `stats`, of its campaign and over all campaigns, by day and by month; give the number of
rows.

One statement: killed anywhere, it happened or it did not. A backlog is taken in slices, by the remainder of the attempt's id.
"""

_DIFFERS: Final = f"({', '.join(COUNTERS)}) IS DISTINCT FROM ({', '.join('0' for _ in COUNTERS)})"

_DIFFERENCES: Final = f"""
SELECT * FROM (
    SELECT dim, bucket_time, value, {", ".join(f"coalesce(f.{name}, 0) - coalesce(t.{name}, 0) AS {name}" for name in COUNTERS)}
    FROM (
        SELECT s.dim, s.bucket_time, s.value, {_sums(COUNTERS)}
        FROM attempt_facts a {FACTS_OF.format(alias="a")}
        WHERE a.shard_key = $1::integer AND a.is_settled
          AND a.started_time >= $2::timestamptz - interval '1 day' AND a.started_time < $3::timestamptz + interval '1 day'
          AND s.bucket_time >= $2 AND s.bucket_time < $3
        GROUP BY 1, 2, 3
    ) AS f
    FULL JOIN (
        SELECT dim, bucket_time, value, {_sums(COUNTERS)}
        FROM (
            SELECT * FROM stats
            UNION ALL
            SELECT o.shard_key, s.* FROM outbox o CROSS JOIN LATERAL fact_stats(o) s
        ) AS told
        WHERE shard_key = $1 AND dim < {MONTHS} AND bucket_time >= $2 AND bucket_time < $3
        GROUP BY 1, 2, 3
    ) AS t USING (dim, bucket_time, value)
) AS difference
WHERE {_DIFFERS}"""

_BY_DAY: Final = "SELECT (bucket_time AT TIME ZONE 'UTC')::date AS day, count(*) AS differences FROM"

CHECK: Final = f"{_BY_DAY} ({_DIFFERENCES}) AS d GROUP BY 1 ORDER BY 1"
"""
(shard_key, from_day, to_day): how many rows of each day a recount of the facts gives otherwise than `stats` and outbox
together; no row = they agree.

Days are midnights UTC, the second one excluded. A bucket is a day or lies in one, so a slice of days is complete in all
dimensions; the campaign's clock is less than a day away from UTC.
"""

REPAIR: Final = f"""
WITH difference AS MATERIALIZED ({_DIFFERENCES}
), added AS ({_add("SELECT $1::integer AS shard_key, *, 1 AS changes FROM difference")}
)
{_BY_DAY} difference GROUP BY 1 ORDER BY 1
"""
"""
As `CHECK`, and adds what was missing. Adding is right whatever the roller does meanwhile: what it moves from
the outbox to `stats` changes no difference. Two repairs at once would add twice: `lock_repair` comes first.
"""

_TOTAL_DIFFERENCES: Final = f"""
SELECT * FROM (
    SELECT dim, bucket_time, value,
        {", ".join(f"coalesce(sum(CASE WHEN shard_key = 0 THEN -{name} ELSE {name} END), 0) AS {name}" for name in COUNTERS)}
    FROM stats
    WHERE dim < {MONTHS} AND bucket_time >= $1::timestamptz AND bucket_time < $2::timestamptz
    GROUP BY 1, 2, 3
) AS difference
WHERE {_DIFFERS}"""

CHECK_TOTALS: Final = f"{_BY_DAY} ({_TOTAL_DIFFERENCES}) AS d GROUP BY 1 ORDER BY 1"
"""(from_day, to_day): as `CHECK`, for shard 0 and what the campaigns' rows add up to."""

REPAIR_TOTALS: Final = f"""
WITH difference AS MATERIALIZED ({_TOTAL_DIFFERENCES}
), added AS ({_add("SELECT 0 AS shard_key, *, 1 AS changes FROM difference")}
)
{_BY_DAY} difference GROUP BY 1 ORDER BY 1
"""
"""As `CHECK_TOTALS`, and adds to shard 0 what was missing."""

_MONTH_DIFFERENCES: Final = f"""
SELECT * FROM (
    SELECT dim % {MONTHS} AS dim, date_trunc('month', bucket_time, 'UTC') AS bucket_time, value,
        {", ".join(f"coalesce(sum(CASE WHEN dim > {MONTHS} THEN -{name} ELSE {name} END), 0) AS {name}" for name in COUNTERS)}
    FROM stats
    WHERE shard_key = $1::integer AND dim > 0 AND bucket_time >= $2::timestamptz AND bucket_time < $3::timestamptz
    GROUP BY 1, 2, 3
) AS difference
WHERE {_DIFFERS}"""

CHECK_MONTHS: Final = f"{_BY_DAY} ({_MONTH_DIFFERENCES}) AS d GROUP BY 1 ORDER BY 1"
"""(shard_key, from_day, to_day): as `CHECK`, for the rows of whole months and what the rows of their days add up to."""

REPAIR_MONTHS: Final = f"""
WITH difference AS MATERIALIZED ({_MONTH_DIFFERENCES}
), days AS (
    SELECT $1::integer AS shard_key, *, 1 AS changes FROM difference
), added AS ({_add(_months("days"))}
)
{_BY_DAY} difference GROUP BY 1 ORDER BY 1
"""
"""As `CHECK_MONTHS`, and adds to the months what was missing. After `REPAIR`, which mends the days alone."""
