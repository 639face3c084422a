"""One live stream and all who watch it: the newest frame, encoded once, for everybody (server-sent events, WHATWG HTML §9.2)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

import msgspec

FRAME_END: Final = b"\n\n"


class Channel:
    """Everybody who watches one thing. A slow reader gets the newest frame, not all of them."""

    __slots__ = ("changed", "frame", "is_closed", "is_stale", "task", "watchers")

    def __init__(self) -> None:
        self.watchers = 0
        self.frame: bytes | None = None
        self.changed = asyncio.Condition()
        self.is_stale = asyncio.Event()
        """Set by a notification: what the channel shows may have changed."""
        self.is_closed = False
        self.task: asyncio.Task[None] | None = None

    async def publish(self, frame: bytes | None) -> None:
        async with self.changed:
            self.frame = frame
            self.changed.notify_all()

    async def close(self) -> None:
        self.is_closed = True
        await self.publish(self.frame)

    async def frames(self, heartbeat_seconds: float, clock: Callable[[], datetime]) -> AsyncIterator[bytes]:
        """Yield the present frame at once, then each newer one, and heartbeats, until the channel closes."""
        sent: bytes | None = None
        yield b"retry: 1000\n\n"
        while not self.is_closed:
            if self.frame is not None and self.frame is not sent:
                sent = self.frame
                yield sent
                continue
            try:
                async with asyncio.timeout(heartbeat_seconds), self.changed:
                    # a frame published between the test and here is seen because the publisher needs the lock
                    while self.frame is sent and not self.is_closed:
                        await self.changed.wait()
            except TimeoutError:
                yield event("heartbeat", msgspec.json.encode({"time": clock()}))


def event(name: str, data: bytes, seq: int | None = None) -> bytes:
    head = b"" if seq is None else b"id: %d\n" % seq
    return head + b"event: " + name.encode() + b"\ndata: " + data + FRAME_END
