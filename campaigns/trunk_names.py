"""The names of trunks, kept resolved in the background, so that no call and no heartbeat waits for DNS."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from dialer.net.resolve import Resolved, Target, is_address
from dialer.transport_config import DEFAULT_PORTS, Transport

log = structlog.get_logger()

Place = tuple[str, int | None, Transport]
"""Host, port where settings have one, transport."""
LookUp = Callable[[str, int | None, Transport], Awaitable[Resolved]]
TIMEOUT_SECONDS: Final = 10.0
"""For SRV and address records, one after the other, and a DNS server in front that is dead."""
RETRY_SECONDS: Final = 5.0
MIN_TTL_SECONDS: Final = 5.0
MAX_TTL_SECONDS: Final = 3_600.0


class _Entry:
    """What is known of one name. An old answer is used until there is a newer one (RFC 8767)."""

    def __init__(self, place: Place) -> None:
        host, port, transport = place
        self.targets: tuple[Target, ...] = ()
        if is_address(host):
            self.targets = (Target(host, port or DEFAULT_PORTS[transport]),)
        self.problem: str | None = None
        self.due_at = 0.0


class TrunkNames:
    """`want` says which names matter; `run` looks them up and again when their time is over."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._entries: dict[Place, _Entry] = {}
        self._wake = asyncio.Event()

    def want(self, places: Iterable[Place]) -> None:
        """Keep these resolved, and no others."""
        wanted = set(places)
        if wanted - self._entries.keys():
            self._wake.set()
        self._entries = {place: self._entries.get(place) or _Entry(place) for place in wanted}

    def targets(self, place: Place) -> tuple[tuple[Target, ...], str | None]:
        """Return what the name stands for, and why it may stand for nothing; both empty before the first answer."""
        entry = self._entries.get(place)
        return ((), None) if entry is None else (entry.targets, entry.problem)

    async def run(self, on_change: Callable[[], None]) -> None:
        """Look names up until cancelled; `on_change` after each round that found something new."""
        loop = asyncio.get_running_loop()
        while True:
            due = [place for place, entry in self._entries.items() if entry.due_at <= loop.time()]
            if any(await asyncio.gather(*(self._refresh(place) for place in due))):
                on_change()
            next_at = min(
                (entry.due_at for entry in self._entries.values()), default=loop.time() + MAX_TTL_SECONDS
            )
            try:
                async with asyncio.timeout_at(next_at):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def _refresh(self, place: Place) -> bool:
        """Look one name up; return whether what is known of it has changed."""
        loop = asyncio.get_running_loop()
        entry = self._entries[place]
        before = entry.targets, entry.problem
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await self._look_up(*place)
        except (OSError, TimeoutError) as error:
            entry.problem = str(error) or type(error).__name__
            entry.due_at = loop.time() + RETRY_SECONDS
            if entry.problem != before[1]:
                log.error("trunk.unresolved", host=place[0], error=entry.problem)  # noqa: TRY400 - the resolver's own words
        else:
            entry.targets, entry.problem = found.targets, None
            entry.due_at = loop.time() + min(max(found.ttl_seconds, MIN_TTL_SECONDS), MAX_TTL_SECONDS)
        return (entry.targets, entry.problem) != before
