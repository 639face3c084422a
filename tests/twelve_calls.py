"""Reads docs/twelve_calls.md: the calls to put into a database, and what every metric must make of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from campaigns.database import Pool
from dialer.outcome import STATUS_OUTCOMES
from tests.postgres.analytics.facts import add_attempt, add_campaign

PAGE = Path(__file__).parents[1] / "docs" / "twelve_calls.md"
NOW = datetime.fromisoformat("2026-11-24T15:00:00+03:00")
LEADS = [
    *[("finished", 1, None)] * 6,
    ("dialing", 1, None),
    ("blocked", 1, None),
    ("pending", 1, NOW - timedelta(hours=1)),
    ("pending", 1, NOW),
    ("pending", 0, NOW - timedelta(days=1)),
    ("pending", 0, NOW + timedelta(hours=1)),
]
"""Status, attempts made, due time; as the page says."""


def table(first_column: str) -> Iterator[dict[str, str]]:
    """Give the rows of the page's table that begins with this column."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    header = next(cells(line) for line in lines if line.startswith(f"| {first_column} |"))
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield dict(zip(header, cells(line), strict=True))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def expected() -> dict[str, Fraction]:
    """Return the value of every metric."""
    return {row["metric"].strip("`"): Fraction(row["value"]) for row in table("metric")}


def how_heard(row: dict[str, str] | None, started: str) -> dict[str, Any]:
    """Return the columns of an attempt that say how it was heard; it was answered when it began."""
    if row is None:
        return {}
    answered = datetime.fromisoformat(started)
    return {
        "answered_time": answered,
        "verdict_time": answered + timedelta(milliseconds=int(row["verdict"])) if row["verdict"] else None,
        "audit_share": float(row["drawn"]) if row["drawn"] else None,
        "audit_judgement": row["judged"] or None,
        "media_packets_expected": int(row["packets"]),
        "media_packets_lost": int(row["lost"]),
        "media_jitter_ms": float(row["jitter"]) if row["jitter"] else None,
        "media_is_one_way": row["one way"] == "yes",
        "media_mos_hundredths": int(Fraction(row["MOS"]) * 100) if row["MOS"] else None,
    }


async def add_twelve_calls(pool: Pool) -> int:
    """Put the campaign, its base and its calls into a database; return the campaign's id."""
    campaign_id = await add_campaign(pool, "Twelve calls", "Europe/Moscow")
    trunk_id = await pool.fetchval("SELECT max(trunk_id) FROM trunks")
    heard = {row["call"]: row for row in table("call")}
    for row in table("#"):
        talk_ms = int(Fraction(row["talk"]) * 1000) if row["talk"] else None
        is_settled = row["result"] != ""
        await add_attempt(
            pool,
            campaign_id,
            f"{row['started'].replace(' ', 'T')}:00+03:00",
            f"+7900000000{'ABCDEFGHIJ'.index(row['number'])}",
            row["result"] or None,
            talk_ms=talk_ms,
            pdd_ms=int(row["PDD"]) if row["PDD"] else None,
            disposition=row["disposition"] or None,
            contact_id=1 + "ABCDEFGHIJ".index(row["number"]),
            utc_offset_minutes=180,
            trunk_id=trunk_id,
            source=row["source"] or None,
            sip_status=int(row["SIP"]) if row["SIP"] else None,
            answered_by=row["answered by"] or None,
            fault=STATUS_OUTCOMES[int(row["SIP"])][1]
            if row["SIP"] not in {"", "200"}
            else "none"
            if is_settled
            else None,
            is_target=(talk_ms is not None and 30_000 <= talk_ms <= 3_600_000) if is_settled else None,
            cost_micros=int(Fraction(row["cost"]) * 1_000_000) if row["cost"] else None,
            **how_heard(heard.get(row["#"]), f"{row['started'].replace(' ', 'T')}:00+03:00"),
        )
    for contact_id, (status, attempts_made, due_time) in enumerate(LEADS, 1):
        await pool.execute(
            "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made, due_time)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            campaign_id * 256,
            contact_id,
            campaign_id,
            f"+7900000{contact_id:04d}",
            status,
            attempts_made,
            due_time,
        )
    return campaign_id
