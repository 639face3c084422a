"""
By what calls are judged and priced: a campaign's target call, whether its answering machines count as successes, a trunk's
prices. Target and cost are judged when a call settles and kept with it; a change holds from then on.
"""

from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from campaigns import audit
from campaigns.database import Pool
from campaigns.errors import InvalidSettings, NotFound
from campaigns.problems import out_of_range
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
MAX_SECONDS: Final = 86_400
MAX_PRICE_MICROS: Final = 10**12

Rules = TypeVar("Rules", bound="CampaignRules | TrunkPrices")


class CampaignRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a campaign's calls are judged."""

    target_min_seconds: int = 30
    """A target call talks at least so long ..."""
    target_max_seconds: int = 3600
    """... and at most so long; both included."""
    machine_counts_as_success: bool = False
    """Whether an answering machine is a successful call; reports show both figures."""

    def __post_init__(self) -> None:
        problems = [
            *out_of_range("target_min_seconds", self.target_min_seconds, 0, MAX_SECONDS),
            *out_of_range(
                "target_max_seconds", self.target_max_seconds, self.target_min_seconds, MAX_SECONDS
            ),
        ]
        if problems:
            raise InvalidSettings(*problems)


class TrunkPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What calls over a trunk cost, in millionths of the currency that the user calculates in; null = not known."""

    price_per_minute_micros: int | None = None
    price_per_connection_micros: int | None = None
    """Of each answered call."""
    billing_increment_seconds: int = 60
    """A talk is charged in steps of this many seconds, begun ones in full."""

    def __post_init__(self) -> None:
        prices = {
            "price_per_minute_micros": self.price_per_minute_micros,
            "price_per_connection_micros": self.price_per_connection_micros,
        }
        problems = out_of_range("billing_increment_seconds", self.billing_increment_seconds, 1, 3600)
        for name, price in prices.items():
            problems += [] if price is None else out_of_range(name, price, 0, MAX_PRICE_MICROS)
        if problems:
            raise InvalidSettings(*problems)


class ReportRules:
    """Reads and changes the rules of one database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def campaign_rules(self, campaign_id: int) -> CampaignRules:
        """Raise `NotFound` if there is no such campaign."""
        return await self._get("campaign", "get_campaign_rules", campaign_id, CampaignRules)

    async def trunk_prices(self, trunk_id: int) -> TrunkPrices:
        """Raise `NotFound` if there is no such trunk."""
        return await self._get("trunk", "get_trunk_prices", trunk_id, TrunkPrices)

    async def set_campaign_rules(
        self, campaign_id: int, rules: CampaignRules, *, actor: str, now: datetime
    ) -> None:
        """Raise `NotFound` if there is no such campaign."""
        await self._set(
            "campaign", campaign_id, rules, actor, now, ("lock_campaign_rules", "set_campaign_rules")
        )

    async def set_trunk_prices(
        self, trunk_id: int, prices: TrunkPrices, *, actor: str, now: datetime
    ) -> None:
        """Raise `NotFound` if there is no such trunk."""
        await self._set("trunk", trunk_id, prices, actor, now, ("lock_trunk_prices", "set_trunk_prices"))

    async def _get(self, kind: str, statement: str, subject_id: int, rules: type[Rules]) -> Rules:
        row = await self._pool.fetchrow(SQL[statement], subject_id)
        if row is None:
            raise NotFound(kind, subject_id)
        return msgspec.convert(dict(row), rules)

    async def _set(
        self,
        kind: str,
        subject_id: int,
        rules: CampaignRules | TrunkPrices,
        actor: str,
        now: datetime,
        statements: tuple[str, str],
    ) -> None:
        lock, change = statements
        async with self._pool.acquire() as connection, connection.transaction():
            old = await connection.fetchrow(SQL[lock], subject_id)
            if old is None:
                raise NotFound(kind, subject_id)
            await connection.execute(SQL[change], subject_id, *msgspec.structs.astuple(rules))
            await audit.record(
                connection, now, actor, "change", (kind, subject_id), dict(old), msgspec.structs.asdict(rules)
            )
