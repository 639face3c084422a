"""
Examining an installation before a campaign does: database, clock, trunks, ports, disk. Nothing is changed.

Rule: whatever is wrong becomes a finding; one broken part hides none of the others.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from campaigns.database import Connection, Pool, open_pool
from campaigns.findings import Finding, found
from campaigns.machine_check import check_disk, check_ports, check_tls_listener
from campaigns.migrate import MIGRATIONS_DIR
from campaigns.recording_check import check_recording_keys, check_recording_room
from campaigns.recording_settings import RecordingSettings
from campaigns.statements import load_statements
from campaigns.store import CampaignStore
from campaigns.trunk_check import check_trunks
from campaigns.trunk_models import Trunk
from dialer.config import DialerConfig

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
CONNECT_SECONDS: Final = 5.0
MIN_POSTGRES: Final = 15
MAX_NAMED: Final = 5
MAX_MINOR_AGE: Final = timedelta(days=270)
"""Minor releases come every three months and mend data loss and holes; this is two missed ones."""
RECENT_RECORDINGS: Final = timedelta(days=1)
MAX_CLOCK_DIFFERENCE_SECONDS: Final = 1.0
"""Leases, due times and calling windows bear this much; a dead node is one that has been silent for ten seconds."""


async def examine(
    database_url: str | None,
    dialer: DialerConfig,
    directories: list[Path],
    recordings: RecordingSettings | None,
    *,
    rng: Callable[[int], bytes],
    wall_clock: Callable[[], datetime],
) -> list[Finding]:
    """
    Look at everything. `database_url` None: there is no database yet, and the caller has said so.

    `directories` are those that must have room: of the spool, of an embedded server's data. `recordings` None: its
    settings are wrong, and the caller has said so.
    """
    findings: list[Finding] = []
    trunks: list[Trunk] | None = None
    live_nodes = 0
    if database_url is not None:
        try:
            pool = await open_pool(
                database_url,
                application_name="obzvon doctor",
                max_size=1,
                connect_timeout_seconds=CONNECT_SECONDS,
            )
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            findings.append(database_trouble(error))
        else:
            try:
                trunks, live_nodes = await check_database(pool, findings, recordings, wall_clock)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                findings.append(database_trouble(error))
            finally:
                pool.terminate()
    if trunks is not None:
        findings += await check_trunks(trunks, dialer, rng=rng)
    findings += await asyncio.to_thread(check_ports, dialer, live_nodes=live_nodes)
    if dialer.tls_listener is not None:
        findings.append(await asyncio.to_thread(check_tls_listener, dialer.tls_listener, wall_clock()))
    findings += await asyncio.to_thread(check_disk, directories)
    if recordings is not None:
        findings += await asyncio.to_thread(check_recording_room, recordings)
    return unique(findings)


async def check_database(
    pool: Pool,
    findings: list[Finding],
    recordings: RecordingSettings | None,
    wall_clock: Callable[[], datetime],
) -> tuple[list[Trunk] | None, int]:
    """Add what is found; return the trunks, or None where the schema has no place for them, and how many nodes live."""
    async with pool.acquire() as connection:
        asked_time = wall_clock()
        row = await connection.fetchrow(STATEMENTS["server_facts"])
        answered_time = wall_clock()
        assert row is not None, "one row, always"
        findings += check_version(row["version_number"], row["version"], answered_time.date())
        findings.append(check_clock(asked_time, row["server_time"], answered_time))
        schema = await check_schema(connection)
        findings.append(schema)
        if schema.code == "schema_missing":
            return None, 0
        silent_since = answered_time - timedelta(seconds=10)
        live_nodes: int = await connection.fetchval(STATEMENTS["count_live_nodes"], silent_since)
        if schema.code != "schema_right":
            return None, live_nodes  # other columns, or columns that mean other things
        findings += trunk_words(await connection.fetch(STATEMENTS["trunk_words"], silent_since))
        alone = [row["name"] for row in await connection.fetch(STATEMENTS["campaigns_by_one_trunk"])]
        if alone:
            findings.append(found("campaign_single_trunk", campaigns=alone[:MAX_NAMED]))
        if recordings is not None:
            names = [row["name"] for row in await connection.fetch(STATEMENTS["recording_campaigns"])]
            key_ids = [row["key_id"] for row in await connection.fetch(STATEMENTS["recording_key_ids"])]
            findings += check_recording_keys(recordings, names, key_ids)
        damaged = await connection.fetchrow(
            STATEMENTS["damaged_recordings"], answered_time - RECENT_RECORDINGS
        )
        if damaged is not None and damaged["count"]:
            seconds = damaged["gap_ms"] // 1000
            causes = damaged["causes"]
            findings.append(
                found("recordings_damaged", count=damaged["count"], seconds=seconds, causes=causes)
            )
    return await CampaignStore(pool).list_trunks(), live_nodes


def trunk_words(rows: Sequence[Any]) -> list[Finding]:
    """Turn what the living nodes say of the trunks into findings; what OPTIONS shows is `trunk_check`'s."""
    findings = []
    for row in rows:
        if row["registers"] and row["is_registered"] is None:
            findings.append(found("trunk_registration_unknown", trunk=row["name"]))
        elif row["registers"] and not row["is_registered"]:
            problem = row["registration_problem"] or "under_way"
            findings.append(found("trunk_not_registered", trunk=row["name"], problem=problem))
        elif row["registers"]:
            findings.append(found("trunk_registered", trunk=row["name"]))
        if row["state"] == "open":
            findings.append(found("trunk_left_alone", trunk=row["name"], reason=row["reason"]))
    return findings


