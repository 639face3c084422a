"""Everything on the floor, worked out by hand from a few rows."""

from datetime import UTC, datetime, timedelta

from analytics.floor import CallsRow, CampaignRow, LeadsRow, MinuteRow, NodeCalls, NodeRow, Stages, TrunkRow
from api.floor_snapshot import FloorFacts, floor_snapshot
from api.schemas.floor import FloorSnapshot, StagesView
from api.schemas.live import LiveRate

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def campaign(campaign_id: int, status: str = "running") -> CampaignRow:
    return CampaignRow(
        campaign_id=campaign_id, name=f"campaign {campaign_id}", status=status, max_calls_per_second=5.0,
        max_concurrent_calls=50, started_time=NOW, finished_time=None,
    )  # fmt: skip


def calls(campaign_id: int, result: str | None, attempts: int, **counts: int) -> CallsRow:
    columns = {
        "trunk_id": 7, "last_minute": 0, "trunk_faults": 0, "short_calls": 0, "callback_requests": 0, "refusals": 0,
        **counts,
    }  # fmt: skip
    return CallsRow(campaign_id=campaign_id, result=result, attempts=attempts, **columns)


def node(name: str, seconds_silent: float, **stages: int) -> NodeRow:
    counts = Stages(**stages)
    return NodeRow(
        node_name=name,
        heartbeat_time=NOW - timedelta(seconds=seconds_silent),
        time=NOW - timedelta(seconds=seconds_silent),
        state=NodeCalls(campaigns={1: counts}, trunks={7: counts}),
    )


def leads(campaign_id: int, *due: int) -> LeadsRow:
    names = ("due_now", "due_15", "due_60", "due_240", "due_1440")
    return LeadsRow(
        campaign_id=campaign_id, total=1000, pending=due[-1], dialing=0, finished=1000 - due[-1], blocked=0,
        **dict(zip(names, due, strict=True)),
    )  # fmt: skip


def snapshot(facts: FloorFacts) -> FloorSnapshot:
    return floor_snapshot(facts, seq=1, now=NOW, sources=[])


def test_an_empty_floor_has_zeros_and_no_rates() -> None:
    empty = snapshot(FloorFacts())
    assert (empty.campaigns, empty.trunks, empty.nodes) == ([], [], [])
    assert empty.totals.answered == LiveRate(numerator=0, denominator=0, value=None)
    assert empty.totals.stages == StagesView(dialing=0, ringing=0, talking=0)


def test_calls_under_way_are_in_no_outcome_and_no_denominator() -> None:
    facts = FloorFacts(
        campaigns=[campaign(1)],
        calls=[
            calls(1, "answered", 10, last_minute=2, callback_requests=3, refusals=1, short_calls=4),
            calls(1, "busy", 30, last_minute=8),
            calls(1, None, 5, last_minute=5),
        ],
        trunks=[TrunkRow(trunk_id=7, name="carrier", max_channels=100, max_calls_per_second=10)],
    )
    floor = snapshot(facts)
    (one,) = floor.campaigns
    assert one.outcomes == {"answered": 10, "busy": 30}
    assert one.answered == LiveRate(numerator=10, denominator=40, value=0.25)
    assert (one.calls_per_minute, one.answered_per_minute) == (15, 2.0)
    assert (one.callback_requests, one.refusals) == (3, 1)
    (trunk,) = floor.trunks
    assert trunk.asr == one.answered
    assert trunk.short_calls == LiveRate(numerator=4, denominator=10, value=0.4)
    assert trunk.failures == LiveRate(numerator=0, denominator=40, value=0.0)
    assert floor.totals.calls_per_minute == 15


def test_stages_of_all_living_nodes_add_up_and_a_silent_one_counts_nothing() -> None:
    facts = FloorFacts(
        campaigns=[campaign(1), campaign(2)],
        nodes=[node("a", 0, dialing=1, talking=2), node("b", 1, ringing=3), node("c", 60, talking=100)],
        trunks=[TrunkRow(trunk_id=7, name="carrier", max_channels=100, max_calls_per_second=10)],
    )
    floor = snapshot(facts)
    assert floor.campaigns[0].stages == StagesView(dialing=1, ringing=3, talking=2)
    assert floor.campaigns[1].stages == StagesView(dialing=0, ringing=0, talking=0)
    assert floor.totals.stages == StagesView(dialing=1, ringing=3, talking=2)
    assert floor.trunks[0].channels == 6
    assert [one.node_name for one in floor.nodes] == ["a", "b", "c"]


def test_the_base_runs_dry_by_the_speed_of_the_last_minute() -> None:
    facts = FloorFacts(
        campaigns=[campaign(1), campaign(2, "paused"), campaign(3)],
        calls=[calls(1, "busy", 50, last_minute=10), calls(2, "busy", 50, last_minute=10)],
        leads=[leads(1, 100, 100, 100, 100, 100), leads(2, 100, 100, 100, 100, 100)],
    )
    dry = {one.campaign_id: one.dry_minutes for one in snapshot(facts).campaigns}
    assert dry == {1: 10.0, 2: None, 3: None}


def test_leads_are_null_until_they_were_counted() -> None:
    assert snapshot(FloorFacts(campaigns=[campaign(1)])).campaigns[0].leads is None


def test_minutes_without_a_call_are_zero() -> None:
    facts = FloorFacts(
        campaigns=[campaign(1)],
        minutes=[MinuteRow(campaign_id=1, minute=29, attempts=4, answered=1)],
    )
    minutes = snapshot(facts).campaigns[0].minutes
    assert (len(minutes.attempts), sum(minutes.attempts), minutes.attempts[29], minutes.answered[29]) == (
        30,
        4,
        4,
        1,
    )
