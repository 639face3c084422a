"""`campaigns.doctor` on real databases in every state that one can be in."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from campaigns.database import Pool
from campaigns.doctor import STATEMENTS, examine
from campaigns.findings import Finding
from campaigns.recording_settings import RecordingSettings
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk
from dialer.config import DialerConfig, Registration
from dialer.recording.keyring import Keyring
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from tests.conftest import with_database
from tests.postgres.campaign_rows import add_campaign, add_run, use_trunk

DIALER = DialerConfig(bind_host="127.0.0.1", rtp_port_min=20_120, rtp_port_max=20_139)


async def examined(
    dsn: str,
    tmp_path: Path,
    *,
    ahead: timedelta = timedelta(0),
    dialer: DialerConfig = DIALER,
    recordings: RecordingSettings | None = None,
) -> dict[str, Finding]:
    findings = await examine(
        dsn, dialer, [tmp_path], recordings, rng=bytes, wall_clock=lambda: datetime.now(UTC) + ahead
    )
    return {finding.code: finding for finding in findings}


async def test_a_healthy_installation_has_no_problem(database: str, pool: Pool, tmp_path: Path) -> None:
    async with SimulatedCarrier(CarrierConfig(host="127.0.0.1"), lambda _row: None) as carrier:
        trunk = NewTrunk(name="carrier", host=carrier.address[0], port=carrier.address[1])
        await CampaignStore(pool).create_trunk(trunk, datetime.now(UTC))

        found = await examined(database, tmp_path)

    assert {"database_answers", "schema_right", "clock_right", "trunk_answers", "rtp_ports_free"} <= set(
        found
    )
    assert [finding.code for finding in found.values() if finding.level == "problem"] == []
    assert found["trunk_answers"].facts["trunk"] == "carrier"


async def test_a_clock_that_is_off_is_measured(database: str, tmp_path: Path) -> None:
    found = await examined(database, tmp_path, ahead=timedelta(minutes=-1))
    assert found["clock_differs"].facts["seconds"] == pytest.approx(60, abs=5)


async def test_an_empty_database_has_no_schema_and_the_rest_is_looked_at(
    postgres_dsn: str, tmp_path: Path
) -> None:
    found = await examined(with_database(postgres_dsn, "postgres"), tmp_path)
    assert {"database_answers", "schema_missing", "clock_right", "sip_port_free"} <= set(found)
    assert "no_trunks" not in found


async def test_a_database_that_is_not_there_is_missing(postgres_dsn: str, tmp_path: Path) -> None:
    assert "database_missing" in await examined(with_database(postgres_dsn, "no_such_database"), tmp_path)


@pytest.mark.parametrize(
    ("change", "code", "version"),
    [
        ("INSERT INTO schema_migrations VALUES ('29990101000000')", "schema_ahead", "29990101000000"),
        ("DELETE FROM schema_migrations", "schema_behind", "20261124000001"),
    ],
)
async def test_another_version_of_the_schema_is_named(
    database: str, tmp_path: Path, change: str, code: str, version: str
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(change)
    await connection.close()
    versions = (await examined(database, tmp_path))[code].facts["versions"]
    assert isinstance(versions, list)
    assert version in versions


async def test_what_the_living_nodes_say_of_registrations_and_circuits_is_said(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    store, now = CampaignStore(pool), datetime.now(UTC)
    ids = {}
    for name in ("good", "bad", "unwatched", "open"):
        registration = None if name == "open" else Registration()
        trunk = NewTrunk(name=name, host="127.0.0.1", port=9, registration=registration)
        ids[name] = (await store.create_trunk(trunk, now)).trunk_id
    campaign_id = await add_campaign(pool)
    await use_trunk(pool, campaign_id, ids["good"], priority=1)
    await pool.execute("UPDATE campaigns SET name = 'two trunks'")
    await add_campaign(pool, name="one trunk")
    await add_run(pool, 7, heartbeat_time=now)
    for name, state, is_registered in (
        ("good", "closed", True),
        ("bad", "closed", False),
        ("open", "open", None),
    ):
        await pool.execute(
            "INSERT INTO trunk_health (trunk_id, run_id, state, reason, is_registered, registration_problem, "
            "channels_in_use, updated_time) VALUES ($1, 7, $2, 'sip_503', $3, 'password_wrong', 0, $4)",
            ids[name],
            state,
            is_registered,
            now,
        )

    found = await examined(database, tmp_path)

    assert found["trunk_registered"].facts == {"trunk": "good"}
    assert found["trunk_not_registered"].facts == {"trunk": "bad", "problem": "password_wrong"}
    assert found["trunk_registration_unknown"].facts == {"trunk": "unwatched"}
    assert found["trunk_left_alone"].facts == {"trunk": "open", "reason": "sip_503"}
    assert found["campaign_single_trunk"].facts == {"campaigns": ["one trunk"]}


async def test_a_campaign_that_records_without_a_key_and_recordings_whose_key_is_lost_are_problems(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    campaign_id = await add_campaign(pool, recording="all", name="sales")
    await pool.execute(
        "INSERT INTO recordings (shard_key, recording_id, attempt_id, campaign_id, contact_id, node_name, started_time, "
        "state, path, key_id) VALUES ($1, 1, 1, $2, 1, 'n', now(), 'ready', 'x', 'old')",
        campaign_id * 256,
        campaign_id,
    )
    found = await examined(database, tmp_path, recordings=RecordingSettings(directory=tmp_path / "r"))
    assert found["recording_key_missing"].facts == {"campaigns": ["sales"]}
    assert found["recording_key_lost"].facts == {"keys": ["old"]}
    with_keys = RecordingSettings(directory=tmp_path / "r", keyring=Keyring("new", {"new": b"", "old": b""}))
    codes = set(await examined(database, tmp_path, recordings=with_keys))
    assert {"recording_key_there", "recordings_roomy"} <= codes
    assert codes.isdisjoint({"recording_key_missing", "recording_key_lost", "recordings_damaged"})
    await pool.execute("UPDATE recordings SET gap_ms = 4200, cause = 'disk_full'")
    damaged = (await examined(database, tmp_path, recordings=with_keys))["recordings_damaged"]
    assert damaged.facts == {"count": 1, "seconds": 4, "causes": ["disk_full"]}


async def test_the_keys_and_the_damage_are_found_without_reading_every_recording(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    campaign_id = await add_campaign(pool, recording="all")
    await pool.execute(
        "INSERT INTO recordings (shard_key, recording_id, attempt_id, campaign_id, contact_id, node_name, started_time, state,"
        " path, key_id, cause) SELECT $1, n, n, $2, n, 'n', now(), 'ready', 'x',"
        " CASE WHEN n % 2 = 0 THEN 'k1' WHEN n = 77 THEN 'k0' ELSE 'k2' END, CASE WHEN n = 78 THEN 'disk_full' END"
        " FROM generate_series(1, 5000) AS n",
        campaign_id * 256,
        campaign_id,
    )
    await pool.execute("VACUUM ANALYZE recordings")
    statements = {"recording_key_ids": [], "damaged_recordings": [datetime.now(UTC) - timedelta(hours=1)]}
    for name, arguments in statements.items():
        plan = await pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {STATEMENTS[name]}", *arguments)
        assert 0 < sum(rows_read(json.loads(plan)[0]["Plan"])) < 50, name
    with_keys = RecordingSettings(
        directory=tmp_path / "r", keyring=Keyring("k2", dict.fromkeys(("k2", "k1"), b""))
    )
    found = await examined(database, tmp_path, recordings=with_keys)
    assert found["recording_key_there"].facts == {"key": "k2", "needed": ["k0", "k1", "k2"]}
    assert found["recording_key_lost"].facts == {"keys": ["k0"]}
    assert found["recordings_damaged"].facts["count"] == 1


def rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """Give what each scan of the recordings read, thrown-away rows included."""
    if plan.get("Relation Name") == "recordings":
        read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield read * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from rows_read(part)
