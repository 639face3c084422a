"""What the floor's sources say, put together into one snapshot. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from analytics.dry_time import minutes_until_dry
from analytics.floor import (
    MINUTES,
    WINDOW,
    AlertRow,
    CallsRow,
    CampaignRow,
    LeadsRow,
    MinuteRow,
    NodeRow,
    Stages,
    TrunkRow,
)
from api.schemas.floor import (
    FloorCampaign,
    FloorLeads,
    FloorMinutes,
    FloorNode,
    FloorSnapshot,
    FloorTotals,
    FloorTrunk,
    SourceView,
    StagesView,
)
from api.schemas.live import LiveRate

SILENT_AFTER: Final = timedelta(seconds=15)
"""A node that beats no more has no calls that anybody knows of; recovery will settle them."""


class FloorFacts(msgspec.Struct, kw_only=True):
    """The newest reading of each source."""

    campaigns: list[CampaignRow] = []
    nodes: list[NodeRow] = []
    calls: list[CallsRow] = []
    minutes: list[MinuteRow] = []
    leads: list[LeadsRow] = []
    trunks: list[TrunkRow] = []
    alerts: list[AlertRow] = []


def floor_snapshot(facts: FloorFacts, *, seq: int, now: datetime, sources: list[SourceView]) -> FloorSnapshot:
    living = [node for node in facts.nodes if node.state and now - node.heartbeat_time < SILENT_AFTER]
    calls_of: dict[int, list[CallsRow]] = defaultdict(list)
    for row in facts.calls:
        calls_of[row.campaign_id].append(row)
    minutes_of: dict[int, list[MinuteRow]] = defaultdict(list)
    for minute in facts.minutes:
        minutes_of[minute.campaign_id].append(minute)
    leads_of = {row.campaign_id: row for row in facts.leads}
    campaign_stages = added(node.state.campaigns for node in living if node.state)
    trunk_stages = added(node.state.trunks for node in living if node.state)
    campaigns = [
        floor_campaign(
            row,
            campaign_stages.get(row.campaign_id, Stages()),
            calls_of[row.campaign_id],
            leads_of.get(row.campaign_id),
            minutes_of[row.campaign_id],
        )
        for row in facts.campaigns
    ]
    return FloorSnapshot(
        seq=seq,
        time=now,
        sources=sources,
        totals=FloorTotals(
            stages=sum_stages(campaign_stages.values()),
            calls_per_minute=sum(row.last_minute for row in facts.calls),
            answered_per_minute=answered_per_minute(facts.calls),
            answered=answered_share(facts.calls),
            outcomes=outcomes_of(facts.calls),
            minutes=by_minute(facts.minutes),
        ),
        campaigns=campaigns,
        trunks=[
            floor_trunk(row, trunk_stages.get(row.trunk_id, Stages()), facts.calls) for row in facts.trunks
        ],
        nodes=[
            FloorNode(
                node_name=node.node_name,
                time=node.time,
                stages=sum_stages(node.state.campaigns.values() if node.state else ()),
            )
            for node in facts.nodes
        ],
        alerts=facts.alerts,
    )


def floor_campaign(
    row: CampaignRow,
    stages: Stages,
    calls: Sequence[CallsRow],
    leads: LeadsRow | None,
    minutes: Sequence[MinuteRow],
) -> FloorCampaign:
    last_minute = sum(call.last_minute for call in calls)
    return FloorCampaign(
        campaign_id=row.campaign_id,
        name=row.name,
        status=row.status,
        max_calls_per_second=row.max_calls_per_second,
        max_concurrent_calls=row.max_concurrent_calls,
        stages=view_of(stages),
        calls_per_minute=last_minute,
        answered_per_minute=answered_per_minute(calls),
        answered=answered_share(calls),
        outcomes=outcomes_of(calls),
        callback_requests=sum(call.callback_requests for call in calls),
        refusals=sum(call.refusals for call in calls),
        leads=leads_view(leads) if leads else None,
        dry_minutes=minutes_until_dry(leads.due_curve, last_minute)
        if leads and row.status == "running"
        else None,
        minutes=by_minute(minutes),
    )


def leads_view(row: LeadsRow) -> FloorLeads:
    return FloorLeads(
        total=row.total,
        pending=row.pending,
        dialing=row.dialing,
        finished=row.finished,
        blocked=row.blocked,
        dialable=row.due_now,
    )


def floor_trunk(row: TrunkRow, stages: Stages, calls: Iterable[CallsRow]) -> FloorTrunk:
    own = [call for call in calls if call.trunk_id == row.trunk_id]
    ended = sum(call.attempts for call in own if call.result is not None)
    answered = sum(call.attempts for call in own if call.result == "answered")
    return FloorTrunk(
        trunk_id=row.trunk_id,
        name=row.name,
        state=row.state,
        reason=row.reason,
        channels=stages.dialing + stages.ringing + stages.talking,
        max_channels=row.max_channels,
        calls_per_minute=sum(call.last_minute for call in own),
        asr=share(answered, ended),
        failures=share(sum(call.trunk_faults for call in own), ended),
        short_calls=share(sum(call.short_calls for call in own), answered),
    )


def share(numerator: int, denominator: int) -> LiveRate:
    return LiveRate(
        numerator=numerator, denominator=denominator, value=numerator / denominator if denominator else None
    )


def answered_share(calls: Iterable[CallsRow]) -> LiveRate:
    counts = outcomes_of(calls)
    return share(counts.get("answered", 0), sum(counts.values()))


def answered_per_minute(calls: Iterable[CallsRow]) -> float:
    return outcomes_of(calls).get("answered", 0) / (WINDOW / timedelta(minutes=1))


def outcomes_of(calls: Iterable[CallsRow]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for call in calls:
        if call.result is not None:
            counts[call.result] += call.attempts
    return dict(counts)


def by_minute(rows: Iterable[MinuteRow]) -> FloorMinutes:
    attempts, answered = [0] * MINUTES, [0] * MINUTES
    for row in rows:
        attempts[row.minute] += row.attempts
        answered[row.minute] += row.answered
    return FloorMinutes(attempts=attempts, answered=answered)


def added(parts: Iterable[dict[int, Stages]]) -> dict[int, Stages]:
    total: dict[int, Stages] = {}
    for part in parts:
        for key, stages in part.items():
            sum_into(total.setdefault(key, Stages()), stages)
    return total


def sum_into(total: Stages, stages: Stages) -> None:
    total.dialing += stages.dialing
    total.ringing += stages.ringing
    total.talking += stages.talking


def sum_stages(parts: Iterable[Stages]) -> StagesView:
    total = Stages()
    for stages in parts:
        sum_into(total, stages)
    return view_of(total)


def view_of(stages: Stages) -> StagesView:
    return StagesView(dialing=stages.dialing, ringing=stages.ringing, talking=stages.talking)
