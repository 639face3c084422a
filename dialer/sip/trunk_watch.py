"""
What happens with a trunk outside of calls, sans-IO: it is registered with (`registration`), and asked by OPTIONS whether
it is there (RFC 3261 §11).

The owner (`SipUserAgent`) makes a transaction of each request, feeds what comes of it, and takes the events.
"""

from collections.abc import Callable
from typing import Any, Final

from dialer.config import TrunkConfig, split_place
from dialer.errors import InvalidHeader, RemoteProtocolError
from dialer.sip.dialog_client import retry_after_of
from dialer.sip.headers import parse_name_addr
from dialer.sip.hop import Address, Hop, hop_of
from dialer.sip.message import Request, Response
from dialer.sip.out_of_dialog import CHALLENGES, OutOfDialog, uri_of
from dialer.sip.registration import RegistrationAction, RegistrationClient, RegistrationState
from dialer.sip.timer_heap import TimerEntry
from dialer.sip.trunk_event import TrunkEvent, TrunkPinged, TrunkRegistrationChanged
from dialer.sip.uri import parse_uri
from dialer.transport_config import DEFAULT_PORTS

_PONG_SECONDS: Final = 4.0
"""No answer by then is none: three repetitions fit in (RFC 3261 §17.1.2.2), and Timer F is too late to be of use."""
_FIRST_PING_SECONDS: Final = 0.05
"""After the beginning: a node that starts with many trunks does not ask them all in one burst of one millisecond."""


