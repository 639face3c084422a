"""A node with two trunks, the first of which fails in one way or another. Every call here is a real one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from analytics.attempt_details import attempt_details, attempts_of_contact
from analytics.attempts import attempts_page
from campaigns import settle_buffer
from campaigns.database import Pool
from dialer.config import DialerConfig
from dialer.sip.message import Request, parse_message, response_to
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import CalleePlan
from dialer.testing.truth import compare
from tests.dialer.net.dns_server import dns_server
from tests.postgres.campaign_rows import NOW, add_campaign, add_trunk, number_of, use_trunk
from tests.postgres.dialing import (
    BUSY,
    QUICK,
    Truth,
    carrier,
    is_finished,
    recorded,
    running_node,
    settings_of,
    until,
)

NOBODY = ("127.0.0.9", 9)
"""No socket there: the system says so at once (ICMP)."""
ALWAYS_503 = CalleePlan(behaviour="congested", ring_seconds=QUICK, final_status=200, congested_calls=1000)


async def campaign_with_backup(
    pool: Pool, first: tuple[str, int], second: tuple[str, int], **settings: Any
) -> int:
    campaign_id = await add_campaign(pool, trunk_host=first[0], trunk_port=first[1], **settings)
    await use_trunk(pool, campaign_id, await add_trunk(pool, *second), priority=1)
    return campaign_id


async def attempts(pool: Pool) -> list[tuple[Any, ...]]:
    rows = await pool.fetch(
        "SELECT a.number, a.attempt_number, t.trunk_id, a.result, f.attempt_id IS NOT NULL AS is_failover "
        "FROM attempts a JOIN trunks t USING (trunk_id) LEFT JOIN attempts f ON f.attempt_id = a.failover_of "
        "AND f.number = a.number ORDER BY a.number, a.attempt_id"
    )
    return [tuple(row) for row in rows]


async def test_a_refused_connection_moves_the_call_to_the_next_trunk_as_the_same_try(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):
        campaign_id = await campaign_with_backup(pool, NOBODY, far_end.address, leads=2)
        first, second = await pool.fetch("SELECT trunk_id FROM trunks ORDER BY trunk_id")
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert await attempts(pool) == [
        (number_of(index), 1, trunk_id, result, is_failover)
        for index in range(2)
        for trunk_id, result, is_failover in ((first[0], "unreachable", False), (second[0], "busy", True))
    ]
    assert truth.numbers == [number_of(0), number_of(1)], "each dialed once"
    listed, _ = await attempts_page(pool, limit=10)
    failed = {attempt.number: attempt.attempt_id for attempt in listed if attempt.result == "unreachable"}
    assert {attempt.number: attempt.failover_of for attempt in listed if attempt.result == "busy"} == failed
    leads = await pool.fetch("SELECT status, attempts_made, failover, last_reason FROM leads")
    assert {tuple(row) for row in leads} == {("finished", 1, None, "busy")}
    for attempt in listed:  # either leads to both, though the contact was tried once
        details = await attempt_details(pool, attempt.attempt_id, around=attempt.started_time)
        assert details is not None
        history = [(one.attempt_number, one.result) for one in await attempts_of_contact(pool, details)]
        assert history == [(1, "unreachable"), (1, "busy")]


async def test_a_503_moves_the_call_and_the_callee_is_rung_once(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(ALWAYS_503) as (first, refused), carrier(BUSY) as (second, truth):
        campaign_id = await campaign_with_backup(pool, first.address, second.address, leads=3)
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert truth.numbers == [number_of(index) for index in range(3)]
    facts = await recorded(pool)
    assert compare({**refused, **truth}, facts) == []
    assert Counter(fact.result for fact in facts) == {"busy": 3, "congested": 3}


@pytest.mark.parametrize("first_is", ["a closed port", "refusing with 503"])
async def test_servers_of_one_name_are_tried_in_the_order_of_srv_within_the_same_try(
    pool: Pool, database: str, tmp_path: Path, first_is: str
) -> None:
    """RFC 3263 §4.2, §4.3: one trunk, its name has two servers, and the first takes no call."""
    async with carrier(ALWAYS_503) as (refusing, _), carrier(BUSY) as (far_end, truth), dns_server() as dns:
        first = NOBODY if first_is == "a closed port" else refusing.address
        dns.add(
            "_sip._udp.carrier.test",
            "SRV",
            f"10 0 {first[1]} one.test.",
            f"20 0 {far_end.address[1]} two.test.",
        )
        dns.add("one.test", "A", first[0])
        dns.add("two.test", "A", far_end.address[0])
        campaign_id = await add_campaign(pool, leads=1, trunk_host="carrier.test")
        await pool.execute("UPDATE trunks SET port = NULL")
        settings = settings_of(database, tmp_path, dialer=DialerConfig(dns_servers=(dns.address,)))
        async with running_node(settings):
            await until(lambda: is_finished(pool, campaign_id))
    failed = "unreachable" if first_is == "a closed port" else "congested"
    assert [(row[1], *row[3:]) for row in await attempts(pool)] == [(1, failed, False), (1, "busy", True)]
    assert truth.numbers == [number_of(0)]


async def test_a_name_that_has_ipv6_alone_is_called_by_a_node_that_has_it(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    truth = Truth()
    far_end = SimulatedCarrier(CarrierConfig(host="::1"), truth.add, plan_for=lambda _number, _seed: BUSY)
    async with far_end, dns_server() as dns:
        dns.add("_sip._udp.carrier.test", "SRV", f"0 0 {far_end.address[1]} six.test.")
        dns.add("six.test", "AAAA", "::1")
        campaign_id = await add_campaign(pool, leads=1, trunk_host="carrier.test")
        await pool.execute("UPDATE trunks SET port = NULL")
        dialer = DialerConfig(bind_host_ipv6="::1", dns_servers=(dns.address,))
        async with running_node(settings_of(database, tmp_path, dialer=dialer)):
            await until(lambda: is_finished(pool, campaign_id))
    assert [(row[1], *row[3:]) for row in await attempts(pool)] == [(1, "busy", False)]
    assert truth.numbers == [number_of(0)]


async def test_a_server_that_has_let_a_phone_ring_is_not_passed_over_for_the_next_of_its_name(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with (
        far_end_that_rings_and_goes() as (first, heard),
        carrier(BUSY) as (second, unused),
        dns_server() as dns,
    ):
        dns.add(
            "_sip._udp.carrier.test",
            "SRV",
            f"10 0 {first[1]} one.test.",
            f"20 0 {second.address[1]} one.test.",
        )
        dns.add("one.test", "A", "127.0.0.9")
        campaign_id = await add_campaign(pool, leads=1, trunk_host="carrier.test")
        await pool.execute("UPDATE trunks SET port = NULL")
        settings = settings_of(database, tmp_path, dialer=DialerConfig(dns_servers=(dns.address,)))
        async with running_node(settings):
            await until(lambda: is_finished(pool, campaign_id))
    assert (len(heard), len(unused)) == (1, 0)
    invite = parse_message(heard[0])
    assert isinstance(invite, Request)
    assert invite.uri.endswith("@carrier.test"), "the name is asked for, wherever it leads"


async def test_what_a_callee_decided_is_no_failover(pool: Pool, database: str, tmp_path: Path) -> None:
    async with carrier(BUSY) as (first, truth), carrier(BUSY) as (second, unused):
        campaign_id = await campaign_with_backup(pool, first.address, second.address, leads=3)
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert (len(truth), len(unused)) == (3, 0)


async def test_without_another_trunk_the_rule_of_the_result_counts(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    campaign_id = await add_campaign(
        pool, leads=1, trunk_host=NOBODY[0], trunk_port=NOBODY[1],
        retry_rules={"unreachable": {"delay_seconds": 0.2, "max_attempts": 2}},
    )  # fmt: skip
    async with running_node(settings_of(database, tmp_path)):
        await until(lambda: is_finished(pool, campaign_id))
    assert [row[1:2] + row[3:] for row in await attempts(pool)] == [
        (1, "unreachable", False),
        (2, "unreachable", False),
    ]


async def test_when_every_trunk_fails_the_try_counts_once_and_ends(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    campaign_id = await campaign_with_backup(
        pool, NOBODY, ("127.0.0.9", 10), leads=1,
        retry_rules={"unreachable": {"delay_seconds": 0.2, "max_attempts": 2}},
    )  # fmt: skip
    async with running_node(settings_of(database, tmp_path)):
        await until(lambda: is_finished(pool, campaign_id))
    assert [(row[1], row[4]) for row in await attempts(pool)] == [
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    ]
    assert await pool.fetchval("SELECT attempts_made FROM leads") == 2


@asynccontextmanager
async def far_end_that_rings_and_goes() -> AsyncIterator[tuple[tuple[str, int], list[bytes]]]:
    """Answers the first INVITE with 100 Trying, then refuses it with 503 after a 180: a phone may have rung."""
    heard: list[bytes] = []

    class FarEnd(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            message = parse_message(data)
            if isinstance(message, Request) and message.method == "INVITE":
                heard.append(data)
                for status_code in (100, 180, 503):
                    transport.sendto(response_to(message, status_code, to_tag="x").to_bytes(), addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(FarEnd, ("127.0.0.9", 0))
    try:
        yield transport.get_extra_info("sockname")[:2], heard
    finally:
        transport.close()


async def test_a_503_after_ringing_is_no_failover(pool: Pool, database: str, tmp_path: Path) -> None:
    async with far_end_that_rings_and_goes() as (first, heard), carrier(BUSY) as (second, unused):
        campaign_id = await campaign_with_backup(pool, first, second.address, leads=1)
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert (len(heard), len(unused)) == (1, 0)
    assert [row[3] for row in await attempts(pool)] == ["congested"]


async def test_the_gate_is_asked_again_before_the_other_trunk(
    pool: Pool, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal comes in between: the number is not dialed, though its try had begun."""
    statement = settle_buffer.STATEMENTS["settle_attempts"]
    refuse = (
        f"WITH refusal AS (INSERT INTO dnc_numbers VALUES ('{number_of(0)}', 'api', NULL, '{NOW.isoformat()}') "
        "ON CONFLICT DO NOTHING), settled AS ("
    )
    assert "WITH settled AS (" in statement
    monkeypatch.setitem(
        settle_buffer.STATEMENTS, "settle_attempts", statement.replace("WITH settled AS (", refuse, 1)
    )
    async with carrier(BUSY) as (far_end, truth):
        campaign_id = await campaign_with_backup(pool, NOBODY, far_end.address, leads=1)
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert len(truth) == 0
    lead = await pool.fetchrow("SELECT status, last_reason, failover FROM leads")
    assert lead is not None
    assert tuple(lead) == ("blocked", "dnc", None)
