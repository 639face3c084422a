"""Every folder of sip-lab/scenarios, direct and through Kamailio, over a clean network and bad ones: all at the same time."""

import asyncio
import gc
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psutil
import pytest

from tests.lab.container import LAB
from tests.lab.scenario import Report, Run, agrees, place, runs

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
_SECONDS_BETWEEN_CALLS = 0.02
"""Two hundred calls in the same millisecond would tell of the machine, not of the dialer."""
_STANDSTILL_SECONDS: Final = 0.5
"""Our timers are a fifth of RFC 3261's: whoever stands still for longer misses what a call waited for."""
_TRIES: Final = 3
_TICK_SECONDS: Final = 0.02


@contextmanager
def far_ends(chosen: Sequence[Run]) -> Iterator[None]:
    """A SIPp for each scenario, in the lab's container."""
    peers = {
        f"{LAB.peer_host(run.peer)}/{run.transport if run.path == 'direct' else 'udp'}": run.name
        for run in chosen
        if run.scenario.far_end == "sipp"
    }
    command = LAB.command("far-ends", *(f"{place}={name}" for place, name in peers.items()))
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            asyncio.run(_until_bound(set(peers)))
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


async def _until_bound(places: set[str]) -> None:
    missing = places
    try:
        async with asyncio.timeout(30):
            while missing := places - _bound_places():
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"no SIPp at {sorted(missing)}; see .lab/*/far_ends")


def _bound_places() -> set[str]:
    return {
        f"{connection.laddr.ip}/{transport}"
        for transport in ("udp", "tcp")
        for connection in psutil.net_connections(f"{transport}4")
        if connection.laddr and connection.laddr.port == 5060 and not connection.raddr
    }


async def _place_all(chosen: Sequence[Run]) -> tuple[dict[str, Report], float]:
    """Place all calls; also tell for how many seconds this process stood still at most."""
    async with asyncio.TaskGroup() as group:
        standstill = group.create_task(_longest_standstill(done := asyncio.Event()), name="standstill")
        tasks = {}
        for run in chosen:
            tasks[str(run)] = group.create_task(place(run), name=str(run))
            await asyncio.sleep(_SECONDS_BETWEEN_CALLS)
        await asyncio.wait(tasks.values())
        done.set()
    assert len(asyncio.all_tasks()) == 1
    return {name: task.result() for name, task in tasks.items()}, standstill.result()


async def _longest_standstill(done: asyncio.Event) -> float:
    loop = asyncio.get_running_loop()
    longest = 0.0
    while not done.is_set():
        before = loop.time()
        await asyncio.sleep(_TICK_SECONDS)  # what is measured is how late it ends
        longest = max(longest, loop.time() - before - _TICK_SECONDS)
    return longest


@contextmanager
def _garbage_stays() -> Iterator[None]:
    """Hundreds of dialers in the process of a whole test session: one collection of it all takes a second and more."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest, lab: None) -> dict[str, Report]:
    """
    Place the calls of all tests that were selected; the slowest one alone decides how long that takes.

    Where the machine stood still meanwhile, what came of the calls is the machine's, and they are placed again.
    """
    chosen = [
        run
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        if isinstance(run := item.callspec.params.get("run"), Run)
    ]
    with far_ends(chosen), _garbage_stays():
        before = _own_sockets()
        found: dict[str, Report] = {}
        for _ in range(_TRIES):
            found, standstill_seconds = asyncio.run(_place_all(chosen))
            assert _own_sockets() == before
            print(f"stood still for {standstill_seconds:.2f} s at most")
            if standstill_seconds < _STANDSTILL_SECONDS:
                break
    return found


def _own_sockets() -> int:
    return len(psutil.Process().net_connections("inet"))


@pytest.mark.parametrize("run", runs(), ids=str)
def test_a_scenario_comes_out_as_its_folder_says(run: Run, reports: dict[str, Report]) -> None:
    report = reports[str(run)]
    expected = run.scenario.expected_on(run.path)
    outcome = report.outcome
    statuses = {expected.sip_status}
    if not run.is_clean and expected.sip_status_may_be_lost:
        statuses.add(None)

    seen = ",".join(report.ladder)
    assert (outcome.result, outcome.ended_by, outcome.reason) == (
        expected.result,
        expected.ended_by,
        expected.reason,
    ), seen
    assert outcome.sip_status in statuses, seen
    assert outcome.q850_cause == expected.q850_cause
    assert agrees(report.ladder, expected.ladder, run, expected.besides), seen
    assert report.ends == 1
    assert report.left == []
    if run.is_clean:
        assert report.counters == expected.counters, seen
        assert expected.media is None or report.media == expected.media
