"""Switches the classifier of a campaign off when listeners found too many people among its verdicts (docs/adr/0021)."""

from datetime import datetime

from analytics.classifier_guard import WINDOW, must_stop
from analytics.database import Pool, statement
from analytics.intervals import wilson
from api.schemas.verdict_audits import ClassifierState
from campaigns.classifier_stops import ClassifierStops
from campaigns.models import Campaign


async def classifier_state(pool: Pool, campaign: Campaign) -> ClassifierState:
    """Say whether the campaign's classifier is on, and what listeners found."""
    rows = await pool.fetch(statement("classifier_evidence"), campaign.campaign_id, WINDOW)
    humans, judged = (rows[0]["humans"], rows[0]["judged"]) if rows else (0, 0)
    stop = await ClassifierStops(pool).open_stop(campaign.campaign_id)
    interval = wilson(humans, judged)
    return ClassifierState(
        campaign_id=campaign.campaign_id,
        answering_machine=campaign.answering_machine,
        is_off=stop is not None,
        stop=stop,
        audit_share=campaign.audit_share,
        false_positive_limit=campaign.false_positive_limit,
        humans=humans,
        judged=judged,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
    )


async def guard_classifiers(pool: Pool, now: datetime, campaign_id: int | None = None) -> list[int]:
    """
    Look at one campaign, or at all; return those whose classifier is off from now on.

    Called after each judgement and twice a minute: whatever happens to a process between a judgement and the look, another looks again.
    """
    stopped = []
    for row in await pool.fetch(statement("classifier_evidence"), campaign_id, WINDOW):
        humans, judged, limit = row["humans"], row["judged"], row["false_positive_limit"]
        if not row["is_on"]:
            continue
        if must_stop(humans, judged, limit) and await ClassifierStops(pool).stop(
            row["campaign_id"], humans=humans, judged=judged, limit=limit, now=now
        ):
            stopped.append(row["campaign_id"])
    return stopped
