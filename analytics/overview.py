"""A line of figures for each of many campaigns."""

from collections.abc import Sequence

import msgspec

from analytics.database import Pool, statement
from analytics.metrics import Rate, rate


class CampaignOverview(msgspec.Struct, frozen=True, kw_only=True):
    """How far a campaign is."""

    total: int
    """Contacts."""
    done: int
    """Contacts that are finished or blocked."""
    attempts: int
    answered: Rate
    """Of attempts that have ended."""


async def overview(pool: Pool, campaign_ids: Sequence[int]) -> dict[int, CampaignOverview]:
    """Return the figures by campaign; an unknown one has zeros."""
    return {
        row["campaign_id"]: CampaignOverview(
            total=row["total"],
            done=row["done"],
            attempts=row["attempts"],
            answered=rate("answered_by_attempt", dict(row)),
        )
        for row in await pool.fetch(statement("overview"), list(campaign_ids))
    }
