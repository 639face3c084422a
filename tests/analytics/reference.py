"""
What every metric and dimension means, once more: slow, obvious, in plain Python over lists of dicts, and knowing nothing of
the product's registries. An attempt is a dict of its columns; times are aware datetimes, a lead is a dict, too.
"""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.analytics import reference_answers
from tests.analytics.reference_quantiles import median, p95

Attempt = dict[str, Any]
Attempts = list[Attempt]

SUCCESSES = {"order", "meeting", "offer_requested"}
Z = 1.959963984540054


class World:
    """Everything there is: the facts, who counts machines, and what the query sets."""

    def __init__(
        self,
        attempts: Attempts,
        leads: list[dict[str, Any]],
        lenient: set[int],
        now: datetime,
        *,
        target: tuple[int, int] | None = None,
        short_seconds: int = 6,
        callback_hours: int = 24,
        is_before: Callable[[Attempt], bool] = lambda _: False,
        asked: set[int] | None = None,
    ) -> None:
        self.attempts = attempts
        self.leads = leads
        self.lenient = lenient
        self.now = now
        self.target = target
        self.short_ms = short_seconds * 1000
        self.callback_wait = timedelta(hours=callback_hours)
        self.is_before = is_before
        """Whether an attempt began before the period that is asked for."""
        self.asked = asked
        """Campaigns that the filter leaves; None = any."""


def is_settled(a: Attempt) -> bool:
    return a["settled_time"] is not None


def is_answered(a: Attempt) -> bool:
    return bool(a["result"] == "answered")


def is_machine(a: Attempt) -> bool:
    return is_answered(a) and a["answered_by"] == "machine"


def is_person(a: Attempt) -> bool:
    return is_answered(a) and a["answered_by"] in {None, "human", "unsure"}


def is_success(a: Attempt) -> bool:
    return a["disposition"] in SUCCESSES


def is_talk(w: World, a: Attempt) -> bool:
    if not is_person(a):
        return False
    return a["disposition"] is not None or (a["talk_ms"] is not None and a["talk_ms"] >= w.short_ms)


def is_target(w: World, a: Attempt) -> bool:
    if w.target is None:
        return bool(a["is_target"])
    if not is_answered(a) or a["talk_ms"] is None:
        return False
    return bool(w.target[0] * 1000 <= a["talk_ms"] <= w.target[1] * 1000)


def counts_as_success(w: World, a: Attempt) -> bool:
    return is_success(a) or (is_machine(a) and a["campaign_id"] in w.lenient)


def was_called_back(w: World, a: Attempt) -> bool:
    for later in w.attempts:
        if (
            later["campaign_id"] != a["campaign_id"]
            or later["number"] != a["number"]
            or not is_answered(later)
        ):
            continue
        if a["started_time"] < later["started_time"] <= a["started_time"] + w.callback_wait:
            return True
    return False


def is_to_known_number(w: World, a: Attempt) -> bool:
    return any(
        w.is_before(earlier)
        and (earlier["campaign_id"], earlier["number"]) == (a["campaign_id"], a["number"])
        for earlier in w.attempts
    )


def asked_campaigns(node: dict[str, Any] | None) -> set[int] | None:
    """Campaigns that a filter leaves, as far as it says so by itself or by `and`."""
    if node is None:
        return None
    if node["op"] in {"is", "in"} and node["dimension"] == "campaign":
        return set(node["values"])
    found = None
    if node["op"] == "and":
        for child in node["filters"]:
            left = asked_campaigns(child)
            if left is not None:
                found = left if found is None else found & left
    return found


def is_known(w: World, a: Attempt) -> bool:
    return any(
        w.is_before(earlier)
        and earlier["number"] == a["number"]
        and (w.asked is None or earlier["campaign_id"] in w.asked)
        for earlier in w.attempts
    )


def still_waits(w: World, a: Attempt) -> bool:
    return bool(a["started_time"] + w.callback_wait > w.now)


def asked(a: Attempt) -> bool:
    return bool(a["disposition"] == "callback_requested")


