"""Several engines behind one port: each call is placed by the engine that its trunk asks for."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.engine import Dialer
from dialer.port import OnEvent, OnTrunkEvent, PlacedCall
from dialer.pyvoip_engine import PyvoipEngine


class TrunkDialer:
    """Implements `dialer.port.Engine`. pyVoIP costs nothing, not even its import, until a trunk asks for it."""

    def __init__(self, config: DialerConfig, *, rng: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._native = Dialer(config, rng=rng)
        self._pyvoip = PyvoipEngine(config, rng=rng)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Bind the native engine's socket. Raises `TransportError` when the address cannot be bound."""
        await self._stack.enter_async_context(self._native)
        await self._stack.enter_async_context(self._pyvoip)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hang_up_all()  # at once on both, which are then waited for one after the other
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def live_calls(self) -> int:
        return self._native.live_calls + self._pyvoip.live_calls

    @property
    def local_address(self) -> tuple[str, int]:
        """Of the native engine's signalling; pyVoIP has a socket per call."""
        return self._native.local_address

    def now(self) -> float:
        return self._native.now()

    def wall_time(self, at: float) -> datetime:
        return self._native.wall_time(at)

    def place_call(self, request: CallRequest, on_event: OnEvent) -> PlacedCall:
        engine = self._pyvoip if request.trunk.engine == "pyvoip" else self._native
        return engine.place_call(request, on_event)

    def watch(self, trunks: Sequence[TrunkConfig], on_event: OnTrunkEvent) -> None:
        """By the native engine alone: whether a trunk is there does not depend on who calls it."""
        self._native.watch(trunks, on_event)

    def hang_up_all(self) -> None:
        self._native.hang_up_all()
        self._pyvoip.hang_up_all()

    async def drain(self, seconds: float) -> None:
        until = self.now() + seconds
        await self._native.drain(seconds)
        await self._pyvoip.drain(max(0.0, until - self.now()))
