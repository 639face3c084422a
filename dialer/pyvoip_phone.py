"""
One call of pyVoIP 1.6.8 in one thread of its own. Only `dialer.pyvoip_engine` imports this, at the first such call.

A phone per call, because `VoIPPhone.call` holds the phone's lock and reads its socket until the first 100, 180 or 401:
on a shared phone one silent callee would stop every other call. What is changed of pyVoIP, all of it by overriding:

* no REGISTER: a trunk by IP address answers it with an error, at which pyVoIP stops the phone;
* the Call-ID is the caller's (pyVoIP's are the same in every process: a hash of a counter);
* the socket can be told to stop waiting, and notes what passes for the ladder. Nothing is decided by what it sees:
  the outcome is what pyVoIP knows, which is the point of this engine.

Its receive loop is pyVoIP's own `recv_loop` with a look at the call after each round, so that a call costs one thread
for signalling, plus pyVoIP's two for RTP once it is answered.
"""

import contextlib
import select
import socket
import threading
import time
import warnings
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final

import msgspec

from dialer.errors import RemoteProtocolError
from dialer.net.ports import ReservedPort
from dialer.sip.hop import Hop
from dialer.sip.message import parse_message
from dialer.sip.trace import TraceRecord, record

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # Python 3.13 has no audioop; pyVoIP imports it as we do
    import audioop

    import pyVoIP.VoIP  # noqa: F401 (first: pyVoIP.SIP cannot be imported before it)
    from pyVoIP import RTP, SIP
    from pyVoIP.util import acquired_lock_and_unblocked_socket
    from pyVoIP.VoIP import CallState, VoIPPhone

ROUND_SECONDS: Final = 0.01
"""How often pyVoIP looks at its socket, and we at the call and the wishes."""
_FAREWELL_SECONDS: Final = 0.5
"""How long the answer to our BYE is waited for. pyVoIP sends one BYE and never asks what became of it."""
_warning_filters: Final = threading.Lock()
"""They belong to the process, and `catch_warnings` of two threads would restore each other's."""

SIP.debug = lambda *_args: (
    None
)  # it prints some of its TODOs also when not debugging, into `obzvon call --json`

Address = tuple[str, int]


class NoResponse(Exception):
    """No 100, 180 or 401 came while it was waited for."""


class PhoneOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What one phone is to do."""

    call_id: str
    number: str
    trunk: Address
    username: str
    password: str
    bind_host: str
    rtp_port: ReservedPort
    is_traced: bool


class Answered(msgspec.Struct, frozen=True):
    """The call is up: pyVoIP has sent its ACK."""


class Digit(msgspec.Struct, frozen=True):
    digit: str


class Played(msgspec.Struct, frozen=True):
    """The last sample of the prompt has been taken by pyVoIP's transmitter."""


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """The last thing a phone tells."""

    refusal_status: int | None = None
    """404 or 503: pyVoIP hears no other refusal."""
    was_answered: bool = False
    is_ours: bool = False
    """We hung up, or stopped waiting."""
    crash: str | None = None
    """What pyVoIP raised."""
    is_invite_sent: bool = False


Told = Answered | Digit | Played | Over


class TappedSocket(socket.socket):
    """A UDP socket whose blocking reads end when `goes_on()` says no, and that shows what passes to `note`."""

    def __init__(self, goes_on: Callable[[], bool], note: Callable[[bool, bytes, Address], None]) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self._goes_on = goes_on
        self._note = note
        self._waits = True
        super().setblocking(False)

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 (the signature of socket.socket)
        self._waits = flag

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        while self._waits and not select.select([self], [], [], ROUND_SECONDS)[0]:
            if not self._goes_on():
                raise NoResponse
        data, addr = super().recvfrom(bufsize, flags)
        self._note(False, data, addr)
        return data

    def sendto(self, data: bytes, address: Address, /) -> int:  # type: ignore[override] # pyVoIP uses this form only
        self._note(True, data, address)
        return super().sendto(data, address)


class _Client(SIP.SIPClient):
    """pyVoIP's user agent without registration, on our socket, with our Call-ID."""

    def __init__(self, order: PhoneOrder, phone: "_Phone", udp: TappedSocket) -> None:
        super().__init__(
            *order.trunk,
            order.username,
            order.password,
            phone=phone,
            myIP=order.bind_host,
            callCallback=phone.callback,
        )
        self._given_call_id = order.call_id
        self.s = self.out = udp

    def start(self) -> None:
        self.s.bind((self.myIP, 0))
        self.myPort = self.s.getsockname()[1]
        self.NSD = True

    def gen_call_id(self) -> str:
        return self._given_call_id


class _Phone(VoIPPhone):
    """pyVoIP's phone, remembering which final response it acted on."""

    def __init__(self, order: PhoneOrder, udp: TappedSocket) -> None:
        super().__init__(
            *order.trunk,
            order.username,
            order.password,
            myIP=order.bind_host,
            rtpPortLow=order.rtp_port.number,
            rtpPortHigh=order.rtp_port.number,
        )
        self._rtp_port = order.rtp_port
        self.sip = _Client(order, self, udp)
        self.refusal_status: int | None = None

    def callback(self, request: Any) -> None:
        if request.type == SIP.SIPMessageType.RESPONSE and request.status != SIP.SIPStatus.OK:
            self.refusal_status = int(request.status)
        self._rtp_port.release()  # at an answer pyVoIP binds it next; if it cannot, it keeps dialing and tells nobody
        # pyVoIP warns of each 404 and 503, and then sets the filters of the whole process to "default"
        with _warning_filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().callback(request)


