"""
One OPTIONS to a trunk, credentials included, and what its answer says of the trunk (RFC 3261 §11). Sans-IO.

Rule: whatever the trunk sends, nothing is raised; what is no answer of ours is passed over.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from dialer.config import TimerConfig, TrunkConfig
from dialer.errors import InvalidSdp, RemoteProtocolError
from dialer.sip.hop import Address, hop_of
from dialer.sip.message import Response, parse_message
from dialer.sip.out_of_dialog import CHALLENGES, OutOfDialog, uri_of
from dialer.sip.sdp import parse_sdp
from dialer.sip.transaction import Action, Input, NonInviteClientTransaction

Rng = Callable[[int], bytes]
Verdict = Literal[
    "answered", "silent", "unreachable", "password_missing", "password_wrong", "challenge_unknown"
]


class TrunkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one OPTIONS has shown."""

    verdict: Verdict
    status_code: int | None = None
    """Of the final response; any of them shows that somebody is there."""
    was_challenged: bool = False
    """Our user name and password were asked for, so that `answered` means that they are right."""
    speaks_our_codec: bool | None = None
    """PCMU or PCMA is in the description of the answer; None where it brings none, which most do."""
    codecs: tuple[str, ...] = ()
    """The audio formats of that description, by name where it names them."""
    failure: str | None = None
    """Of `unreachable` over TCP or TLS: why, as `dialer.net.connect_failure` names it."""
    failure_detail: str = ""


class OptionsProbe:
    """
    Asks once, and once more with credentials. After any verb send `datagrams_to_send`, look at `get_timer`.

    `now` is monotonic seconds; `local` is what Via and Contact say. `answer` is None until the end, which the owner
    brings about by `give_up` if it comes too late.
    """

    def __init__(self, trunk: TrunkConfig, local: Address, rng: Rng, timers: TimerConfig, now: float) -> None:
        self.answer: TrunkAnswer | None = None
        self._trunk = trunk
        self._requests = OutOfDialog(trunk, local, rng, trunk.username or trunk.caller_id)
        self._timers = timers
        self._outgoing: list[bytes] = []
        self._transaction = self._ask(now)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Feed one UDP payload."""
        try:
            message = parse_message(data)
        except RemoteProtocolError:
            return
        request = self._transaction.request
        if (
            isinstance(message, Response)
            and (message.via.branch, message.cseq) == (request.via.branch, request.cseq)
            and Action.DELIVER in self._transaction.receive(message, now)
            and message.is_final
        ):
            self._take(message, now)

    def datagrams_to_send(self) -> list[bytes]:
        """Take what must be sent to the trunk."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called; None when it is over."""
        return None if self.answer is not None else self._transaction.get_timer()

    def handle_timer(self, now: float) -> None:
        """Repeat the request, or end as `silent`."""
        actions = self._transaction.handle_timer(now)
        if Action.SEND in actions:
            self._outgoing.append(self._transaction.outgoing)
        if Action.REPORT_TIMEOUT in actions:
            self.give_up()

    def transport_failed(self, now: float) -> None:
        """The system says that nobody listens there."""
        if self.answer is None:
            self._transaction.step(Input.TRANSPORT_ERROR, now)
            self.answer = TrunkAnswer(verdict="unreachable", was_challenged=self._requests.has_credentials)

    def give_up(self) -> None:
        """Nobody waits any longer."""
        if self.answer is None:
            self.answer = TrunkAnswer(verdict="silent", was_challenged=self._requests.has_credentials)

    def _ask(self, now: float) -> NonInviteClientTransaction:
        hop = hop_of(self._trunk)
        target = uri_of(self._trunk, hop)
        request = self._requests.request("OPTIONS", target, hop, to=target)
        request.headers.add("Accept", "application/sdp")
        transaction = NonInviteClientTransaction(request, hop, self._timers, now)
        self._outgoing.append(transaction.outgoing)
        return transaction

    def _take(self, response: Response, now: float) -> None:
        status_code = response.status_code
        if self._requests.has_credentials and status_code == 403:
            # many trunks answer so to a wrong password instead of asking again
            self.answer = TrunkAnswer(verdict="password_wrong", status_code=status_code, was_challenged=True)
        elif status_code in CHALLENGES:
            self._meet_challenge(response, now)
        else:
            speaks_our_codec, codecs = _codecs_of(response)
            self.answer = TrunkAnswer(
                verdict="answered",
                status_code=status_code,
                was_challenged=self._requests.has_credentials,
                speaks_our_codec=speaks_our_codec,
                codecs=codecs,
            )

    def _meet_challenge(self, response: Response, now: float) -> None:
        refusal = self._requests.meet_challenge(response)
        if refusal is None:
            self._transaction = self._ask(now)
        else:
            was_challenged = self._requests.has_credentials
            self.answer = TrunkAnswer(
                verdict=refusal, status_code=response.status_code, was_challenged=was_challenged
            )


def _codecs_of(response: Response) -> tuple[bool | None, tuple[str, ...]]:
    """Port 0 refuses nothing here: the description only says what the trunk is able to do (RFC 3264 §9)."""
    if not response.body:
        return None, ()
    try:
        sections = [section for section in parse_sdp(response.body).media if section.kind == "audio"]
    except InvalidSdp:
        return None, ()
    if not sections:
        return None, ()
    names = [
        section.encodings.get(int(name), name) if name.isascii() and name.isdigit() else name
        for section in sections
        for name in section.formats
    ]
    return any(section.codec is not None for section in sections), tuple(names)
