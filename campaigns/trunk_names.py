"""The names of trunks, kept resolved in the background, so that no call and no heartbeat waits for DNS."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from dialer.net.resolve import Resolved, is_address, resolve

log = structlog.get_logger()

Place = tuple[str, int]
TIMEOUT_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 5.0
MIN_TTL_SECONDS: Final = 5.0
MAX_TTL_SECONDS: Final = 3_600.0


class _Entry:
    """What is known of one name. An old answer is used until there is a newer one (RFC 8767)."""

    def __init__(self, place: Place) -> None:
        self.addresses: tuple[Place, ...] = (place,) if is_address(place[0]) else ()
        self.problem: str | None = None
        self.due_at = 0.0


class TrunkNames:
    """`want` says which names matter; `run` looks them up and again when their time is over."""

    def __init__(self, look_up: Callable[[str, int], Awaitable[Resolved]] = resolve) -> None:
        self._look_up = look_up
        self._entries: dict[Place, _Entry] = {}
        self._wake = asyncio.Event()

    def want(self, places: Iterable[Place]) -> None:
        """Keep these resolved, and no others."""
        wanted = set(places)
        if wanted - self._entries.keys():
            self._wake.set()
        self._entries = {place: self._entries.get(place) or _Entry(place) for place in wanted}

    def addresses(self, place: Place) -> tuple[tuple[Place, ...], str | None]:
        """Return what the name stands for, and why it may stand for nothing; both empty before the first answer."""
        entry = self._entries.get(place)
        return ((), None) if entry is None else (entry.addresses, entry.problem)

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
        before = entry.addresses, entry.problem
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await self._look_up(*place)
        except (OSError, TimeoutError, UnicodeError) as error:
            entry.problem = str(error) or type(error).__name__
            entry.due_at = loop.time() + RETRY_SECONDS
            if entry.problem != before[1]:
                log.error("trunk.unresolved", host=place[0], error=entry.problem)  # noqa: TRY400 - the resolver's own words
        else:
            entry.addresses, entry.problem = found.addresses, None
            entry.due_at = loop.time() + min(max(found.ttl_seconds, MIN_TTL_SECONDS), MAX_TTL_SECONDS)
        return (entry.addresses, entry.problem) != before
