"""
Any trunk, any network: a Hypothesis machine moves a scripted trunk, the clock and the user of a core at random.

Invariants: exactly one CallEnded per call and nothing after it; every 2xx to an INVITE is ACKed at once; at most one
BYE transaction per dialog and none in a dialog that the far end has ended; a CANCEL only after a provisional; each
reliable provisional gets its PRACK once and in order (RFC 3262 §4); each request of ours in a dialog has
a CSeq number of its own; every request of
the far end is answered; afterwards nothing is left.
"""

from collections import Counter
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dialer.call_table import CallState
from dialer.config import SipPolicy
from dialer.events import CallEnded, CallId
from dialer.sip.message import Request, Response, parse_message
from tests.dialer.calls import TRUNK, Line, nothing, once

FOLLOWING = msgspec.structs.replace(TRUNK, sip=SipPolicy(max_redirects=1))
TAGS = st.sampled_from(["callee", "second"])
TIMERS = st.sampled_from(
    [
        [],
        [("Session-Expires", "90;refresher=uac"), ("Supported", "timer")],
        [("Session-Expires", "90;refresher=uac"), ("Supported", "timer"), ("Allow", "UPDATE")],
        [("Session-Expires", "90;refresher=uas"), ("Supported", "timer")],
        [("Session-Expires", "60"), ("Supported", "timer")],
    ]
)


