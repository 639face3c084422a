"""
One call at the simulated far end, sans-IO: the UAS side of RFC 3261 as a person behind a carrier lives it.

It is written apart from `dialer.sip.transaction` and shares only the message syntax with the engine under test.
Datagrams may be lost: final responses are repeated until ACKed and BYE until answered (T1, 2*T1 ... T2, for 64*T1).

"""

from collections.abc import Mapping
from typing import Final, Literal

from dialer.errors import InvalidSdp
from dialer.sip.fields import Headers
from dialer.sip.hop import bracketed
from dialer.sip.message import Request, Response, response_to
from dialer.sip.sdp import answer_offer, parse_sdp
from dialer.testing.callee_states import TRANSITIONS, Action, Input, State
from dialer.testing.population import CONGESTED_STATUS, CalleePlan
from dialer.testing.truth import TruthRow
from dialer.testing.voice import Voice

Address = tuple[str, int]

T1_SECONDS: Final = 0.5
T2_SECONDS: Final = 4.0
_RESULTS: Final[Mapping[int, tuple[str, Literal["us", "callee", "network"]]]] = {
    404: ("invalid_number", "network"),
    480: ("no_answer", "callee"),
    486: ("busy", "callee"),
    487: ("no_answer", "us"),
    488: ("failed", "network"),
    503: ("congested", "network"),
    603: ("rejected", "callee"),
}
"""What a refusal means, by what happens behind it; on purpose not taken from `dialer.outcome`."""