def number_of(rows: Iterable[Attempt]) -> int:
    return len({row["number"] for row in rows})


def seconds(ms: int) -> float:
    return float(Fraction(ms, 1000))


Count = Callable[[World, Attempts], int]

COUNTS: dict[str, Count] = {
    "attempts": lambda w, rows: len(rows),
    "settled_attempts": lambda w, rows: sum(is_settled(a) for a in rows),
    "open_attempts": lambda w, rows: sum(not is_settled(a) for a in rows),
    "distinct_numbers": lambda w, rows: number_of(rows),
    "settled_numbers": lambda w, rows: number_of(a for a in rows if is_settled(a)),
    "answered_attempts": lambda w, rows: sum(is_answered(a) for a in rows),
    "answered_numbers": lambda w, rows: number_of(a for a in rows if is_answered(a)),
    "person_answers": lambda w, rows: sum(is_person(a) for a in rows),
    "person_numbers": lambda w, rows: number_of(a for a in rows if is_person(a)),
    "voicemail_hits": lambda w, rows: sum(is_machine(a) for a in rows),
    "judged_answers": lambda w, rows: sum(is_answered(a) and a["answered_by"] is not None for a in rows),
    "voicemails_left": lambda w, rows: sum(a["disposition"] == "voicemail_left" for a in rows),
    "network_reached": lambda w, rows: sum(
        a["result"] in {"answered", "busy", "no_answer"}
        or (a["result"], a["fault"]) == ("rejected", "callee")
        for a in rows
    ),
    "rung_attempts": lambda w, rows: sum(a["pdd_ms"] is not None for a in rows),
    "pdd_ms_sum": lambda w, rows: sum(a["pdd_ms"] or 0 for a in rows),
    "short_calls": lambda w, rows: sum(
        is_answered(a) and a["talk_ms"] is not None and a["talk_ms"] < w.short_ms for a in rows
    ),
    "talks": lambda w, rows: sum(is_talk(w, a) for a in rows),
    "timed_answers": lambda w, rows: len(talk_times(rows)),
    "orders": lambda w, rows: sum(a["disposition"] == "order" for a in rows),
    "meetings": lambda w, rows: sum(a["disposition"] == "meeting" for a in rows),
    "offers": lambda w, rows: sum(a["disposition"] == "offer_requested" for a in rows),
    "successes": lambda w, rows: sum(is_success(a) for a in rows),
    "successful_numbers": lambda w, rows: number_of(a for a in rows if is_success(a)),
    "successful_talks": lambda w, rows: sum(is_talk(w, a) and is_success(a) for a in rows),
    "refusals": lambda w, rows: sum(a["disposition"] == "refused" for a in rows),
    "callback_requests": lambda w, rows: sum(asked(a) for a in rows),
    "callbacks_done": lambda w, rows: sum(asked(a) and was_called_back(w, a) for a in rows),
    "callbacks_due": lambda w, rows: sum(
        asked(a) and not was_called_back(w, a) and still_waits(w, a) for a in rows
    ),
    "callbacks_missed": lambda w, rows: sum(
        asked(a) and not was_called_back(w, a) and not still_waits(w, a) for a in rows
    ),
    "target_calls": lambda w, rows: sum(is_target(w, a) for a in rows),
    "unique_target_numbers": lambda w, rows: number_of(a for a in rows if is_target(w, a)),
    "repeat_calls": lambda w, rows: len(rows) - number_of(rows),
    "known_number_attempts": lambda w, rows: sum(is_to_known_number(w, a) for a in rows),
    "known_numbers": lambda w, rows: number_of(a for a in rows if is_known(w, a)),
    "known_answered_numbers": lambda w, rows: number_of(a for a in rows if is_answered(a) and is_known(w, a)),
    "status_successful": lambda w, rows: sum(counts_as_success(w, a) for a in rows),
    "status_successful_with_machines": lambda w, rows: sum(is_success(a) or is_machine(a) for a in rows),
    "status_unsuccessful": lambda w, rows: sum(
        is_answered(a) and not counts_as_success(w, a) and not is_target(w, a) for a in rows
    ),
    "status_undecided": lambda w, rows: sum(
        is_answered(a) and not counts_as_success(w, a) and is_target(w, a) for a in rows
    ),
    "priced_attempts": lambda w, rows: sum(a["cost_micros"] is not None for a in rows),
    **reference_answers.COUNTS,
}

