"""The real dialer calls the simulated carrier over real UDP, with losses in both directions of signalling and sound."""

import asyncio
import random

import pytest

from dialer.config import CallRequest, DialerConfig, NetworkFaults, TrunkConfig
from dialer.engine import Call, Dialer
from dialer.events import CallAnswered, CallEnded, CallEvent, DtmfReceived, PlaybackFinished
from dialer.media.prompt import Prompt
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import Behaviour, CalleePlan
from dialer.testing.truth import RecordedAttempt, TruthRow, compare, disposition_of

PLANS: tuple[CalleePlan, ...] = (
    CalleePlan(behaviour="listens", final_status=200, ring_seconds=0.1),
    CalleePlan(behaviour="voicemail", final_status=200, ring_seconds=0.1, greeting_seconds=0.5),
    CalleePlan(behaviour="presses_1", final_status=200, digit="1", press_after_seconds=0.3),
    CalleePlan(behaviour="presses_9", final_status=200, digit="9", press_after_seconds=0.5),
    CalleePlan(behaviour="presses_other", final_status=200, digit="5", press_after_seconds=0.2),
    CalleePlan(behaviour="hangs_up", final_status=200, hang_up_after_seconds=0.4),
    # exactly when the message ends: glare
    CalleePlan(behaviour="hangs_up", final_status=200, hang_up_after_seconds=1.0),
    CalleePlan(behaviour="early_media", final_status=200, ring_seconds=0.3, has_early_media=True),
    CalleePlan(behaviour="busy", final_status=486, ring_seconds=0.1),
    CalleePlan(behaviour="declines", final_status=603, ring_seconds=0.2),
    CalleePlan(behaviour="unavailable", final_status=480),
    CalleePlan(behaviour="unallocated_announced", final_status=404, ring_seconds=0.4, has_early_media=True),
    CalleePlan(behaviour="congested", final_status=200, congested_calls=99),
)


class Conversation:
    """A voice message call: play, hang up at the end or at a key; keeps what a campaign would record."""

    def __init__(self, dialer: Dialer, request: CallRequest, prompt: Prompt) -> None:
        self.number = request.number
        self.digits = ""
        self.is_answered = False
        self.ended: asyncio.Future[CallEnded] = asyncio.get_running_loop().create_future()
        self._prompt = prompt
        self._call: Call = dialer.place_call(request, self.on_event)

    def on_event(self, event: CallEvent) -> None:
        match event:
            case CallAnswered():
                self.is_answered = True
                self._call.play(self._prompt)
            case DtmfReceived(digit=digit):
                self.digits += digit
                if digit in "19":
                    self._call.hang_up()
            case PlaybackFinished():
                self._call.hang_up()
            case CallEnded():
                self.ended.set_result(event)
            case _:
                pass

    def record(self) -> RecordedAttempt:
        outcome = self.ended.result().outcome
        return RecordedAttempt(
            call_id=self._call.call_id,
            number=self.number,
            result=outcome.result,
            sip_status=outcome.sip_status,
            answered=self.is_answered,
            ended_by=outcome.ended_by,
            digits=self.digits,
            disposition=disposition_of(self.digits),
        )


def plan_of_number(number: str, _seed: int) -> CalleePlan:
    return PLANS[int(number) % len(PLANS)]


@pytest.mark.parametrize("loss", [0.0, 0.05])
async def test_every_call_is_recorded_as_the_carrier_saw_it(loss: float) -> None:
    truth: dict[str, TruthRow] = {}

    def note(row: TruthRow) -> None:
        truth[row.call_id] = row

    config = DialerConfig(faults=NetworkFaults(loss=loss, seed=5) if loss else None)
    prompt = Prompt.from_pcm(bytes(2 * 8_000))
    async with (
        SimulatedCarrier(CarrierConfig(), note, plan_for=plan_of_number) as carrier,
        Dialer(config, rng=random.Random(5).randbytes) as dialer,
    ):
        trunk = TrunkConfig(name="carrier", host=carrier.address[0], port=carrier.address[1])
        conversations = [
            Conversation(dialer, CallRequest(number=f"+7900{index:07}", trunk=trunk), prompt)
            for index in range(10 * len(PLANS))
        ]
        async with asyncio.timeout(50):
            await asyncio.gather(*[conversation.ended for conversation in conversations])
    attempts = [conversation.record() for conversation in conversations]
    assert compare(truth, attempts) == []
    heard = [row.heard_ms for row in truth.values() if row.behaviour in LISTENERS]
    assert sum(heard) >= (0.9 - loss) * 1_000 * len(heard), "the message reaches those who listen to it"


LISTENERS: tuple[Behaviour, ...] = ("listens", "voicemail", "early_media", "presses_other")
