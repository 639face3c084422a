"""
Tells people and programs of alerts: that one was raised, and that it is over.

The rows of `alert_deliveries` are written by the statement that raises or resolves; how a row is tried: `api/delivery.py`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from analytics.database import Pool
from api import alert_words
from api.alert_models import AlertDelivery, AlertFacts, Receiver
from api.alert_receivers import ReceiverStore
from api.catalogue import Language, text
from api.delivery import Status, Ways
from api.delivery_error import DeliveryError
from api.figures_in_words import moment


class AlertQueue:
    """What receivers are to be told (`api.delivery.Queue`)."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime], ways: Ways, base_url: str) -> None:
        self._store = ReceiverStore(pool)
        self._clock = clock
        self._ways = ways
        self._base_url = base_url

    async def begin_due(self, now: datetime) -> None:
        """Nothing: whatever raises an alert writes the deliveries itself."""

    async def take(self, holder: int, now: datetime, lease_until: datetime) -> AlertDelivery | None:
        return await self._store.take(holder, now, lease_until)

    def key(self, taken: AlertDelivery) -> dict[str, object]:
        return {"receiver_id": taken.receiver_id, "alert_id": taken.alert_id, "turn": taken.event}

    async def end(
        self, taken: AlertDelivery, holder: int, status: Status, at: datetime, error: DeliveryError | None
    ) -> None:
        await self._store.end_delivery(taken, holder, status, at, error)

    async def end_receiver(self, taken: AlertDelivery) -> None:
        await self._store.end(taken.receiver_id)

    async def deliver(self, taken: AlertDelivery) -> DeliveryError | None:
        receiver = with_own_addresses(taken.receiver_id, await self._store.receivers_of(taken))
        if receiver is None:
            return DeliveryError("told_by_another")
        alert = await self._store.alert(taken.alert_id)
        address = f"{self._base_url}/alerts#alert-{alert.alert_id}"
        if receiver.recipients is not None:
            return await self._ways.mail(
                receiver.recipients,
                subject=mail_subject(alert, taken, receiver.language),
                text=mail_text(alert, taken, receiver.language, address),
                message_id=message_id(taken),
            )
        await self.call(receiver, alert, taken, address)
        return None

    async def call(self, receiver: Receiver, alert: AlertFacts, taken: AlertDelivery, address: str) -> None:
        assert receiver.webhook_url is not None
        assert receiver.webhook_secret is not None
        body = {
            "type": f"alert.{taken.event}",
            "timestamp": alert.resolved_time if taken.event == "resolved" else alert.raised_time,
            "data": {"alert": alert, "url": address},
        }
        await self._ways.call(
            receiver.webhook_url, receiver.webhook_secret, message_id(taken), body, self._clock()
        )


def with_own_addresses(receiver_id: int, receivers: Sequence[Receiver]) -> Receiver | None:
    """
    Return the receiver with the addresses that nobody before it in `receivers` has; None if there are none.

    So an address that stands in several receivers hears of an alert once. Mail addresses are compared without regard to case.
    """
    told: set[str] = set()
    for receiver in receivers:
        if receiver.receiver_id != receiver_id:
            told |= {address.casefold() for address in receiver.recipients or [receiver.webhook_url or ""]}
        elif receiver.recipients is None:
            return None if receiver.webhook_url in told else receiver
        else:
            own = {address.casefold(): address for address in reversed(receiver.recipients)}
            left = [address for key, address in reversed(own.items()) if key not in told]
            return msgspec.structs.replace(receiver, recipients=left) if left or not own else None
    return None


def message_id(taken: AlertDelivery) -> str:
    """The same for every try of a delivery, another for each delivery."""
    return f"alert-{taken.alert_id}-{taken.event}-{taken.receiver_id}"


def subject_words(alert: AlertFacts, language: Language) -> str:
    return alert_words.subject(
        alert.metric, alert.subject_kind, alert.subject_id, alert.subject_name, language
    )


def mail_subject(alert: AlertFacts, taken: AlertDelivery, language: Language) -> str:
    line = text(
        f"alerts.mail.{taken.event}",
        language,
        rule=alert.rule_name,
        subject=subject_words(alert, language),
        finding=alert_words.finding(alert, alert.value, language),
    )
    return " ".join(line.split())  # a name may hold a line break, a header may not


def mail_text(alert: AlertFacts, taken: AlertDelivery, language: Language, address: str) -> str:
    value = alert.last_value if taken.event == "resolved" else alert.value
    lines = [
        f"{alert.rule_name}: {subject_words(alert, language)}",
        f"{text(f'alerts.metric.{alert.metric}', language)}: {alert_words.finding(alert, value, language)}",
        text("alerts.mail.since", language, time=moment(alert.raised_time, UTC, language)),
    ]
    if taken.event == "raised" and (detail := alert_words.detail(alert, language)) is not None:
        lines.insert(2, detail)
    if taken.event == "resolved" and alert.resolved_time is not None:
        lines.append(text("alerts.mail.until", language, time=moment(alert.resolved_time, UTC, language)))
    return "\n".join([*lines, "", address, ""])
