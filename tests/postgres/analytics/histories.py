"""Histories of calls that Hypothesis makes up, as the facts and the rollups have them, corrections in flight among them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from campaigns.database import Pool
from campaigns.rollup_statements import FOLD_OUTBOX
from tests.postgres.analytics.facts import add_campaign

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ZONES = {1: "Europe/Berlin", 2: "Asia/Kathmandu"}
"""Of the campaigns: one changes its clock in both years' nights below, one is at +05:45."""
NIGHTS = [
    datetime(2026, 10, 25, 0, tzinfo=UTC),  # Berlin goes back at 01:00 UTC; New York a week later
    datetime(2026, 3, 29, 0, tzinfo=UTC),  # Berlin goes forward at 01:00 UTC
    datetime(2026, 10, 3, 14, tzinfo=UTC),  # Lord Howe goes forward by half an hour at 15:30 UTC
    datetime(2026, 10, 31, 12, tzinfo=UTC),  # the last day before NOW: callbacks still wait
]
RESULTS = ["answered", "answered", "answered", "busy", "no_answer", "rejected", "congested", "unknown", None]
DISPOSITIONS = [
    None,
    "order",
    "meeting",
    "offer_requested",
    "callback_requested",
    "refused",
    "voicemail_left",
]


@st.composite
def attempts(draw: st.DrawFn) -> dict[str, Any]:
    campaign_id = draw(st.sampled_from(sorted(ZONES)))
    started = draw(st.sampled_from(NIGHTS)) + timedelta(
        minutes=draw(st.integers(0, 300)), milliseconds=draw(st.sampled_from([0, 1, 59_999]))
    )
    result = draw(st.sampled_from(RESULTS))
    answered = result == "answered"
    talk_ms = draw(
        st.none()
        | st.sampled_from([0, 5999, 6000, 29_999, 30_000, 3_600_000, 3_600_001])
        | st.integers(0, 90_000)
    )
    offset = started.astimezone(ZoneInfo(ZONES[campaign_id])).utcoffset()
    assert offset is not None
    talk_ms = talk_ms if answered else None
    digit = draw(st.integers(0, 5))
    answered_by = draw(st.sampled_from([None, "human", "machine", "fax", "unsure"])) if answered else None
    answered_time = started + timedelta(seconds=4) if answered else None
    is_drawn = answered_by in {"machine", "fax"} and draw(st.booleans())
    judgement = (
        draw(st.sampled_from([None, "human", "machine", "machine", "cannot_tell"])) if is_drawn else None
    )
    expected = draw(st.sampled_from([None, 0, 50, 333])) if result is not None else None
    return {
        "campaign_id": campaign_id,
        "started_time": started,
        "utc_offset_minutes": int(offset.total_seconds() // 60),
        # within a campaign a number is a contact, and the other way round
        "contact_id": 1 + digit,
        "number": f"+7900000000{digit}",
        "attempt_number": draw(st.integers(1, 3)),
        "trunk_id": draw(st.integers(1, 2)),
        "caller_id": draw(st.sampled_from(["anonymous", "+74950000000"])),
        "import_id": draw(st.none() | st.integers(1, 2)),
        "source": draw(st.sampled_from([None, "", "Яндекс", "yandex"])),
        "ad": draw(st.sampled_from([None, "A1"])),
        "keyword": draw(st.sampled_from([None, "окна"])),
        "region": draw(st.sampled_from([None, "77", "78"])),
        "settled_time": None if result is None else started + timedelta(minutes=5),
        "result": result,
        "reason": None if result is None else draw(st.sampled_from(["normal", "sip_486"])),
        "fault": None if result is None else draw(st.sampled_from(["none", "callee", "trunk"])),
        "ended_by": None if result is None else draw(st.sampled_from(["us", "callee", "network"])),
        "sip_status": None if result is None else draw(st.sampled_from([None, 200, 486, 503])),
        "q850_cause": None if result is None else draw(st.sampled_from([None, 16, 17])),
        "answered_by": answered_by,
        "answered_time": answered_time,
        # null of an attempt from before it was kept
        "verdict_time": answered_time + timedelta(milliseconds=draw(st.integers(0, 5000)))
        if answered_time is not None and draw(st.booleans())
        else None,
        "audit_share": draw(st.sampled_from([1.0, 0.5, 0.05, 0.2])) if is_drawn else None,
        "audit_judgement": judgement,
        "audit_unheard": draw(st.sampled_from([None, "expired", "none"]))
        if is_drawn and judgement is None
        else None,
        "media_packets_expected": expected,
        "media_packets_lost": None if expected is None else draw(st.integers(-1, 7)),
        # eighths, which a float4 holds exactly
        "media_jitter_ms": draw(st.none() | st.integers(0, 9_000).map(lambda eighths: eighths / 8)) if expected else None,
        "media_is_one_way": draw(st.sampled_from([None, False, True])) if answered else None,
        "media_mos_hundredths": draw(st.sampled_from([None, 100, 359, 360, 441])) if expected else None,
        "pdd_ms": draw(st.none() | st.integers(0, 4000)) if result is not None else None,
        "talk_ms": talk_ms,
        "is_target": None if result is None else talk_ms is not None and 30_000 <= talk_ms <= 3_600_000,
        "cost_micros": draw(st.sampled_from([None, 0, 1_250_000, 333_333])) if result is not None else None,
        "disposition": draw(st.sampled_from(DISPOSITIONS)) if answered else None,
        "disposition_time": None,
    }  # fmt: skip


LEADS = st.fixed_dictionaries(
    {
        "campaign_id": st.sampled_from(sorted(ZONES)),
        "status": st.sampled_from(["pending", "dialing", "finished", "blocked"]),
        "attempts_made": st.integers(0, 3),
        "due_time": st.none() | st.sampled_from([NOW - timedelta(hours=1), NOW, NOW + timedelta(seconds=1)]),
    }
)
CHANGES = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(DISPOSITIONS)), max_size=4)
"""Dispositions that people set later: of which attempt, to what."""
FOLDS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=3)
"""Runs of the roller: (slices, slice); what they leave is still in the outbox when the report is read."""


