"""
What lets the same schema and statements run on many servers (docs/adr/0006): each statement of the dialing path names one
shard, and shards on different servers never meet.
"""

import itertools
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from campaigns.database import prepare_connection
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
from campaigns.migrate import migrate
from campaigns.statements import read_statements
from tests.conftest import run_apart, with_database
from tests.postgres.slow_recount import recount, told
from tests.postgres.test_rollup_histories import MOMENTS, History, make_campaigns
from tests.postgres.test_schema import GROWING

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"
TABLES = [*(name for name in GROWING if name != "shards"), "stats_now", "attempt_facts", "numbers_of_days"]
"""`shards` itself says which node owns what: a small table, asked by owner."""
READS = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:{'|'.join(TABLES)})\b")
PINS = re.compile(
    r"shard_key = \$\d|shard_key\W[^$]*\$1(?:::integer)? \* 256|SELECT \$1(?:::integer)?,|VALUES \(\$1\b|BETWEEN \$1"
    r"|numbers_of_days\(\$1"
)

OVER_SHARDS = {
    # once in a node's life, or when another one died
    "recovery.finish_lost_leads",
    "recovery.settle_lost_attempts",
    "recording_rows.left_writing",
    # when nothing of a campaign is due; its shards are named by a join
    "node.finish_campaign",
    # an administrator's question
    "doctor.recording_key_ids",
    "doctor.damaged_recordings",
    # people's single requests, shard by shard of a join
    "late_changes.find_attempt",
    "late_changes.lock_leads",
    "late_changes.erase_rejections",
    "call_trace.find_trace",
    "call_trace.trace_written",
    "call_trace.prune_traces",
    # people's single requests, and the keeper of recordings, beside the dialing path
    "recordings.list_recordings",
    "recordings.get_recording",
    "recording_keeper.take_due",
    "recording_keeper.take_uncopied",
    "recording_keeper.hurry_copies",
    "recording_keeper.count_due",
    "recordings.count_keys",
    # the listening queue: one person's next call, of any shard
    "verdict_audits.claim_audit",
    "verdict_audits.count_audits",
    "verdict_audits.count_unheard",
    "verdict_audits.find_unheard",
    "verdict_audits.held_audit",
    "verdict_audits.lock_audit",
    "verdict_audits.release_others",
    # the tasks of the rollups, beside the dialing path
    "callback_seals.seal_callbacks",
    "attribution_seals.days_to_seal",
    "attribution_seals.months_to_seal",
    "number_seals.days_to_seal",
    "number_seals.months_to_seal",
    "number_seals.learn_numbers",
    "rollups.count_outbox",
    "rollups.next_check",
    "rollups.next_unchecked",
    "rollups.rollup_state",
    "rollups.list_wrong_checks",
}
"""Statements over growing tables that do not name one shard, and why they need not."""


def test_every_statement_over_a_growing_table_names_one_shard_or_is_known_not_to() -> None:
    loose = {
        f"{path.stem}.{name}"
        for path in CAMPAIGNS.glob("*.sql")
        for name, statement in read_statements(path).items()
        if READS.search(re.sub(r"--.*", "", statement.text)) and not PINS.search(statement.text)
    }
    assert loose == OVER_SHARDS


@pytest.mark.parametrize(
    "name",
    [
        "claim.claim_leads",
        "claim.begin_attempts",
        "settle_buffer.settle_attempts",
        "late_changes.set_disposition",
    ],
)
def test_the_hot_statements_take_the_shard_first(name: str) -> None:
    file, _, statement_name = name.partition(".")
    statement = read_statements(CAMPAIGNS / f"{file}.sql")[statement_name]
    assert statement.parameters[0] == "shard_key"
    assert name not in OVER_SHARDS


def test_the_run_on_citus_distributes_every_growing_table() -> None:
    """`shards` says which node owns what; each server has it whole."""
    text = (CAMPAIGNS.parent / "docs" / "rollups.md").read_text(encoding="utf-8")
    listed = re.search(r"Distributed by `shard_key` and colocated: ([^;]+);", text)
    assert listed is not None
    assert set(re.split(r",\s+", listed[1])) == set(GROWING) - {"shards"}


@pytest.fixture(scope="module")
def three_servers() -> Iterator[list[str]]:
    """Three PostgreSQL servers with the schema and the same reference rows."""
    with ExitStack() as stack:
        dsns = []
        for _ in range(3):
            data_dir = Path(tempfile.mkdtemp(prefix="obzvon-tests-"))
            server = stack.enter_context(start_postgres(data_dir, UNSAFE_TEST_SETTINGS))
            dsn = with_database(server.dsn, "node")
            run_apart(migrate(dsn, datetime.now(UTC)))
            dsns.append(dsn)
        yield dsns


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_shards_on_three_servers_add_up_to_what_one_would_say(three_servers: list[str]) -> None:
    """
    Each campaign's shards live on one of three servers; begin, settle and fold run there unchanged. What the servers say of
    their shards, side by side, and of all campaigns, added, is the recount of all facts.
    """

    async def dial() -> None:
        told_by_shard: dict[tuple[object, ...], Counter[str]] = {}
        recounted: dict[tuple[object, ...], Counter[str]] = {}
        for place, dsn in enumerate(three_servers):
            zones = await make_campaigns(dsn)
            connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
            await prepare_connection(connection)
            life = History(connection, zones)
            await life.clear()
            for campaign, moment, contact in itertools.product(
                range(place, len(zones), 3), MOMENTS[:3], range(3)
            ):
                await life.begin(campaign, moment, contact * 20, contact)
            for pick in range(0, len(life.attempts), 2):
                facts = {
                    "result": "answered",
                    "fault": "none",
                    "talk_ms": 1000 * pick,
                    "disposition": "order",
                }
                await life.settle(pick, facts)
            await life.fold()
            for figures, found in (
                (await told(connection), told_by_shard),
                (await recount(connection, zones), recounted),
            ):
                for key, counters in figures.items():
                    assert key[0] == 0 or key not in found, "a shard lives on one server"
                    found.setdefault(key, Counter()).update(counters)
            await connection.close()
        assert told_by_shard == recounted
        assert {key[0] for key in told_by_shard} == {0, *(campaign * 256 for campaign in range(1, 7))}

    run_apart(dial())
