"""The simulated carrier over real UDP, spoken to by a tiny UAC; and as a process."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

import msgspec
import pytest

from dialer.sip.message import Message, Request, Response, parse_message
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import CalleePlan
from dialer.testing.truth import TruthRow, read_truth
from tests.dialer.testing.caller import Caller

NUMBER = "+79000000001"
WAIT_SECONDS = 20.0


class Phone(asyncio.DatagramProtocol):
    """One UDP socket with a queue of what arrived; drops what `is_lost` says."""

    def __init__(self, address: tuple[str, int], is_lost: Callable[[], bool] = lambda: False) -> None:
        self._address = address
        self._is_lost = is_lost
        self._arrived: asyncio.Queue[Request | Response] = asyncio.Queue()
        self.packets: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._transport.close()

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[0] == 0x80:
            self.packets.put_nowait(data)
        elif not self._is_lost():
            self._arrived.put_nowait(parse_message(data))

    def send(self, message: Message | bytes) -> None:
        data = message if isinstance(message, bytes) else message.to_bytes()
        if not self._is_lost():
            self._transport.sendto(data, self._address)

    async def receive(self) -> Request | Response:
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._arrived.get()

    async def response(self, status_code: int) -> Response:
        """The next response with this status; others are passed over."""
        while True:
            message = await self.receive()
            if isinstance(message, Response) and message.status_code == status_code:
                return message

    async def request(self, method: str) -> Request:
        while True:
            message = await self.receive()
            if isinstance(message, Request) and message.method == method:
                return message


class Town:
    """A carrier whose every number behaves as `plan` says, and its newest truth rows."""

    def __init__(self) -> None:
        self.plan = CalleePlan(behaviour="listens", final_status=200, ring_seconds=0.05)
        self.truth: dict[str, TruthRow] = {}
        self.carrier = SimulatedCarrier(CarrierConfig(), self.note, plan_for=lambda _number, _seed: self.plan)

    def note(self, row: TruthRow) -> None:
        self.truth[row.call_id] = row


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    town = Town()
    async with town.carrier:
        yield town


async def test_a_call_is_answered_and_ended_by_the_caller(town: Town) -> None:
    async with Phone(town.carrier.address) as phone:
        caller = Caller(NUMBER, port=phone.port)
        phone.send(caller.invite())
        await phone.response(180)
        answer = await phone.response(200)
        assert answer.via.params["rport"] == str(phone.port)
        caller.to_tag = answer.to.tag
        phone.send(caller.ack())
        phone.send(caller.bye())
        assert (await phone.response(200)).cseq.method == "BYE"
    truth = town.truth[caller.call_id]
    assert (truth.number, truth.result, truth.ended_by) == (NUMBER, "answered", "us")


async def test_the_truth_is_known_before_the_caller_can_know_it(town: Town) -> None:
    town.plan = CalleePlan(behaviour="busy", final_status=486)
    async with Phone(town.carrier.address) as phone:
        caller = Caller(NUMBER, port=phone.port)
        phone.send(caller.invite())
        await phone.response(486)
        assert town.truth[caller.call_id].sip_status == 486


async def test_a_callee_hangs_up_and_says_a_word_and_presses_a_key(town: Town) -> None:
    town.plan = CalleePlan(
        behaviour="hangs_up",
        final_status=200,
        digit="5",
        press_after_seconds=0.1,
        hang_up_after_seconds=0.4,
        greeting_seconds=0.2,
    )
    async with Phone(town.carrier.address) as phone, Phone(town.carrier.rtp_address) as ear:
        caller = Caller(NUMBER, port=phone.port, rtp_port=ear.port)
        phone.send(caller.invite())
        caller.to_tag = (await phone.response(200)).to.tag
        phone.send(caller.ack())
        ear.send(bytes([0x80]) + bytes(171))
        bye = await phone.request("BYE")
        phone.send(caller.accept(bye))
        kinds = {ear.packets.get_nowait()[1] & 0x7F for _ in range(ear.packets.qsize())}
    assert kinds == {0, 101}
    truth = town.truth[caller.call_id]
    assert (truth.ended_by, truth.digits) == ("callee", "5")
    assert truth.heard_ms == 20


async def test_a_malformed_datagram_is_answered_400_and_the_next_call_works(town: Town) -> None:
    async with Phone(town.carrier.address) as phone:
        caller = Caller(NUMBER, port=phone.port)
        broken = caller.invite().to_bytes().replace(b"Content-Length: ", b"Content-Length: 9")
        phone.send(b"\x00\xff nonsense")
        phone.send(broken)
        assert (await phone.response(400)).call_id == caller.call_id
        phone.send(caller.invite())
        await phone.response(200)
    assert town.carrier.counters["malformed"] == 2


async def test_a_bye_of_no_call_is_answered_481_and_options_200(town: Town) -> None:
    async with Phone(town.carrier.address) as phone:
        caller = Caller(NUMBER, "nobody", port=phone.port)
        phone.send(caller.bye())
        await phone.response(481)
        options = caller.bye().to_bytes().replace(b"BYE", b"OPTIONS")
        phone.send(options)
        await phone.response(200)
        phone.send(caller.ack())
    assert town.carrier.live_calls == 0


async def test_a_call_that_is_still_up_at_closing_is_reported_as_it_is() -> None:
    town = Town()
    async with town.carrier, Phone(town.carrier.address) as phone:
        caller = Caller(NUMBER, port=phone.port)
        phone.send(caller.invite())
        await phone.response(200)
        assert town.carrier.live_calls == 1
    truth = town.truth[caller.call_id]
    assert (truth.result, truth.ended_by) == ("answered", None)


async def test_with_a_third_of_the_datagrams_lost_both_sides_tell_the_same_story(town: Town) -> None:
    """Every second call glares: the caller hangs up when the callee does."""
    rng = random.Random(4)
    town.plan = CalleePlan(behaviour="hangs_up", final_status=200, hang_up_after_seconds=0.3)

    async def call(number: int) -> tuple[str, str]:
        async with Phone(town.carrier.address, lambda: rng.random() < 0.33) as phone:
            caller = Caller(NUMBER, f"lossy-{number}", port=phone.port)
            bye_sent = acked = False
            send_at, pause = 0.0, 0.1
            loop = asyncio.get_running_loop()
            hang_up_at: float | None = None
            while True:
                now = loop.time()
                if hang_up_at is not None and now >= hang_up_at:
                    bye_sent, hang_up_at = True, None
                    send_at = now
                if now >= send_at and (bye_sent or not acked):
                    phone.send(caller.bye() if bye_sent else caller.invite())
                    send_at = now + pause
                try:
                    async with asyncio.timeout(0.05):
                        message = await phone.receive()
                except TimeoutError:
                    continue
                if isinstance(message, Request):
                    phone.send(caller.accept(message))
                    return caller.call_id, "callee"
                if message.cseq.method == "BYE":
                    return caller.call_id, "us"
                if message.status_code == 200:
                    caller.to_tag = message.to.tag
                    phone.send(caller.ack())
                    if not acked:
                        hang_up_at = now + (0.3 if number % 2 else 10.0)
                    acked = True

    stories = dict(await asyncio.gather(*[call(number) for number in range(40)]))
    assert len(stories) == 40
    assert {call_id: town.truth[call_id].ended_by for call_id in stories} == stories
    assert set(stories.values()) == {"us", "callee"}


async def test_as_a_process_it_says_where_it_listens_and_leaves_its_truth(tmp_path: Path) -> None:
    truth_path = tmp_path / "truth.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dialer.testing.carrier", "--port", "0", "--truth", str(truth_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    async with Phone((ready["host"], ready["port"])) as phone:
        phone.send(Caller(NUMBER, port=phone.port).invite())
        await phone.receive()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    await process.stdout.read()
    (row,) = read_truth(truth_path).values()
    assert msgspec.structs.replace(row, result=None).number == NUMBER
