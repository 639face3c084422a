"""
An independent, slow and obvious recount of every figure of `stats_now` from the rows of `attempts`.

It shares no line with the product: zones by Python's zoneinfo, sums by Counter.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.database import Connection

Key = tuple[int, str, str, str]
"""shard, dimension, bucket in ISO format, value"""
Figures = dict[Key, dict[str, int]]
JITTER_STEPS = [0, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000]
"""Milliseconds."""


def counters_of(row: Mapping[str, Any]) -> dict[str, int]:
    """What one attempt counts for, definition by definition as docs/rollups.md words them."""
    is_answered = row["result"] == "answered"
    is_person = is_answered and row["answered_by"] in (None, "human", "unsure")
    is_machine = is_answered and row["answered_by"] == "machine"
    is_success = row["disposition"] in ("order", "meeting", "offer_requested")
    is_target = row["is_target"] is True
    talk_ms = row["talk_ms"] or 0
    is_audited = row["audit_judgement"] in ("human", "machine")
    is_audited_person = row["audit_judgement"] == "human"
    weight = round(1000 / row["audit_share"]) if row["audit_share"] is not None else 0
    is_heard = (row["media_packets_expected"] or 0) > 0
    jitter_ms = row["media_jitter_ms"]
    counted = {
        "attempts": 1,
        "settled": int(row["settled_time"] is not None),
        "answered": int(is_answered),
        "network_effective": int(
            row["result"] in ("answered", "busy", "no_answer")
            or (row["result"] == "rejected" and row["fault"] == "callee")
        ),
        "invalid_numbers": int(row["result"] == "invalid_number"),
        "abandoned": int(row["result"] == "abandoned"),
        "trunk_faults": int(row["fault"] == "trunk"),
        "persons": int(is_person),
        "machines": int(is_machine),
        "judged": int(is_answered and row["answered_by"] is not None),
        "talks": int(is_person and (talk_ms >= 6000 or row["disposition"] is not None)),
        "successful_talks": int(is_person and is_success),
        "talk_ms_squares": talk_ms * talk_ms if is_answered else 0,
        "machine_successes": int(is_machine and is_success),
        "unsuccessful": int(is_answered and not is_success and not is_target),
        "unsuccessful_machines": int(is_machine and not is_success and not is_target),
        "undecided": int(is_answered and not is_success and is_target),
        "undecided_machines": int(is_machine and not is_success and is_target),
        "orders": int(row["disposition"] == "order"),
        "meetings": int(row["disposition"] == "meeting"),
        "offers": int(row["disposition"] == "offer_requested"),
        "callbacks": int(row["disposition"] == "callback_requested"),
        "refusals": int(row["disposition"] == "refused"),
        "voicemails_left": int(row["disposition"] == "voicemail_left"),
        "target_calls": int(row["is_target"] is True),
        "short_calls": int(is_answered and row["talk_ms"] is not None and row["talk_ms"] < 6000),
        "new_numbers": int(row["attempt_number"] == 1 and row["failover_of"] is None),
        "talk_count": int(is_answered and row["talk_ms"] is not None),
        "talk_ms_sum": talk_ms if is_answered else 0,
        "pdd_count": int(row["pdd_ms"] is not None),
        "pdd_ms_sum": row["pdd_ms"] or 0,
        "cost_count": int(row["cost_micros"] is not None),
        "cost_micros_sum": row["cost_micros"] or 0,
        "timed_verdicts": int(is_timed(row)),
        "nobody_verdicts": int(
            is_answered and row["answered_by"] in ("machine", "screening", "fax", "tone", "music")
        ),
        "audits_drawn": int(row["audit_share"] is not None),
        "audits_waiting": int(
            row["audit_share"] is not None and row["audit_judgement"] is None and row["audit_unheard"] is None
        ),
        "audits_unheard": int(row["audit_unheard"] is not None),
        "audited_verdicts": int(is_audited),
        "audited_persons": int(is_audited_person),
        "represented_verdicts": weight if is_audited else 0,
        "represented_persons": weight if is_audited_person else 0,
        "represented_squares": weight * weight if is_audited else 0,
        "heard_calls": int(is_heard),
        "packets_expected": row["media_packets_expected"] if is_heard else 0,
        "packets_lost": max(row["media_packets_lost"], 0) if is_heard else 0,
        "jittered_calls": int(jitter_ms is not None),
        "jitter_us_sum": round((jitter_ms or 0) * 1000),
        "direction_checked_calls": int(row["media_is_one_way"] is not None),
        "one_way_calls": int(row["media_is_one_way"] is True),
        "mos_calls": int(row["media_mos_hundredths"] is not None),
        "mos_hundredths_sum": row["media_mos_hundredths"] or 0,
        "low_mos_calls": int((row["media_mos_hundredths"] or 450) < 360),
    }
    return {name: number for name, number in counted.items() if number}


def is_timed(row: Mapping[str, Any]) -> bool:
    """Whether it is known who answered and when that was known."""
    return (
        row["result"] == "answered"
        and row["answered_by"] is not None
        and row["answered_time"] is not None
        and row["verdict_time"] is not None
    )


def rows_of(row: Mapping[str, Any], zone: ZoneInfo) -> list[tuple[str, str, str]]:
    """The (dimension, bucket, value) that an attempt belongs to, on the clock of its campaign's zone."""
    started: datetime = row["started_time"]
    local = started.astimezone(zone)
    quarter = started.astimezone(UTC).replace(minute=started.minute // 15 * 15, second=0, microsecond=0)
    day = datetime(local.year, local.month, local.day, tzinfo=UTC).isoformat()
    values = {
        "day": "",
        "hour_of_day": f"{local.hour:02d}",
        "trunk": str(row["trunk_id"]),
        "caller_id": row["caller_id"],
        "list": row["import_id"],
        "source": row["source"],
        "ad": row["ad"],
        "keyword": row["keyword"],
        "region": row["region"],
        "result": row["result"],
        "sip_status": row["sip_status"],
        "q850_cause": row["q850_cause"],
        "disposition": row["disposition"],
        "attempt_number": row["attempt_number"],
        "answered_by": row["answered_by"],
        "list_attempt_number": f"{row['import_id'] or ''}:{row['attempt_number']}",
    }
    found = [("quarter_hour", quarter.isoformat(), "")]
    found += [(name, day, "" if value is None else str(value)) for name, value in values.items()]
    if row["result"] == "answered" and row["talk_ms"] is not None:
        found.append(("talk_second", day, str(row["talk_ms"] // 1000)))
    if row["pdd_ms"] is not None:
        found.append(("pdd_100ms", day, str(row["pdd_ms"] - row["pdd_ms"] % 100)))
    if is_timed(row):
        tenths = (row["verdict_time"] - row["answered_time"]) // timedelta(milliseconds=100)
        found.append(("answered_by_verdict_100ms", day, f"{row['answered_by']}:{tenths * 100}"))
    if row["media_jitter_ms"] is not None:
        step = min((bound for bound in JITTER_STEPS if bound >= row["media_jitter_ms"]), default=1000)
        found.append(("trunk_jitter", day, f"{row['trunk_id']}:{step}"))
    return found


async def recount(connection: Connection, zones: Mapping[int, str]) -> Figures:
    """Count every attempt, row by row; `zones` by campaign."""
    figures: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for record in await connection.fetch("SELECT * FROM attempts"):
        row = dict(record)
        zone = ZoneInfo(zones[row["campaign_id"]])
        for dimension, bucket, value in rows_of(row, zone):
            for shard_key in (row["shard_key"], 0):
                figures[shard_key, dimension, bucket, value].update(counters_of(row))
    return {key: dict(counter) for key, counter in figures.items()}


def by_month(figures: Figures) -> Figures:
    """The same by month; nothing of quarters of an hour, which no month has."""
    months: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for (shard_key, dimension, bucket, value), counters in figures.items():
        if dimension != "quarter_hour":
            first = datetime.fromisoformat(bucket).replace(day=1).isoformat()
            months[shard_key, dimension, first, value].update(counters)
    return {key: dict(counter) for key, counter in months.items()}


async def told(connection: Connection, relation: str = "stats_now") -> Figures:
    """What `stats_now`, or `stats` alone, says; rows and counters of zero left out."""
    return shown(
        await connection.fetch(
            f"SELECT d.name AS dimension, t.* FROM {relation} t JOIN stats_dimensions d USING (dim)"
        )
    )


async def told_of_months(connection: Connection) -> Figures:
    """What the rows of whole months say, with what is not in `stats` yet."""
    waiting = shown(
        await connection.fetch(
            "SELECT d.name AS dimension, t.* FROM stats_live t JOIN stats_dimensions d USING (dim)"
        )
    )
    months: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    rows = await connection.fetch(
        "SELECT d.name AS dimension, t.* FROM stats t JOIN stats_dimensions d ON t.dim = d.dim + 100"
    )
    for part in (shown(rows), by_month(waiting)):
        for key, counters in part.items():
            months[key].update(counters)
    return without_nothing(months)


def shown(rows: list[Any]) -> Figures:
    sums: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for row in rows:
        figures = dict(row)
        key = (
            figures.pop("shard_key"),
            figures.pop("dimension"),
            figures.pop("bucket_time").astimezone(UTC).isoformat(),
            figures.pop("value"),
        )
        del figures["dim"], figures["changes"]
        sums[key].update({name: int(number or 0) for name, number in figures.items()})
    return without_nothing(sums)


def without_nothing(sums: Mapping[Key, Counter[str]]) -> Figures:
    return {
        key: counted
        for key, counter in sums.items()
        if (counted := {name: number for name, number in counter.items() if number})
    }


async def distinct_recount(
    connection: Connection, zones: Mapping[int, str], shard_key: int | None, from_day: date, to_day: date
) -> dict[str, int]:
    """How many different numbers, of one shard or of all, on days of the campaigns' own clocks."""
    rows = [dict(record) for record in await connection.fetch("SELECT * FROM attempts")]
    return numbers_of(rows, zones, shard_key, from_day, to_day)


def numbers_of(
    rows: list[dict[str, Any]], zones: Mapping[int, str], shard_key: int | None, from_day: date, to_day: date
) -> dict[str, int]:
    kinds = ("dialed", "settled", "answered", "person", "target", "success")
    found: dict[str, set[str]] = {kind: set() for kind in kinds}
    for row in rows:
        day = row["started_time"].astimezone(ZoneInfo(zones[row["campaign_id"]])).date()
        if (shard_key is not None and row["shard_key"] != shard_key) or not from_day <= day < to_day:
            continue
        counted = counters_of(row)
        marks = {
            "dialed": True,
            "settled": row["settled_time"] is not None,
            "answered": "answered" in counted,
            "person": "persons" in counted,
            "target": "target_calls" in counted,
            "success": bool(counted.keys() & {"orders", "meetings", "offers"}),
        }
        for kind, is_so in marks.items():
            if is_so:
                found[kind].add(row["number"])
    return {kind: len(numbers) for kind, numbers in found.items()}


async def attributed_recount(
    connection: Connection,
    zones: Mapping[int, str],
    shard_key: int | None,
    from_day: date,
    to_day: date,
    name: str,
) -> dict[str | None, dict[str, int]]:
    """The same for each value of a column of the attempts that has any."""
    by_value: defaultdict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for record in await connection.fetch("SELECT * FROM attempts"):
        by_value[record[name]].append(dict(record))
    found = {value: numbers_of(rows, zones, shard_key, from_day, to_day) for value, rows in by_value.items()}
    return {value: counts for value, counts in found.items() if counts["dialed"]}


async def known_recount(
    connection: Connection, zones: Mapping[int, str], shard_key: int | None, from_day: date, to_day: date
) -> dict[str, int]:
    """How many numbers dialed, and answered, in a range had been dialed before it; of one shard or of all."""
    before: set[str] = set()
    dialed: set[str] = set()
    answered: set[str] = set()
    for row in await connection.fetch("SELECT * FROM attempts"):
        day = row["started_time"].astimezone(ZoneInfo(zones[row["campaign_id"]])).date()
        if shard_key is None or row["shard_key"] == shard_key:
            if day < from_day:
                before.add(row["number"])
            elif day < to_day:
                dialed.add(row["number"])
                if row["result"] == "answered":
                    answered.add(row["number"])
    return {"dialed": len(before & dialed), "answered": len(before & answered)}


async def callback_recount(
    connection: Connection,
    zones: Mapping[int, str],
    shard_key: int | None,
    from_day: date,
    to_day: date,
    now: datetime,
) -> dict[str, int]:
    """What became of the requests to be called back on days of the campaigns' own clocks; nothing where there is none."""
    rows = [dict(record) for record in await connection.fetch("SELECT * FROM attempts")]
    found: Counter[str] = Counter()
    for row in rows:
        day = row["started_time"].astimezone(ZoneInfo(zones[row["campaign_id"]])).date()
        if (shard_key is not None and row["shard_key"] != shard_key) or not from_day <= day < to_day:
            continue
        if row["disposition"] != "callback_requested":
            continue
        end = row["started_time"] + timedelta(hours=24)
        is_done = any(
            later["campaign_id"] == row["campaign_id"]
            and later["contact_id"] == row["contact_id"]
            and later["result"] == "answered"
            and row["started_time"] < later["started_time"] <= end
            for later in rows
        )
        found.update(
            {
                "callbacks_done": int(is_done),
                "callbacks_due": int(not is_done and end > now),
                "callbacks_missed": int(not is_done and end <= now),
            }
        )
    return dict(found)