class Callee:
    """
    One Call-ID. The owner feeds datagrams and timers and sends what `datagrams_to_send` gives.

    `truth` is always the newest row; it is decided as soon as `truth.result` and `truth.ended_by` are set.
    """

    def __init__(
        self,
        invite: Request,
        addr: Address,
        now: float,
        *,
        plan: CalleePlan,
        number: str,
        call_number: int,
        local: Address,
        rtp_local: Address,
        tag: str,
    ) -> None:
        self._invite = invite
        self._peer = addr
        self._plan = plan
        self._number = number
        self._call_number = call_number
        self._local = local
        self._rtp_local = rtp_local
        self._tag = tag
        self._outgoing: list[bytes] = []
        self._timers: dict[Input, float] = {}
        self._repeat_seconds = T1_SECONDS
        self._last_message = b""
        self._request: Request | None = None  # the CANCEL or BYE being handled
        self._held_bye: Request | None = None
        self._sdp_answer = b""
        self._talk_started_at: float | None = None
        self._state = State.RINGING
        self.voice: Voice | None = None
        self.heard_packets = 0
        # facts of the truth row
        self._result: str | None = None
        self._status: int | None = None
        self._ended_by: Literal["us", "callee", "network"] | None = None
        self._digits = ""
        self._talk_ms: int | None = None
        self._begin(now)

    @property
    def is_over(self) -> bool:
        return self._state in {State.OVER, State.SILENT}

    @property
    def truth(self) -> TruthRow:
        return TruthRow(
            call_id=self._invite.call_id,
            number=self._number,
            call_number=self._call_number,
            behaviour=self._plan.behaviour,
            result=self._result,
            sip_status=self._status,
            answered=self._status == 200,
            ended_by=self._ended_by,
            digits=self._digits,
            talk_ms=self._talk_ms,
            heard_ms=self.heard_packets * 20,
        )

    def receive(self, message: Request | Response, now: float) -> None:
        """Take one message of this call, repeated ones too."""
        if isinstance(message, Response):
            if message.is_final and message.cseq.method == "BYE":
                self._handle(Input.BYE_ANSWERED, now)
            return
        self._request = message
        match message.method:
            case "INVITE" if message.to.tag is not None:  # re-INVITE: nothing to renegotiate (RFC 3261 §14.2)
                self._outgoing.append(response_to(message, 488).to_bytes())
            case "INVITE":
                self._handle(Input.INVITE_AGAIN, now)
            case "ACK":
                self._handle(Input.ACK, now)
            case "CANCEL":
                crosses = self._plan.picks_up_when_cancelled and self._state is State.RINGING
                self._handle(Input.CROSSING_CANCEL if crosses else Input.CANCEL, now)
            case "BYE":
                self._handle(Input.BYE, now)
            case _:
                self._outgoing.append(response_to(message, 501, to_tag=self._tag).to_bytes())

    def datagrams_to_send(self) -> list[bytes]:
        """Drain what must leave to the caller's signalling address now."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def get_timer(self) -> float | None:
        return min(self._timers.values(), default=None)

    def handle_timer(self, now: float) -> None:
        """Do everything that is due, oldest first."""
        while self._timers:
            timer, due = min(self._timers.items(), key=lambda item: item[1])
            if due > now:
                return
            del self._timers[timer]
            self._handle(timer, now)

    def _begin(self, now: float) -> None:
        plan = self._plan
        if plan.is_silent:
            self._state = State.SILENT
            self._result, self._ended_by = "unreachable", "network"
            return
        self._outgoing.append(response_to(self._invite, 100).to_bytes())
        try:
            offer = parse_sdp(self._invite.body)
            self._sdp_answer, media = answer_offer(offer, *self._rtp_local, session_id=1, version=1)
        except InvalidSdp:
            self._plan = CalleePlan(behaviour=plan.behaviour, final_status=488)
            self._timers[Input.REFUSE] = now
            return
        self.voice = Voice(media, ssrc=int.from_bytes(self._tag.encode()[:4]))
        if self._call_number <= plan.congested_calls:
            self._plan = CalleePlan(behaviour=plan.behaviour, final_status=CONGESTED_STATUS)
            self._timers[Input.REFUSE] = now + 0.05
            return
        if plan.has_early_media:
            self.voice.speak(plan.ring_seconds)
        self._send_response(183 if plan.has_early_media else 180, with_sdp=plan.has_early_media)
        if plan.final_status is not None:
            answer = Input.PICK_UP if plan.final_status == 200 else Input.REFUSE
            self._timers[answer] = now + plan.ring_seconds

    def _handle(self, what: Input, now: float) -> None:
        if (self._state, what) not in TRANSITIONS:
            return
        self._state, actions = TRANSITIONS[self._state, what]
        for action in actions:
            self._do(action, now)
        if what is Input.REPEAT:
            self._timers[Input.REPEAT] = now + self._repeat_seconds
            self._repeat_seconds = min(2 * self._repeat_seconds, T2_SECONDS)

    def _send_response(self, status_code: int, *, with_sdp: bool = False) -> None:
        response = response_to(self._invite, status_code, to_tag=self._tag)
        if status_code < 300:
            response.headers.set("Contact", f"<sip:{bracketed(self._local[0])}:{self._local[1]}>")
        if with_sdp:
            response.headers.set("Content-Type", "application/sdp")
            response.body = self._sdp_answer
        self._send(response.to_bytes())

    def _send(self, data: bytes) -> None:
        self._last_message = data
        self._outgoing.append(data)

    def _repeat_until_confirmed(self, now: float) -> None:
        self._repeat_seconds = min(2 * T1_SECONDS, T2_SECONDS)
        self._timers = {Input.REPEAT: now + T1_SECONDS, Input.GIVE_UP: now + 64 * T1_SECONDS}

    def _do(self, action: Action, now: float) -> None:
        match action:
            case Action.ACCEPT_REQUEST:
                self._accept(self._request)
            case Action.REPEAT:
                self._outgoing.append(self._last_message)
            case Action.SEND_OK:
                self._send_response(200, with_sdp=True)
                self._status, self._result = 200, "answered"
                self._repeat_until_confirmed(now)
            case Action.SEND_REFUSAL:
                assert self._plan.final_status is not None, "a plan without one never refuses"
                self._refuse_with(self._plan.final_status, now)
            case Action.SEND_TERMINATED:
                self._refuse_with(487, now)
            case Action.NOTE_CROSSING:
                if self._status == 200:
                    self._result, self._ended_by = "abandoned", "us"
            case Action.START_TALK:
                self._start_talk(now)
            case Action.NOTE_CALLER_HUNG_UP:
                self._ended_by = "us"
                self._end_talk(now)
            case Action.PRESS:
                self._press()
            case Action.SEND_BYE:
                self._send(self._build_bye().to_bytes())
                self._ended_by = "us" if self._result == "abandoned" else "callee"
                self._end_talk(now)
                self._repeat_until_confirmed(now)
            case Action.HOLD_ANSWER:
                self._held_bye = self._request
            case Action.ANSWER_HELD:
                self._accept(self._held_bye)
            case Action.QUIET:
                self._timers.clear()

    def _accept(self, request: Request | None) -> None:
        if request is not None:
            self._outgoing.append(response_to(request, 200, to_tag=self._tag).to_bytes())

    def _refuse_with(self, status_code: int, now: float) -> None:
        self._send_response(status_code)
        self._status = status_code
        self._result, self._ended_by = _RESULTS[status_code]
        self._be_quiet()
        self._repeat_until_confirmed(now)

    def _start_talk(self, now: float) -> None:
        self._talk_started_at = now
        plan = self._plan
        if self.voice is not None and plan.greeting_seconds:
            self.voice.speak(plan.greeting_seconds, with_beep=True)
        if plan.digit is not None:
            self._timers[Input.PRESS] = now + plan.press_after_seconds
        if plan.hang_up_after_seconds is not None:
            self._timers[Input.HANG_UP] = now + plan.hang_up_after_seconds

    def _press(self) -> None:
        assert self._plan.digit is not None, "only a plan with a key sets this timer"
        if self.voice is not None and self.voice.press(self._plan.digit):
            self._digits += self._plan.digit

    def _end_talk(self, now: float) -> None:
        self._talk_ms = 0 if self._talk_started_at is None else round((now - self._talk_started_at) * 1000)
        self._be_quiet()

    def _be_quiet(self) -> None:
        if self.voice is not None:
            self.voice.stop()

    def _build_bye(self) -> Request:
        """RFC 3261 §12.2.1.1; the route set of a UAS is the INVITE's Record-Route as it stands (§12.1.1)."""
        invite = self._invite
        headers = Headers()
        sent_by = f"{bracketed(self._local[0])}:{self._local[1]}"
        headers.add("Via", f"SIP/2.0/UDP {sent_by};branch=z9hG4bK{self._tag}bye")
        headers.add("Max-Forwards", "70")
        for route in invite.record_route:
            headers.add("Route", str(route))
        headers.add("From", str(invite.to.with_tag(self._tag)))
        headers.add("To", str(invite.from_))
        headers.add("Call-ID", invite.call_id)
        headers.add("CSeq", "1 BYE")
        contact = invite.contact
        return Request("BYE", invite.from_.uri if contact is None else contact.uri, headers)
