"""Receivers of alerts and their deliveries in the database."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from analytics.database import Pool
from api.addresses import new_secret
from api.alert_models import AlertDelivery, AlertFacts, NewReceiver, Receiver
from api.delivery import Status
from api.delivery_error import DeliveryError
from campaigns.errors import NotFound
from campaigns.statements import load_statements

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))


class ReceiverStore:
    """One method per statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, new: NewReceiver, now: datetime) -> Receiver:
        """Store a receiver; the answer alone shows the secret of its webhooks. Raises `NotFound` for its rule."""
        try:
            row = await self._pool.fetchrow(
                STATEMENTS["insert_receiver"],
                new.rule_id,
                new.language,
                new.recipients,
                new.webhook_url,
                new_secret(new.webhook_url),
                now,
            )
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("alert_rule", new.rule_id or 0) from None
        return receiver(row, shows_secret=True)

    async def receivers(self) -> list[Receiver]:
        return [receiver(row) for row in await self._pool.fetch(STATEMENTS["list_receivers"])]

    async def get(self, receiver_id: int, *, shows_secret: bool = False) -> Receiver:
        row = await self._pool.fetchrow(STATEMENTS["find_receiver"], receiver_id)
        return receiver(found(row, "alert_receiver", receiver_id), shows_secret=shows_secret)

    async def delete(self, receiver_id: int) -> None:
        row = await self._pool.fetchrow(STATEMENTS["delete_receiver"], receiver_id)
        found(row, "alert_receiver", receiver_id)

    async def end(self, receiver_id: int) -> None:
        await self._pool.execute(STATEMENTS["end_receiver"], receiver_id)

    async def deliveries(self, receiver_id: int, before_alert_id: int, limit: int) -> list[AlertDelivery]:
        rows = await self._pool.fetch(
            STATEMENTS["list_alert_deliveries"], receiver_id, before_alert_id, limit
        )
        return [delivery(row) for row in rows]

    async def deliveries_of(self, alert_ids: Sequence[int]) -> list[AlertDelivery]:
        rows = await self._pool.fetch(STATEMENTS["deliveries_of_alerts"], list(alert_ids))
        return [delivery(row) for row in rows]

    async def last_deliveries(self) -> dict[int, AlertDelivery]:
        """Return the newest delivery of each receiver that has any."""
        rows = await self._pool.fetch(STATEMENTS["last_alert_deliveries"])
        return {row["receiver_id"]: delivery(row) for row in rows}

    async def alerts(self, before_id: int, limit: int, *, is_open: bool | None) -> list[AlertFacts]:
        """Return alerts, newest first; None = open and resolved ones."""
        rows = await self._pool.fetch(STATEMENTS["list_alert_facts"], before_id, limit, is_open)
        return [facts(row) for row in rows]

    async def alert(self, alert_id: int) -> AlertFacts:
        row = await self._pool.fetchrow(STATEMENTS["find_alert_facts"], alert_id)
        return facts(found(row, "alert", alert_id))

    async def receivers_of(self, taken: AlertDelivery) -> list[Receiver]:
        """Return all who are told of the same turn of the same alert, with their secrets; who comes first tells an address."""
        rows = await self._pool.fetch(STATEMENTS["receivers_of_delivery"], taken.alert_id, taken.event)
        return [receiver(row, shows_secret=True) for row in rows]

    async def take(self, holder: int, now: datetime, lease_until: datetime) -> AlertDelivery | None:
        row = await self._pool.fetchrow(STATEMENTS["take_alert_delivery"], holder, now, lease_until)
        return None if row is None else delivery(row)

    async def end_delivery(
        self, taken: AlertDelivery, holder: int, status: Status, at: datetime, error: DeliveryError | None
    ) -> None:
        """Say how a try ended; `at` is when it was sent, or when to try again."""
        await self._pool.execute(
            STATEMENTS["end_alert_delivery"],
            taken.receiver_id,
            taken.alert_id,
            taken.event,
            holder,
            status,
            at,
            error.code if error else None,
            error.detail if error else None,
            at if status == "sent" else None,
        )


def found(row: Any, kind: str, key: int) -> Any:
    if row is None:
        raise NotFound(kind, key)
    return row


def receiver(row: Any, *, shows_secret: bool = False) -> Receiver:
    made = msgspec.convert(dict(row), Receiver)
    return made if shows_secret else msgspec.structs.replace(made, webhook_secret=None)


def delivery(row: Any) -> AlertDelivery:
    return msgspec.convert(dict(row), AlertDelivery)


def facts(row: Any) -> AlertFacts:
    values = dict(row)
    return msgspec.convert({**values, "subject_id": values["subject_id"] or None}, AlertFacts)
