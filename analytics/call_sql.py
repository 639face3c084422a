"""SQL of the calls behind a figure, by the rules of `analytics.sql`: no text of a request becomes text of a statement."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

from analytics.binds import Binds
from analytics.call_places import Known, Place
from analytics.dimensions import DIMENSIONS
from analytics.metrics import KNOWN_NUMBER, SUCCEEDED, SUCCESS, attempts_behind
from analytics.plan import Part, counter_of_calls, value_of_calls
from analytics.query import Query
from analytics.sql import SQL_TYPES, Statement, conditions

FACTS: Final = Part(source="attempts", measures=())
KEYS: Final = "shard_key, started_time, attempt_id"


def compose_call_days(
    query: Query,
    metric: str,
    at: dict[str, Any],
    shards: Sequence[int],
    days: tuple[date | None, date | None],
) -> Statement:
    """
    Return the statement that tells on which days of which shards, from the first and before the second of `days`, calls behind a figure
    may be, and how many: those of one value of `stats` that the row has, whatever else it says.
    """
    binds = Binds(query, query.period)
    dim, value = value_of_calls(query, at)
    counter = counter_of_calls(query, metric)
    where = [f"dim = {dim}", f"shard_key = ANY({binds.add(list(shards), 'integer[]')})"]
    if value is not None:
        where.append(f"value = {binds.add(value, 'text')}")
    where += [
        f"bucket_time {sign} {binds.add(datetime.combine(day, time(), UTC), 'timestamptz')}"
        for sign, day in ((">=", days[0]), ("<", days[1]))
        if day is not None
    ]
    text = (
        f"SELECT shard_key, (bucket_time AT TIME ZONE 'UTC')::date AS day, sum({counter})::bigint AS calls"
        f" FROM stats_now WHERE {' AND '.join(where)} GROUP BY 1, 2 HAVING sum({counter}) > 0"
    )
    return Statement(text, tuple(binds.arguments))


def compose_calls(
    query: Query,
    metric: str,
    at: dict[str, Any],
    before: tuple[datetime, int] | None,
    places: Sequence[Place],
    columns: Sequence[str],
    known: Known | None = None,
) -> Statement:
    """
    Return the statement of a page of the attempts behind a figure, newest first.

    `columns` are those of `attempts` to give, `at` are the dimension values of its row. Each place gives its own newest rows by the
    primary key of its shard, so that a page costs the same anywhere in the list. `known` are the numbers that had been tried before.

    First only keys are looked for, so that an index of few calls answers by itself; then the calls of the page are read.
    """
    binds = Binds(query, query.period)
    _, behind = attempts_behind(metric)
    where = [conditions(binds, query, query.period, FACTS, None)]
    if behind is not None:
        if known is not None:
            behind = behind.replace(KNOWN_NUMBER, compose_known(binds, known))
        where.append(f"({binds.fill(provable(behind))})")
    for name, value in at.items():
        expression = binds.fill(DIMENSIONS[name].formula)
        place = binds.add(value, SQL_TYPES[DIMENSIONS[name].type])
        where.append(f"{expression} IS NOT DISTINCT FROM {place}")
    if before is not None:
        time_place, id_place = binds.add(before[0], "timestamptz"), binds.add(before[1], "bigint")
        where.append(f"(started_time, attempt_id) < ({time_place}, {id_place})")
    limit = binds.add(query.limit, "integer")
    lists = (
        binds.add([place.shard_key for place in places], "integer[]"),
        binds.add([place.from_time for place in places], "timestamptz[]"),
        binds.add([place.to_time for place in places], "timestamptz[]"),
    )
    newest = "ORDER BY started_time DESC, attempt_id DESC"
    text = (
        f"WITH page AS MATERIALIZED (SELECT found.* FROM unnest({', '.join(lists)}) AS place (shard_key, from_time, to_time)"
        f" CROSS JOIN LATERAL (SELECT {KEYS} FROM attempts WHERE attempts.shard_key = place.shard_key"
        " AND started_time >= coalesce(place.from_time, '-infinity') AND started_time < coalesce(place.to_time, 'infinity')"
        f" AND {' AND '.join(where)} {newest} LIMIT {limit}) AS found {newest} LIMIT {limit})"
        # one after another: how long a page is, the planner does not know, and might read the whole table for it
        f" SELECT one.* FROM page CROSS JOIN LATERAL (SELECT {', '.join(columns)} FROM attempts"
        f" WHERE ({KEYS}) = (page.shard_key, page.started_time, page.attempt_id) LIMIT 1) AS one {newest}"
    )
    return Statement(text, tuple(binds.arguments))


def provable(behind: str) -> str:
    """
    Write a condition so that the server sees that the index of successes has all calls that meet it: where a condition selects, what
    is unknown is as good as false.
    """
    if behind == SUCCESS or behind.endswith(f" AND {SUCCESS}"):
        return f"{behind.removesuffix(SUCCESS)}{SUCCEEDED}"
    return behind


def compose_known(binds: Binds, known: Known) -> str:
    """The condition that the number of an attempt is one of these."""
    if known.ids is None:
        return "true"
    if known.is_of_all:
        ids = binds.add(known.ids, "integer[]")
        texts = binds.add(known.texts, "text[]")
        return (
            f"number IN (SELECT known.number FROM numbers AS known WHERE known.number_id = ANY({ids})"
            f" UNION ALL SELECT unnest({texts}))"
        )
    return f"contact_id IN (SELECT unnest({binds.add(known.ids, 'bigint[]')}))"
