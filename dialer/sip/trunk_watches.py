"""All watched trunks of one user agent: their requests become transactions, their timers sit in its heap."""

from collections import deque
from collections.abc import Sequence

from dialer.config import DialerConfig, TrunkConfig
from dialer.sip.hop import Address
from dialer.sip.invite_session import Rng
from dialer.sip.message import Response
from dialer.sip.nat import PublicAddresses
from dialer.sip.transaction import NonInviteClientTransaction, Transaction
from dialer.sip.transaction_layer import TransactionLayer
from dialer.sip.trunk_event import TrunkEvent
from dialer.sip.trunk_watch import TrunkWatch


class TrunkWatches:
    """`use` says which trunks; `next_event` tells what is news of them."""

    def __init__(
        self, config: DialerConfig, rng: Rng, layer: TransactionLayer, public: PublicAddresses
    ) -> None:
        self._config = config
        self._rng = rng
        self._layer = layer
        self._public = public
        self._watches: dict[str, TrunkWatch] = {}
        self._closing: list[TrunkWatch] = []
        self._events: deque[TrunkEvent] = deque()

    @property
    def is_idle(self) -> bool:
        """Nothing is watched, and no binding waits to be taken back."""
        self._closing = [watch for watch in self._closing if not watch.is_over]
        return not self._watches and not self._closing

    def use(self, trunks: Sequence[tuple[TrunkConfig, Address]], now: float) -> None:
        """Watch these trunks, and no others. Each comes with our address towards it; one whose settings changed begins anew."""
        wanted = {trunk.name: (trunk, local) for trunk, local in trunks}
        for name, watch in list(self._watches.items()):
            if name not in wanted or wanted[name][0] != watch.trunk:
                del self._watches[name]
                self._closing.append(watch)
                watch.close(now)
                self._carry_out(watch, now)
        for name, (trunk, local) in wanted.items():
            if name not in self._watches:
                watch = TrunkWatch(trunk, self._public.signalling(trunk, local), self._rng, now)
                self._watches[name] = watch
                self._carry_out(watch, now)

    def next_event(self) -> TrunkEvent | None:
        """Take the oldest event."""
        return self._events.popleft() if self._events else None

    def handle_timer(self, watch: TrunkWatch, now: float) -> None:
        """Let a watch act whose time has come."""
        watch.handle_timer(now)
        self._carry_out(watch, now)

    def receive(self, transaction: Transaction, response: Response, now: float) -> None:
        """Take a final response to a request of a watch."""
        watch = transaction.user
        assert isinstance(watch, TrunkWatch)
        watch.receive(transaction.request, response, now)
        self._carry_out(watch, now)

    def fail(self, transaction: Transaction, problem: str, now: float) -> None:
        """A request of a watch had no response."""
        watch = transaction.user
        assert isinstance(watch, TrunkWatch)
        watch.fail(transaction.request, problem, now)
        self._carry_out(watch, now)

    def _carry_out(self, watch: TrunkWatch, now: float) -> None:
        to_send, watch.to_send = watch.to_send, []
        for request, hop in to_send:
            request.headers.add("User-Agent", self._config.user_agent)
            transaction = NonInviteClientTransaction(request, hop, self._config.timers, now, watch)
            self._layer.start_client(transaction, watch, now)
        self._layer.timers.schedule(watch)
        if not watch.is_closing:
            self._events.extend(watch.events)
        watch.events.clear()