SHARES: dict[str, tuple[str, str]] = {
    "answered_by_attempt": ("answered_attempts", "settled_attempts"),
    "answered_by_number": ("answered_numbers", "settled_numbers"),
    "person_share": ("person_answers", "answered_attempts"),
    "machine_share": ("voicemail_hits", "judged_answers"),
    "asr": ("answered_attempts", "settled_attempts"),
    "ner": ("network_reached", "settled_attempts"),
    "short_call_share": ("short_calls", "answered_attempts"),
    "conversion_per_talk": ("successful_talks", "talks"),
    "conversion_per_dial": ("successes", "settled_attempts"),
    "conversion_per_number": ("successful_numbers", "settled_numbers"),
    "conversion_per_contact": ("successful_numbers", "person_numbers"),
    "callback_requests_per_answer": ("callback_requests", "answered_attempts"),
    "callbacks_done_share": ("callbacks_done", "callback_requests"),
    "target_share": ("target_calls", "answered_attempts"),
    "known_number_share": ("known_number_attempts", "attempts"),
    "known_by_number": ("known_numbers", "distinct_numbers"),
    "known_by_answered_number": ("known_answered_numbers", "answered_numbers"),
    "one_way_share": ("one_way_calls", "direction_checked_calls"),
    "low_mos_share": ("low_mos_calls", "mos_calls"),
}


def talk_times(rows: Attempts) -> list[int]:
    return [a["talk_ms"] for a in rows if is_answered(a) and a["talk_ms"] is not None]