class AnyTrunk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.calls: list[CallId] = []
        self.provisional: set[tuple[str, int]] = set()
        """Call-ID and CSeq number of INVITEs that we were told are being worked on."""
        self.ended_by_peer: set[tuple[str, str]] = set()
        """Call-ID and remote tag whose BYE we have taken."""
        self.acks_due: Counter[tuple[str, str]] = Counter()
        self.byes: dict[tuple[str, str], set[str]] = {}
        self.pracks: dict[tuple[str, str, str], dict[str, int]] = {}
        """By Call-ID, remote tag and CSeq of the INVITE: the RSeq that each branch acknowledges."""
        self.numbers: dict[tuple[str, str, str], int] = {}
        """By Call-ID, remote tag and branch: the CSeq number of every request of ours in a dialog."""

    # What goes over the wire is looked at here, in both directions.

    def heard_by_dialer(self, data: bytes) -> tuple[bytes, ...]:
        message = parse_message(data)
        if isinstance(message, Response) and message.cseq.method == "INVITE":
            if message.is_provisional:
                self.provisional.add((message.call_id, message.cseq.number))
            elif message.is_success and self.is_expected(message):
                self.acks_due[message.call_id, message.to.tag or ""] += 1
        elif isinstance(message, Request) and message.method == "BYE":
            self.ended_by_peer.add((message.call_id, message.from_.tag or ""))
        return (data,)

    def is_expected(self, response: Response) -> bool:
        return self.line.core._user_agent._layer.client_of(response) is not None and (
            # after a refusal the transaction is over for good (RFC 3261 §17.1.1.2)
            self.line.core._user_agent._layer.clients[response.via.branch, "INVITE"].state.value
            != "completed"
        )

    def heard_by_trunk(self, data: bytes) -> tuple[bytes, ...]:
        message = parse_message(data)
        if isinstance(message, Request):
            key = (message.call_id, message.to.tag or "")
            if message.method == "ACK":
                self.acks_due[key] -= 1
            elif message.method == "CANCEL":
                assert (message.call_id, message.cseq.number) in self.provisional
            elif message.method == "BYE":
                branches = self.byes.setdefault(key, set())
                if message.via.branch not in branches:
                    assert key not in self.ended_by_peer
                    branches.add(message.via.branch)
                assert len(branches) == 1
            elif message.method == "PRACK":
                rseq, cseq, _ = (message.headers.get("RAck") or "").split()
                acknowledged = self.pracks.setdefault((*key, cseq), {})
                if message.via.branch not in acknowledged:
                    assert not acknowledged or int(rseq) == max(acknowledged.values()) + 1
                    acknowledged[message.via.branch] = int(rseq)
            if message.to.tag is not None and message.method != "ACK":
                number = self.numbers.setdefault((*key, message.via.branch), message.cseq.number)
                assert number == message.cseq.number
                used = [other for (*dialog, _), other in self.numbers.items() if tuple(dialog) == key]
                assert len(set(used)) == len(used)
        return (data,)

    def go(self, seconds: float = 0.0, *, is_lost: bool = False) -> None:
        def to_trunk(data: bytes) -> Any:
            self.heard_by_trunk(data)
            return nothing(data) if is_lost else once(data)

        self.line.run(seconds, to_trunk=to_trunk, to_dialer=self.heard_by_dialer)

    def invite(self, data: st.DataObject) -> Request:
        return data.draw(st.sampled_from(self.line.trunk.heard("INVITE")))

    @precondition(lambda self: len(self.calls) < 3)
    @rule(ring_timeout=st.sampled_from([15.0, 60.0]))
    def place_call(self, ring_timeout: float) -> None:
        self.calls.append(
            self.line.place_call(trunk=FOLLOWING, ring_timeout_seconds=ring_timeout, max_talk_seconds=120.0)
        )

    @precondition(lambda self: len(self.calls) < 3)
    @rule(by_update=st.booleans())
    def talk_until_the_refresh(self, *, by_update: bool) -> None:
        """A way into the depth that chance alone rarely finds."""
        self.place_call(60.0)
        allow = [("Allow", "UPDATE")] if by_update else []
        self.line.trunk.respond(
            self.line.invite,
            200,
            headers=[("Session-Expires", "90;refresher=uac"), *allow],
            body=self.line.trunk.sdp(),
        )
        self.go()
        self.go(45.0)
        refreshes = self.line.trunk.heard("UPDATE" if by_update else "INVITE")
        assert any(request.call_id == self.calls[-1] and request.to.tag for request in refreshes)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), is_lost=st.booleans())
    def hang_up(self, data: st.DataObject, *, is_lost: bool) -> None:
        self.line.core.hang_up(data.draw(st.sampled_from(self.calls)), self.line.now)
        self.go(is_lost=is_lost)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), status_code=st.sampled_from([100, 180, 183]), is_lost=st.booleans())
    def ring(self, data: st.DataObject, status_code: int, *, is_lost: bool) -> None:
        self.line.trunk.respond(self.invite(data), status_code)
        self.go(is_lost=is_lost)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), tag=TAGS, rseq=st.integers(1, 4), has_sdp=st.booleans(), is_lost=st.booleans())
    def ring_reliably(
        self, data: st.DataObject, tag: str, rseq: int, *, has_sdp: bool, is_lost: bool
    ) -> None:
        self.line.trunk.respond(
            self.invite(data),
            183,
            to_tag=tag,
            headers=[("Require", "100rel"), ("RSeq", str(rseq))],
            body=self.line.trunk.sdp(port=31_000) if has_sdp else b"",
        )
        self.go(is_lost=is_lost)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), tag=TAGS, has_sdp=st.booleans(), timer=TIMERS)
    def answer(self, data: st.DataObject, tag: str, timer: list[tuple[str, str]], *, has_sdp: bool) -> None:
        self.line.trunk.respond(
            self.invite(data),
            200,
            to_tag=tag,
            headers=timer,
            body=self.line.trunk.sdp() if has_sdp else b"",
        )
        self.go()

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), status_code=st.sampled_from([302, 401, 404, 422, 486, 487, 491, 503, 603]))
    def refuse(self, data: st.DataObject, status_code: int) -> None:
        headers = {
            302: [("Contact", "<sip:2@127.0.0.9>")],
            401: [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')],
            422: [("Min-SE", "200")],
        }.get(status_code, [])
        self.line.trunk.respond(self.invite(data), status_code, headers=headers)
        acks = Counter(self.acks_due)
        self.go()
        self.acks_due = acks  # the ACK of a refusal answers no 2xx

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), tag=TAGS)
    def bye(self, data: st.DataObject, tag: str) -> None:
        self.line.trunk.bye(self.invite(data), to_tag=tag)
        self.go()

    @precondition(lambda self: self.calls)
    @rule(
        data=st.data(),
        method=st.sampled_from(["INVITE", "UPDATE", "OPTIONS", "INFO", "REFER", "PRACK", "ACK"]),
        tag=TAGS,
        has_sdp=st.booleans(),
        timer=TIMERS,
    )
    def ask(
        self, data: st.DataObject, method: str, tag: str, timer: list[tuple[str, str]], *, has_sdp: bool
    ) -> None:
        can_change = method in {"INVITE", "UPDATE"}
        asked = self.line.trunk.request(
            method,
            self.invite(data),
            to_tag=tag,
            headers=timer if can_change else [],
            body=self.line.trunk.sdp() if has_sdp and can_change else b"",
        )
        self.go()
        answers = [answer for answer in self.line.trunk.responses if answer.via.branch == asked.via.branch]
        assert len(answers) == (method != "ACK")

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), status_code=st.sampled_from([100, 200, 405, 481, 491, 503]), timer=TIMERS)
    def confirm(self, data: st.DataObject, status_code: int, timer: list[tuple[str, str]]) -> None:
        self.line.trunk.respond(data.draw(st.sampled_from(self.waiting())), status_code, headers=timer)
        self.go()

    def waiting(self) -> list[Request]:
        """Requests of ours that are no INVITE."""
        return [
            request
            for request in self.line.trunk.requests
            if request.method in {"BYE", "CANCEL", "PRACK", "UPDATE"}
        ]

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0, 40.0]), is_lost=st.booleans())
    def wait(self, seconds: float, *, is_lost: bool) -> None:
        self.go(seconds, is_lost=is_lost)

    @rule()
    def unreachable(self) -> None:
        self.line.core.transport_failed(self.line.trunk.address, self.line.now)
        self.go()

    @invariant()
    def each_call_ends_once_and_last(self) -> None:
        ended: set[CallId] = set()
        for event in self.line.events:
            assert event.call_id not in ended
            if isinstance(event, CallEnded):
                ended.add(event.call_id)
        assert self.line.core.live_calls == len(self.calls) - len(ended)
        assert all(self.line.core.has_call(call_id) == (call_id not in ended) for call_id in self.calls)
        assert all(call.state is not CallState.ENDED for call in self.line.core._calls.values())

    @invariant()
    def every_2xx_is_acked(self) -> None:
        assert all(due <= 0 for due in self.acks_due.values()), self.acks_due

    def teardown(self) -> None:
        for call_id in self.calls:
            self.line.core.hang_up(call_id, self.line.now)
        self.go(400.0, is_lost=True)
        assert self.line.core.is_idle
        assert sum(isinstance(event, CallEnded) for event in self.line.events) == len(self.calls)


TestAnyTrunk = AnyTrunk.TestCase
TestAnyTrunk.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