class PhoneCall:
    """The call as its thread lives it. `run` is the thread; the other methods may be called from any."""

    def __init__(self, order: PhoneOrder, tell: Callable[[Told], None]) -> None:
        self._order = order
        self._tell = tell
        self._wishes: SimpleQueue[bytes | None] = SimpleQueue()
        self._wants_end = threading.Event()
        self._is_closed = threading.Event()
        self._prompt_samples: int | None = None
        self._is_invite_sent = False
        self.records: list[TraceRecord] = []
        self.played_samples = 0

    def play(self, ulaw: bytes) -> None:
        self._wishes.put(ulaw)

    def stop_playing(self) -> None:
        self._wishes.put(None)

    def hang_up(self) -> None:
        """BYE, now or as soon as there is an answer; pyVoIP has no CANCEL."""
        self._wants_end.set()

    def close(self) -> None:
        """Stop waiting for anything."""
        self._is_closed.set()

    def run(self) -> None:
        # its transmitter may find the socket closed by the end of the call, and warns of it
        with _warning_filters:
            warnings.filterwarnings("ignore", "RTP Packet failed to send", RuntimeWarning)
        over = Over(is_ours=True)
        with TappedSocket(lambda: not self._is_closed.is_set(), self._note) as udp:
            try:
                over = self._hold(udp)
            except NoResponse:
                pass
            except Exception as error:  # noqa: BLE001 (whatever pyVoIP raises ends this call, honestly named)
                over = Over(crash=repr(error))
        self._tell(msgspec.structs.replace(over, is_invite_sent=self._is_invite_sent))

    def _hold(self, udp: TappedSocket) -> Over:
        phone = _Phone(self._order, udp)
        phone.start()
        call: Any = None
        try:
            call = phone.call(self._order.number)
            return self._follow(phone, call)
        finally:
            phone.stop()
            for client in () if call is None else call.RTPClients:
                client.NSD = False  # also of a call that pyVoIP has not made up its mind about

    def _follow(self, phone: _Phone, call: Any) -> Over:
        is_answered = False
        while not self._is_closed.is_set():
            self._receive(phone)
            if call.state == CallState.ENDED:
                return Over(refusal_status=phone.refusal_status, was_answered=is_answered)
            if call.state == CallState.ANSWERED:
                if not is_answered:
                    is_answered = True
                    self._tell(Answered())
                if self._wants_end.is_set():
                    break
                self._serve(call)
        if is_answered:
            call.hangup()
            self._see_off(phone)
        return Over(was_answered=is_answered, is_ours=True)

    @staticmethod
    def _receive(phone: _Phone) -> None:
        try:
            with acquired_lock_and_unblocked_socket(phone.sip.recvLock, phone.sip.s):
                phone.sip.recv()
        except BlockingIOError:
            time.sleep(ROUND_SECONDS)

    def _see_off(self, phone: _Phone) -> None:
        if select.select([phone.sip.s], [], [], _FAREWELL_SECONDS)[0]:
            self._receive(phone)

    def _serve(self, call: Any) -> None:
        """Obey wishes and look for keys and for the end of the prompt, none of which pyVoIP tells."""
        with contextlib.suppress(Empty):
            while True:
                self._begin(call, self._wishes.get_nowait())
        while (digit := call.get_dtmf()) != "":
            self._tell(Digit(digit))
        if self._prompt_samples is not None:
            self.played_samples = call.RTPClients[0].pmout.buffer.tell()
            if self.played_samples == self._prompt_samples:
                self._prompt_samples = None
                self._tell(Played())

    def _begin(self, call: Any, ulaw: bytes | None) -> None:
        """Put a fresh buffer into the transmitter: pyVoIP's own can only be added to, never emptied."""
        client = call.RTPClients[0]
        outgoing = RTP.RTPPacketManager()  # type: ignore[no-untyped-call]
        self._prompt_samples = None if ulaw is None else len(ulaw)
        if ulaw is not None:
            self.played_samples = 0
            # pyVoIP takes unsigned 8-bit linear samples and compresses them itself
            outgoing.write(client.outOffset, audioop.bias(audioop.ulaw2lin(ulaw, 1), 1, 128))
        client.pmout = outgoing

    def _note(self, is_sent: bool, data: bytes, addr: Address) -> None:  # noqa: FBT001 (a callback of two directions)
        self._is_invite_sent = self._is_invite_sent or (is_sent and data.startswith(b"INVITE"))
        if not self._order.is_traced:
            return
        with contextlib.suppress(RemoteProtocolError):
            self.records.append(
                record(
                    parse_message(data),
                    "sent" if is_sent else "received",
                    data=data,
                    remote=Hop(*addr),
                    at=time.monotonic(),
                )
            )
