"""`obzvon trace` on a real database."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.trace import trace
from campaigns.database import open_pool
from tests.postgres.analytics.facts import add_campaign
from tests.postgres.traces import CALL_RANDOM, NUMBER, add_traced_attempt


@pytest.fixture
def attempt_ids(database: str) -> tuple[int, int]:
    """One attempt with a trace, one without."""

    async def add() -> tuple[int, int]:
        pool = await open_pool(database)
        campaign_id = await add_campaign(pool)
        kept = await add_traced_attempt(pool, campaign_id)
        other = await add_traced_attempt(pool, campaign_id, "2026-11-24T11:00:00+03:00", has_trace=False)
        await pool.close()
        return kept, other

    return asyncio.run(add())


def run(database: str, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(trace, arguments, env={"DATABASE_URL": database})
    return result.exit_code, result.stdout, result.stderr


def test_the_ladder_is_masked_unless_numbers_are_asked_for(
    database: str, attempt_ids: tuple[int, int]
) -> None:
    status, masked, _ = run(database, f"{attempt_ids[0]}-{CALL_RANDOM}")
    _, whole, _ = run(database, str(attempt_ids[0]), "--show-numbers", "--full")

    assert status == 0
    assert [line.split()[1] for line in masked.splitlines()[2:]] == ["──▶", "◀──", "──▶"]
    assert "SIP/2.0 503 No Line" in masked
    assert NUMBER not in masked
    assert NUMBER in whole
    assert "Call-ID: " in whole
    assert "secret" not in whole


def test_a_capture_and_json_are_written(database: str, attempt_ids: tuple[int, int], tmp_path: Path) -> None:
    file = tmp_path / "call.pcap"
    status, printed, _ = run(database, str(attempt_ids[0]), "--pcap", str(file), "--json")

    assert status == 0
    assert file.read_bytes()[:4] == bytes.fromhex("d4c3b2a1")
    assert NUMBER.encode() not in file.read_bytes()
    assert len(json.loads(printed)["messages"]) == 3


def test_what_cannot_be_shown_is_said(database: str, attempt_ids: tuple[int, int], tmp_path: Path) -> None:
    status, _, said = run(database, str(attempt_ids[1]))
    assert (status, str(attempt_ids[1]) in said) == (1, True)
    assert run(database, "4242")[0] == 1
    assert "4242" in run(database, "4242")[2]
    assert run(database, str(attempt_ids[0]), "--pcap", str(tmp_path / "no" / "such"))[0] == 2
    assert run("", "1")[0] == 2
