"""
Sends what has become due, by mail or webhook: one loop per API process, any number of processes (docs/adr/0024).

A queue keeps one row per delivery; a try takes that row under a lease. A process that dies between sending and noting it leaves
the one case in which something goes out twice: with the same Message-ID or webhook-id, by which the receiver knows it.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

import msgspec
import structlog

from analytics.errors import AnalyticsError
from api.delivery_error import DeliveryError, NotSent
from api.mail import Attachment, MailFailed, MailServer, compose_mail, send_mail
from api.webhook import WebhookFailed, WebhookRefused, send_webhook
from campaigns.errors import NotFound

log = structlog.get_logger()

Status = Literal["waiting", "sent", "failed"]

LEASE: Final = timedelta(minutes=5)
BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
)
"""Between the tries, as Standard Webhooks proposes; then the delivery has failed."""
CLOSE_SECONDS: Final = 5.0
MAX_ERROR: Final = 500


class Undeliverable(NotSent):
    """Trying again changes nothing."""


class Taken(Protocol):
    """A delivery under lease."""

    @property
    def tries(self) -> int:
        """How many there were, this one included."""


class Queue(Protocol):
    """What is sent, and where it is kept."""

    async def begin_due(self, now: datetime) -> None:
        """Write the deliveries that have become due."""

    async def take(self, holder: int, now: datetime, lease_until: datetime) -> Taken | None:
        """Take a delivery that is to be tried now; nobody else gets it until the lease is over."""

    def key(self, taken: Any) -> dict[str, object]:
        """Name a delivery for the log."""

    async def deliver(self, taken: Any) -> DeliveryError | None:
        """Send it once; return what is worth noting although it was sent."""

    async def end(
        self, taken: Any, holder: int, status: Status, at: datetime, error: DeliveryError | None
    ) -> None:
        """Say how a try ended; `at` is when it was sent, or when to try again."""

    async def end_receiver(self, taken: Any) -> None:
        """Send nothing to it any more: it asked for that."""


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How something leaves this process."""

    mail_server: MailServer | None
    allows_private_webhooks: bool

    async def mail(
        self,
        recipients: Sequence[str],
        *,
        subject: str,
        text: str,
        message_id: str,
        attachment: Attachment | None = None,
    ) -> DeliveryError | None:
        """As `send_mail`; raise `Undeliverable` without a mail server."""
        if self.mail_server is None:
            raise Undeliverable("mail_not_set_up", "OBZVON_SMTP_URL, OBZVON_MAIL_FROM")
        mail = compose_mail(
            self.mail_server,
            recipients,
            subject=subject,
            text=text,
            message_id=message_id,
            attachment=attachment,
        )
        return await send_mail(self.mail_server, mail)

    async def call(self, url: str, secret: str, message_id: str, body: object, now: datetime) -> None:
        """Raise `WebhookRefused` or `WebhookFailed`."""
        content = msgspec.json.encode(body)
        await send_webhook(url, secret, message_id, content, now, allows_private=self.allows_private_webhooks)


class Sender:
    """The loop of one process over its queues."""

    def __init__(
        self, queues: Sequence[Queue], clock: Callable[[], datetime], *, interval_seconds: float
    ) -> None:
        self._queues = queues
        self._clock = clock
        self._interval = interval_seconds
        self._holder = secrets.randbits(62)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loop while the block runs; a try under way may end within a bounded time."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._loop(stop), name="sender")
            try:
                yield
            finally:
                stop.set()
                await asyncio.wait([task], timeout=CLOSE_SECONDS)
                task.cancel()

    async def _loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.work(stop)
            except Exception as error:  # noqa: BLE001 - the database is away, or restarts; the loop outlives it
                log.warning("deliveries.delayed", error=str(error)[:200])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval)

    async def work(self, stop: asyncio.Event | None = None) -> int:
        """Write what is due and try what waits; return the number of tries."""
        tries = 0
        for queue in self._queues:
            await queue.begin_due(self._clock())
            while stop is None or not stop.is_set():
                now = self._clock()
                taken = await queue.take(self._holder, now, now + LEASE)
                if taken is None:
                    break
                tries += 1
                await self.try_once(queue, taken)
        return tries

    async def try_once(self, queue: Queue, taken: Taken) -> None:
        key = {**queue.key(taken), "tries": taken.tries}
        try:
            note = await queue.deliver(taken)
        except (Undeliverable, WebhookRefused, AnalyticsError, NotFound) as error:
            log.warning("delivery.failed", **key, error=str(error)[:200])
            await queue.end(taken, self._holder, "failed", self._clock(), as_error(error))
        except (MailFailed, WebhookFailed) as error:
            await self.postpone(queue, taken, error, key)
        except Exception as error:
            # a bug of ours is bounded like any failure, and stops no other delivery
            log.exception("delivery.crashed", **key)
            await self.postpone(queue, taken, error, key)
        else:
            log.info("delivery.sent", **key)
            await queue.end(taken, self._holder, "sent", self._clock(), note)

    async def postpone(self, queue: Queue, taken: Taken, error: Exception, key: dict[str, object]) -> None:
        is_gone = isinstance(error, WebhookFailed) and error.is_gone
        is_last = taken.tries > len(BACK_OFF)
        log.warning("delivery.postponed", **key, error=str(error)[:200])
        if is_gone:
            await queue.end_receiver(taken)
        if is_gone or is_last:
            await queue.end(taken, self._holder, "failed", self._clock(), as_error(error))
        else:
            again = self._clock() + BACK_OFF[taken.tries - 1]
            await queue.end(taken, self._holder, "waiting", again, as_error(error))


def as_error(error: Exception) -> DeliveryError:
    """Return what is stored of an exception."""
    match error:
        case NotSent():
            return error.error
        case AnalyticsError():
            return DeliveryError("query_failed", str(error)[:MAX_ERROR])
        case NotFound():
            return DeliveryError("receiver_gone", str(error)[:MAX_ERROR])
        case _:
            return DeliveryError("internal", type(error).__name__)