def database_trouble(error: Exception) -> Finding:
    """Name why the database cannot be used. The address is left out: a password may be in it."""
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return found("database_missing")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return found("database_refuses", error=type(error).__name__)
    return found("database_unreachable", error=type(error).__name__)


def check_version(number: int, version: str, today: date) -> list[Finding]:
    """`number` is PostgreSQL's server_version_num, e.g. 180006 for 18.6."""
    major, minor = divmod(number, 10_000)
    if major < MIN_POSTGRES:
        return [found("database_too_old", version=version, wanted=MIN_POSTGRES)]
    findings = [found("database_answers", version=version)]
    if today - minor_release_date(major, minor) > MAX_MINOR_AGE:
        findings.append(found("database_minor_old", version=version, major=major))
    return findings


def minor_release_date(major: int, minor: int) -> date:
    """
    Estimate when a minor release came out: majors come each autumn, minors in November, February, May and August.

    Releases out of turn make the estimate too young rather than too old.
    """
    months = (2007 + major) * 12 + 10 + 3 * (minor - 1)
    return date(months // 12, months % 12 + 1, 15)


def check_clock(asked_time: datetime, server_time: datetime, answered_time: datetime) -> Finding:
    """Compare with the middle of the question and its answer, whose length cannot be held against the clocks."""
    round_trip = (answered_time - asked_time).total_seconds()
    difference = (server_time - asked_time).total_seconds() - round_trip / 2
    is_right = abs(difference) - round_trip / 2 <= MAX_CLOCK_DIFFERENCE_SECONDS
    return found("clock_right" if is_right else "clock_differs", seconds=round(difference, 3))


async def check_schema(connection: Connection) -> Finding:
    ours = {path.name.partition("_")[0] for path in MIGRATIONS_DIR.glob("*.sql")}
    try:
        theirs = {row["version"] for row in await connection.fetch(STATEMENTS["applied_migrations"])}
    except asyncpg.UndefinedTableError:
        return found("schema_missing")
    if theirs - ours:
        return found("schema_ahead", versions=sorted(theirs - ours))
    if ours - theirs:
        return found("schema_behind", versions=sorted(ours - theirs))
    return found("schema_right", version=max(ours))


def unique(findings: list[Finding]) -> list[Finding]:
    """Drop what was found twice: an unusable address by every trunk."""
    return [finding for index, finding in enumerate(findings) if finding not in findings[:index]]
