"""A core with a scripted trunk at its other end, for the tests of whole calls."""

from dialer.config import CallRequest, DialerConfig, Secret, TrunkConfig
from dialer.core import DialerCore
from dialer.events import CallEnded, CallEvent, CallId
from dialer.outcome import Outcome
from dialer.sip.message import Request
from dialer.testing.scripted_trunk import Deliver, ScriptedTrunk, advance, exchange
from tests.dialer.sip.messages import counting_rng

DIALER = ("127.0.0.1", 5060)
RTP = ("127.0.0.1", 20_000)
TRUNK = TrunkConfig(name="t", host="127.0.0.9", username="user", password=Secret("pass"))


def nothing(data: bytes) -> tuple[bytes, ...]:
    """The network that loses everything."""
    return ()


def once(data: bytes) -> tuple[bytes, ...]:
    return (data,)


class Line:
    """One dialer, one trunk, one clock."""

    def __init__(self, config: DialerConfig | None = None) -> None:
        self.core = DialerCore(config or DialerConfig(), counting_rng(), DIALER)
        self.trunk = ScriptedTrunk()
        self.now = 0.0
        self.events: list[CallEvent] = []

    def place_call(
        self,
        *,
        trunk: TrunkConfig = TRUNK,
        ring_timeout_seconds: float = 30.0,
        max_talk_seconds: float | None = 3_600.0,
        call_id: str | None = None,
    ) -> CallId:
        placed = self.core.place_call(
            CallRequest(
                number="79000000001",
                trunk=trunk,
                ring_timeout_seconds=ring_timeout_seconds,
                max_talk_seconds=max_talk_seconds,
                call_id=call_id,
            ),
            rtp_address=RTP,
            now=self.now,
        )
        self.run()
        return placed

    def run(self, seconds: float = 0.0, *, to_trunk: Deliver = once, to_dialer: Deliver = once) -> None:
        """Exchange datagrams, let time pass, take the events."""
        if seconds:
            self.now = advance(
                self.core, self.trunk, self.now, self.now + seconds, to_trunk=to_trunk, to_dialer=to_dialer
            )
        else:
            exchange(self.core, self.trunk, self.now, to_trunk=to_trunk, to_dialer=to_dialer)
        while (event := self.core.next_event()) is not None:
            self.events.append(event)

    @property
    def invite(self) -> Request:
        return self.trunk.last("INVITE")

    def ring(self, status_code: int = 180) -> None:
        self.trunk.respond(self.invite, status_code)
        self.run()

    def answer(self, to_tag: str = "callee") -> None:
        self.trunk.answer(self.invite, to_tag=to_tag)
        self.run()

    def talk(self) -> CallId:
        """Place a call that rings and is answered."""
        call_id = self.place_call()
        self.ring()
        self.answer()
        return call_id

    def ringing(self) -> CallId:
        """Place a call that rings."""
        call_id = self.place_call()
        self.ring()
        return call_id

    def hang_up(self, call_id: CallId) -> None:
        self.core.hang_up(call_id, self.now)
        self.run()

    def respond(self, method: str, status_code: int) -> None:
        """Answer the newest request of that method."""
        self.trunk.respond(self.trunk.last(method), status_code)
        self.run()

    def settle(self) -> None:
        """Let every timer run out, and see that nothing is left."""
        self.run(200.0)
        assert self.core.is_idle
        assert self.core.live_calls == 0
        assert self.core.get_timer() is None

    def settle_talk(self) -> None:
        """Let the callee hang up, and see that nothing is left."""
        self.trunk.bye(self.invite)
        self.run()
        self.settle()

    @property
    def outcome(self) -> Outcome:
        """Of the only call that has ended."""
        outcomes = [event.outcome for event in self.events if isinstance(event, CallEnded)]
        assert len(outcomes) == 1, outcomes
        return outcomes[0]

    @property
    def verdict(self) -> tuple[str, str, str]:
        outcome = self.outcome
        return outcome.result, outcome.reason, outcome.ended_by
