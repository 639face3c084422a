"""The connections of reports: few, apart, and last in line."""

import asyncio
import os
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from analytics.build import build_query
from analytics.database import Connection, statement
from analytics.errors import QueryTimedOut
from analytics.query import Query, QueryRequest
from analytics.run import reading, run_query
from api.readers import FACTS_CONNECTIONS, Readers, reading_connections
from campaigns.database import Pool
from campaigns.niceness import NICENESS, session_niceness
from tests.layers import not_available

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def query(*metrics: str, dimension: str | None = None) -> Query:
    request = QueryRequest(metrics=list(metrics), dimensions=[dimension] if dimension else [])
    return build_query(request, NOW)


async def niceness_of(pool: Pool) -> tuple[int, int | None]:
    """Of the server's process, and of its session."""
    pid = await pool.fetchval("SELECT pg_backend_pid()")
    return os.getpriority(os.PRIO_PROCESS, pid), session_niceness(pid)


async def test_only_the_servers_processes_behind_reports_step_back(
    database: str, pool: Pool, request: pytest.FixtureRequest
) -> None:
    if not parse_qs(urlsplit(database).query).get("host"):
        not_available(request.config, "postgres", "the server of DATABASE_URL is not on a unix socket")
    async with reading_connections(database) as readers:
        before, session_before = await niceness_of(pool)
        last = (max(before, NICENESS), None if session_before is None else NICENESS)
        assert await niceness_of(readers.sums) == last
        assert await niceness_of(readers.facts) == last
        assert await niceness_of(pool) == (before, session_before)


async def test_a_report_takes_one_core(database: str) -> None:
    async with reading_connections(database) as readers:
        for pool in (readers.sums, readers.facts):
            assert await pool.fetchval("SHOW max_parallel_workers_per_gather") == "0"


async def sleep_in_a_report(readers: Readers, timeout_seconds: float) -> None:
    async with reading(readers.facts, timeout_seconds) as connection:
        await connection.execute("SELECT pg_sleep(10)")


async def test_a_report_that_is_given_up_leaves_its_connection_as_it_was(database: str) -> None:
    async with reading_connections(database) as readers:
        before = await readers.facts.fetchval("SHOW statement_timeout")
        with pytest.raises(QueryTimedOut):  # the server gives up
            await sleep_in_a_report(readers, 0.05)
        with pytest.raises(TimeoutError):  # whoever asked does
            await asyncio.wait_for(sleep_in_a_report(readers, 10.0), 0.05)
        async with readers.facts.acquire() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SHOW statement_timeout") == before


async def test_what_the_sums_answer_does_not_wait_for_what_reads_facts(database: str) -> None:
    async with reading_connections(database) as readers:
        taken = [await readers.facts.acquire() for _ in range(FACTS_CONNECTIONS)]
        quick = query("attempts", "distinct_numbers")
        answer = await asyncio.wait_for(run_query(readers.of(quick), quick), 30)
        assert answer.totals["attempts"].value == 0
        slow = query("known_number_attempts")
        with pytest.raises(QueryTimedOut):
            await run_query(readers.of(slow), slow, timeout_seconds=0.05)
        for connection in taken:
            await readers.facts.release(connection)
        assert (await run_query(readers.of(slow), slow)).totals["known_number_attempts"].value == 0


@pytest.mark.parametrize(
    ("asked", "is_slow"),
    [
        (query("attempts", "asr", "talk_seconds_median"), False),
        (query("distinct_numbers"), False),
        (query("attempts", dimension="trunk"), False),
        (query("attempts", "distinct_numbers", dimension="day"), False),
        (query("attempts", "distinct_numbers", dimension="campaign"), False),
        (query("attempts", "distinct_numbers", dimension="source"), False),
        (query("attempts", "distinct_numbers", dimension="trunk"), True),
        (query("attempts", dimension="reason"), True),
        (query("callbacks_missed", dimension="day"), False),
        (query("callbacks_missed", dimension="trunk"), True),
        (query("known_number_attempts"), True),
        (query("leads"), True),
    ],
)
def test_a_query_goes_to_the_connections_of_its_kind(asked: Query, *, is_slow: bool) -> None:
    sums, facts = object(), object()
    readers = Readers(sums, facts)  # type: ignore[arg-type]  # told apart, not used
    assert readers.of(asked) is (facts if is_slow else sums)


async def test_waiting_for_a_connection_is_bounded_as_reading_is(database: str) -> None:
    async with reading_connections(database) as readers, readers.facts.acquire():
        with pytest.raises(QueryTimedOut):
            async with reading(readers.facts, 0.05):
                pytest.fail("there was a connection after all")


async def test_a_report_of_one_campaign_does_not_read_the_calls_of_others(pool: Pool) -> None:
    """The plan for all arguments at once must still begin with the shard: today's calls are never sealed."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"
        )
        plan = await generic_plan(connection, "distinct_facts", "1, '{2026-11-24}'")
        assert "Index Cond: ((shard_key = s.shard_key)" in plan
        assert "Filter: (($1 = 0) OR (shard_key = $1))" in plan


async def generic_plan(connection: Connection, name: str, arguments: str) -> str:
    await connection.execute(f"PREPARE {name} AS {statement(name)}")
    return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE {name}({arguments})"))
