"""The adapter's own parts: the socket whose waiting ends, and that pyVoIP leaves the process as it found it."""

import socket
import warnings

import pytest

from dialer.engine import Dialer
from dialer.pyvoip_engine import PyvoipEngine
from dialer.pyvoip_phone import NoResponse, TappedSocket
from dialer.testing.population import CalleePlan
from tests.dialer.port_calls import QUICK, Watched, carrier_of

Passed = list[tuple[bool, bytes, tuple[str, int]]]


@pytest.fixture
def peer() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.8", 0))
    return udp


def test_both_directions_are_noted(peer: socket.socket) -> None:
    passed: Passed = []
    with peer, TappedSocket(lambda: True, lambda *facts: passed.append(facts)) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.sendto(b"there", peer.getsockname())
        peer.sendto(b"back", peer.recvfrom(99)[1])
        assert udp.recv(99) == b"back"
        assert passed == [(True, b"there", peer.getsockname()), (False, b"back", peer.getsockname())]


def test_waiting_ends_when_it_is_told_to(peer: socket.socket) -> None:
    answers = iter([True, True, False])
    with peer, TappedSocket(lambda: next(answers), lambda *_facts: None) as udp:
        udp.bind(("127.0.0.1", 0))
        with pytest.raises(NoResponse):
            udp.recv(99)


def test_a_socket_that_does_not_block_does_not_wait(peer: socket.socket) -> None:
    with peer, TappedSocket(lambda: True, lambda *_facts: None) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        with pytest.raises(BlockingIOError):
            udp.recv(99)


async def test_a_404_leaves_the_warning_filters_of_the_process() -> None:
    """pyVoIP warns and then resets them all to "default"."""
    plan = CalleePlan(behaviour="unallocated", ring_seconds=0.02, final_status=404)
    async with carrier_of(plan) as trunk, PyvoipEngine(QUICK) as engine:
        await Watched(engine, trunk).end()
        assert next(action for action, message, *_ in warnings.filters if message is None) == "error"


async def test_both_engines_are_heard_by_the_callee_under_the_same_call_id() -> None:
    plan = CalleePlan(behaviour="unallocated", final_status=404)
    for make_engine in (Dialer, PyvoipEngine):
        async with carrier_of(plan) as trunk, make_engine(QUICK) as engine:
            watched = Watched(engine, trunk, call_id="1234567890-abcdef")
            ended = await watched.end()
            assert ended.call_id == watched.call.call_id == "1234567890-abcdef"
            assert {record.call_id for record in watched.call.records()} == {"1234567890-abcdef"}


async def test_a_refusal_that_pyvoip_does_not_know_is_not_written_to_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    plan = CalleePlan(behaviour="busy", ring_seconds=0.02, final_status=486)
    async with carrier_of(plan) as trunk, PyvoipEngine(QUICK) as engine:
        watched = Watched(engine, trunk)
        await watched.end_or_hang_up()
        assert any("486" in record.first_line for record in watched.call.records())
    assert "TODO" not in capfd.readouterr().out