class TrunkWatch:
    """One trunk. `local` is what Via and Contact say to it; times are monotonic seconds."""

    is_released = False  # for the transaction layer: a watch ends by itself

    def __init__(self, trunk: TrunkConfig, local: Address, rng: Callable[[int], bytes], now: float) -> None:
        self.trunk = trunk
        self.timer_entry: TimerEntry[Any] | None = None
        self.open_transactions = 0
        self.events: list[TrunkEvent] = []
        self.to_send: list[tuple[Request, Hop]] = []
        self.is_closing = False
        user = trunk.username or trunk.caller_id
        first = hop_of(trunk)
        self._hops = [first, *(first._replace(host=host, port=port) for host, port in trunk.other_addresses)]
        self._ping = OutOfDialog(trunk, local, rng, user)
        self._ping_hop = 0
        self._silent_hops = 0
        self._asked_at = 0.0
        self._pinging: Request | None = None
        self._ping_at: float | None = None
        """When to ask next, or no longer to wait for the answer."""
        if trunk.health.options_interval_seconds is not None:
            self._ping_at = now + _FIRST_PING_SECONDS * (1 + rng(1)[0] / 255)
        self._binding = OutOfDialog(trunk, local, rng, user)
        self._registering: Request | None = None
        self._registrars: list[Hop] = []
        self._registration: RegistrationClient | None = None
        if trunk.registration is not None:
            self._registrars = [
                self._hop_of_place(place) for place in trunk.registration.registrars
            ] or self._hops
            self._registration = RegistrationClient(
                trunk.registration.expires_seconds, len(self._registrars), rng
            )
            self._act(self._begin(self._registration.start), now)

    @property
    def call_id(self) -> str:
        """Names it in the trace."""
        return self._ping.call_id

    @property
    def is_over(self) -> bool:
        """Closed, and nothing of it is under way."""
        is_bound = self._registration is not None and self._registration.state is not RegistrationState.CLOSED
        return self.is_closing and not is_bound and not self.open_transactions

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called."""
        registration_at = None if self._registration is None else self._registration.get_timer()
        times = [at for at in (self._ping_at, registration_at) if at is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Refresh, try again, ask again: whatever is due."""
        if self._ping_at is not None and now >= self._ping_at:
            if self._pinging is not None:
                self._go_on_pinging(now)
            else:
                self._ping.begin()
                self._silent_hops = 0
                self._send_ping(now)
        registration = self._registration
        if registration is not None and (due_at := registration.get_timer()) is not None and now >= due_at:
            self._act(self._begin(lambda: registration.handle_timer(now)), now)

    def receive(self, request: Request, response: Response, now: float) -> None:
        """Take a final response to one of our requests."""
        if request is self._pinging:
            self._receive_pong(response, now)
        elif request is self._registering:
            self._receive_registration(response, now)

    def fail(self, request: Request, problem: str, now: float) -> None:
        """No response: `silent` (Timer F) or `unreachable`."""
        if request is self._pinging:
            self._go_on_pinging(now)
        elif request is self._registering and self._registration is not None:
            if self._registration.state is RegistrationState.UNREGISTERING:
                self._act(self._registration.finished(), now)
            else:
                self._act(self._begin(lambda: self._failed(problem, None, now)), now)

    def close(self, now: float) -> None:
        """Take the binding back, and ask no more."""
        self.is_closing = True
        self._ping_at, self._pinging = None, None
        if self._registration is not None:
            self._act(self._begin(self._registration.close), now)

    def _hop_of_place(self, place: str) -> Hop:
        host, port = split_place(place)
        return hop_of(self.trunk)._replace(host=host, port=port or DEFAULT_PORTS[self.trunk.transport])

    # OPTIONS

    def _send_ping(self, now: float) -> None:
        hop = self._hops[self._ping_hop]
        target = uri_of(self.trunk, hop)
        self._pinging = self._ping.request("OPTIONS", target, hop, to=target)
        self._pinging.headers.add("Accept", "application/sdp")
        self._asked_at = now
        self._ping_at = now + _PONG_SECONDS
        self.to_send.append((self._pinging, hop))

    def _go_on_pinging(self, now: float) -> None:
        """An address is silent: ask the next, or say that none answers."""
        self._silent_hops += 1
        self._ping_hop = (self._ping_hop + 1) % len(self._hops)
        if self._silent_hops < len(self._hops):
            self._ping.begin()
            self._send_ping(now)
        else:
            self._tell_ping(now, None)

    def _receive_pong(self, response: Response, now: float) -> None:
        is_curable = response.status_code in CHALLENGES and self._ping.meet_challenge(response) is None
        if is_curable:
            self._send_ping(now)
            return
        self._tell_ping(now, response)
        if self._registration is not None and response.status_code < 500:
            self._act(self._begin(self._registration.hasten), now)

    def _tell_ping(self, now: float, response: Response | None) -> None:
        self._pinging = None
        interval = self.trunk.health.options_interval_seconds
        self._ping_at = None if interval is None or self.is_closing else now + interval
        self.events.append(
            TrunkPinged(
                trunk=self.trunk.name,
                at=now,
                rtt_ms=None if response is None else (now - self._asked_at) * 1000,
                sip_status=None if response is None else response.status_code,
                retry_after_seconds=None if response is None else retry_after_of(response),
            )
        )

    # REGISTER

    def _begin(self, step: Callable[[], tuple[RegistrationAction, ...]]) -> tuple[RegistrationAction, ...]:
        """Do a step of the registration that is no answer to a challenge."""
        self._binding.begin()
        return step()

    def _act(self, actions: tuple[RegistrationAction, ...], now: float) -> None:
        registration = self._registration
        assert registration is not None
        for action in actions:
            match action:
                case RegistrationAction.SEND_REGISTER:
                    self._send_register(registration.expires_seconds)
                case RegistrationAction.SEND_UNREGISTER:
                    self._send_register(0)
                case RegistrationAction.TELL:
                    self.events.append(
                        TrunkRegistrationChanged(
                            trunk=self.trunk.name,
                            at=now,
                            is_registered=registration.is_registered,
                            problem=registration.problem,
                            sip_status=registration.sip_status,
                        )
                    )

    def _send_register(self, expires_seconds: int) -> None:
        assert self._registration is not None
        hop = self._registrars[self._registration.registrar]
        target = uri_of(self.trunk, hop)
        self._registering = self._binding.request("REGISTER", target, hop, to=self._binding.address_of_record)
        self._registering.headers.add("Expires", str(expires_seconds))
        self.to_send.append((self._registering, hop))

    def _receive_registration(self, response: Response, now: float) -> None:
        registration, status_code = self._registration, response.status_code
        assert registration is not None
        if status_code in CHALLENGES:
            refusal = self._binding.meet_challenge(response)
            if refusal is None:
                self._act(registration.challenged(), now)
                return
            self._act(registration.finished(), now)  # of use only when it was the binding's end
            self._act(registration.refused(refusal, status_code, None, now), now)
        elif registration.state is RegistrationState.UNREGISTERING:
            self._act(registration.finished(), now)
        elif response.is_success:
            self._act(registration.accepted(self._granted_seconds(response), now), now)
        elif status_code == 423:
            self._act(self._begin(lambda: registration.too_brief(_min_expires_of(response), now)), now)
        elif status_code >= 500 or status_code == 408:
            retry_after_seconds = retry_after_of(response)
            self._act(
                self._begin(lambda: self._failed("unavailable", status_code, now, retry_after_seconds)), now
            )
        else:
            problem = "password_wrong" if status_code == 403 and self._binding.has_credentials else "refused"
            self._act(registration.refused(problem, status_code, retry_after_of(response), now), now)

    def _failed(
        self, problem: str, sip_status: int | None, now: float, retry_after_seconds: int | None = None
    ) -> tuple[RegistrationAction, ...]:
        assert self._registration is not None
        return self._registration.failed(problem, sip_status, retry_after_seconds, now)

    def _granted_seconds(self, response: Response) -> float:
        """How long the registrar binds us (§10.2.4): our Contact's `expires`, else Expires, else what we asked for."""
        assert self._registration is not None
        ours = parse_uri(self._binding.contact)
        contacts = []
        for value in response.headers.get_all("Contact"):
            try:
                contact = parse_name_addr(value)
                contacts.append((parse_uri(contact.uri), contact.params.get("expires")))
            except (InvalidHeader, RemoteProtocolError):
                continue
        own = [entry for entry in contacts if (entry[0].user, entry[0].address) == (ours.user, ours.address)]
        # A registrar behind which we are seen under another address shows that one: if it is the only one, it is ours.
        found = own or (contacts if len(contacts) == 1 else [])
        texts = [found[0][1] if found else None, response.headers.get("Expires")]
        seconds = next((int(text) for text in texts if text and text.isascii() and text.isdigit()), None)
        asked = self._registration.expires_seconds
        return float(max(1, min(asked if seconds is None else seconds, 86_400)))


def _min_expires_of(response: Response) -> int | None:
    value = response.headers.get("Min-Expires") or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None