def wilson(k: int, n: int) -> tuple[float, float] | None:
    """Brown, Cai and DasGupta (2001), section 3.1.1: the two roots of (p - k/n)^2 = z^2 p (1 - p) / n."""
    if n == 0:
        return None
    a, b, c = 1 + Z * Z / n, -2 * k / n - Z * Z / n, (k / n) ** 2
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def values(w: World, rows: Attempts) -> dict[str, Any]:
    """Return the value of every metric of attempts."""
    found: dict[str, Any] = {name: count(w, rows) for name, count in COUNTS.items()}
    for name, (above, below) in SHARES.items():
        found[name] = float(Fraction(found[above], found[below])) if found[below] else None
    times = talk_times(rows)
    found["talk_seconds_sum"] = seconds(sum(times))
    found["talk_seconds_squares"] = float(Fraction(sum(ms * ms for ms in times), 1_000_000))
    found["talk_seconds_mean"] = float(Fraction(sum(times), 1000 * len(times))) if times else None
    found["talk_seconds_median"] = median([ms // 1000 for ms in times])
    answered = found["answered_attempts"]
    found["acd_seconds"] = float(Fraction(sum(times), 1000 * answered)) if answered else None
    delays = [a["pdd_ms"] for a in rows if a["pdd_ms"] is not None]
    found["pdd_ms_mean"] = float(Fraction(sum(delays), len(delays))) if delays else None
    found["pdd_ms_median"] = median([ms // 100 * 100 for ms in delays])
    found["pdd_ms_p95"] = p95([ms // 100 * 100 for ms in delays])
    found |= reference_answers.values(rows)
    micros = [a["cost_micros"] for a in rows if a["cost_micros"] is not None]
    is_priced = len(micros) == found["settled_attempts"]
    found["cost_sum"] = float(Fraction(sum(micros), 1_000_000)) if is_priced else None
    for name, below in (("cost_per_talk", "talks"), ("cost_per_success", "successes")):
        per = found[below]
        found[name] = float(Fraction(sum(micros), 1_000_000 * per)) if is_priced and per else None
    return found


def base_values(w: World, campaign_ids: set[int]) -> dict[str, Any]:
    """Return the value of every metric of the base."""
    leads = [lead for lead in w.leads if lead["campaign_id"] in campaign_ids]
    tried = sum(lead["attempts_made"] > 0 for lead in leads)
    return {
        "leads": len(leads),
        "leads_attempted": tried,
        "penetration": tried / len(leads) if leads else None,
        "leads_pending": sum(lead["status"] == "pending" for lead in leads),
        "leads_finished": sum(lead["status"] == "finished" for lead in leads),
        "leads_blocked": sum(lead["status"] == "blocked" for lead in leads),
        "dialable_now": sum(
            lead["status"] == "pending" and lead["due_time"] is not None and lead["due_time"] <= w.now
            for lead in leads
        ),
    }


def wall_clock(a: Attempt, zone: str | None) -> datetime:
    """What the clock showed: of the zone, or the campaign's own when it dialed."""
    started: datetime = a["started_time"]
    if zone is not None:
        return started.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return started.astimezone(UTC).replace(tzinfo=None) + timedelta(minutes=a["utc_offset_minutes"])


def hour_start(a: Attempt, zone: str | None) -> datetime:
    """As many minutes ago as the clock shows past the hour."""
    local = wall_clock(a, zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    start: datetime = a["started_time"] - past
    return start


def midnight(text: str, zone: str) -> datetime:
    """The first instant that shows this date or a later one, found by looking at every quarter of an hour around."""
    day = date.fromisoformat(text)
    instant = datetime.combine(day, datetime.min.time(), UTC) - timedelta(days=1)
    while instant.astimezone(ZoneInfo(zone)).date() < day:
        instant += timedelta(minutes=15)
    return instant


def monday(day: date) -> date:
    while day.isoweekday() != 1:
        day -= timedelta(days=1)
    return day


def dimension(name: str, a: Attempt, zone: str | None) -> Any:
    local = wall_clock(a, zone)
    match name:
        case "hour":
            return hour_start(a, zone)
        case "day":
            return local.date()
        case "week":
            return monday(local.date())
        case "month":
            return local.date().replace(day=1)
        case "hour_of_day":
            return local.hour
        case "weekday":
            return local.isoweekday()
        case _:
            return a[COLUMNS.get(name, name)] or None if name in TEXTS else a[COLUMNS.get(name, name)]


COLUMNS = {"campaign": "campaign_id", "list": "import_id", "trunk": "trunk_id"}
TEXTS = {
    "source", "ad", "keyword", "region", "caller_id", "result", "reason", "fault", "ended_by", "disposition", "answered_by",
}  # fmt: skip


def matches(node: Any, a: Attempt, zone: str | None) -> bool:
    """Whether a filter, as JSON has it, lets an attempt through."""
    if node is None:
        return True
    match node["op"]:
        case "and":
            return all(matches(inner, a, zone) for inner in node["filters"])
        case "or":
            return any(matches(inner, a, zone) for inner in node["filters"])
        case "not":
            return not matches(node["filters"][0], a, zone)
    value = dimension(node["dimension"], a, zone)
    wanted = node.get("values", [])
    match node["op"]:
        case "is_null":
            return value is None
        case "is_not":
            return value not in wanted
        case "is" | "in":
            return value in wanted
        case "contains":
            return value is not None and any(part.lower() in value.lower() for part in wanted)
    if value is None:
        return False
    return bool(
        {
            "gt": value > wanted[0],
            "gte": value >= wanted[0],
            "lt": value < wanted[0],
            "lte": value <= wanted[0],
        }[node["op"]]
    )


def in_period(a: Attempt, zone: str | None, first: Any, after_last: Any) -> bool:
    """With a zone the bounds are instants; without one they are dates on the campaign's clock."""
    place = a["started_time"] if zone is not None else wall_clock(a, None).date()
    return (first is None or place >= first) and (after_last is None or place < after_last)


def groups(rows: Attempts, names: list[str], zone: str | None) -> dict[tuple[Any, ...], Attempts]:
    found: dict[tuple[Any, ...], Attempts] = {}
    for a in rows:
        found.setdefault(tuple(dimension(name, a, zone) for name in names), []).append(a)
    return found