async def prepare(pool: Pool) -> None:
    """Make the campaigns, trunks and lists that the histories name; campaign 2 counts machines as successes."""
    for campaign_id, zone in ZONES.items():
        assert await add_campaign(pool, f"campaign {campaign_id}", zone) == campaign_id
    await pool.execute("UPDATE campaigns SET machine_counts_as_success = campaign_id = 2")


async def write(
    pool: Pool,
    rows: list[dict[str, Any]],
    leads: list[dict[str, Any]],
    changes: list[tuple[int, Any]],
    folds: list[tuple[int, int]],
) -> None:
    """Make the history that of the database; `rows` get the dispositions of the changes."""
    await pool.execute("TRUNCATE attempts, outbox, stats, leads")
    for number, row in enumerate(rows, 1):
        columns = {
            **row,
            "shard_key": row["campaign_id"] * 256,
            "attempt_id": number,
            "call_id": f"{number}@test",
            "run_id": 1,
            "gate": {},
            "change_number": int(row["settled_time"] is not None),
        }
        places = ", ".join(f"${index}" for index in range(1, len(columns) + 1))
        await pool.execute(
            f"INSERT INTO attempts ({', '.join(columns)}) VALUES ({places})", *columns.values()
        )
    for number, lead in enumerate(leads, 1):
        await pool.execute(
            "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made, due_time)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            lead["campaign_id"] * 256, number, lead["campaign_id"], f"+7900{number:07d}", lead["status"],
            lead["attempts_made"], lead["due_time"],
        )  # fmt: skip
    await pool.execute("INSERT INTO outbox SELECT * FROM attempt_facts WHERE is_settled")
    waiting = list(folds)
    for index, disposition in changes:
        if waiting:
            await pool.execute(FOLD_OUTBOX, *waiting.pop())
        if index < len(rows) and rows[index]["settled_time"] is not None:
            rows[index]["disposition"] = disposition
            await change(pool, index + 1, disposition)
    for fold in waiting:
        await pool.execute(FOLD_OUTBOX, *fold)


async def change(pool: Pool, attempt_id: int, disposition: str | None) -> None:
    """Set a disposition as a person does later: -1 of what was, +1 of what is."""
    await pool.execute(
        """
        WITH was AS (SELECT * FROM attempt_facts WHERE attempt_id = $1),
        changed AS (
            UPDATE attempts SET disposition = $2, change_number = change_number + 1 WHERE attempt_id = $1
        )
        INSERT INTO outbox
        SELECT (jsonb_populate_record(was::outbox, jsonb_build_object('sign', -1, 'change_number', change_number + 1))).*
        FROM was
        """,
        attempt_id,
        disposition,
    )
    await pool.execute("INSERT INTO outbox SELECT * FROM attempt_facts WHERE attempt_id = $1", attempt_id)
