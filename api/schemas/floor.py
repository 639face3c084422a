"""
What `GET /v1/floor` answers and `GET /v1/floor/live` sends: everything that runs now, made for a screen on the wall.

    event: floor        id: seq      data: FloorSnapshot as JSON, at most four a second; the first one comes at once
    event: heartbeat    (no id)      data: {"time": "..."}; every second, so that a page can show its staleness

Each snapshot is whole. Its parts are read at different paces: `sources` says how old each of them is.
"""

from datetime import datetime

import msgspec

from analytics.floor import AlertRow
from api.schemas.live import LiveRate


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the snapshot and its age."""

    name: str
    """campaigns, nodes, calls, minutes, leads, trunks or alerts."""
    read_time: datetime | None
    """When its figures were read; null = not yet."""
    stale_after_seconds: float
    """Older than this is not as it should be."""


class StagesView(msgspec.Struct, frozen=True, kw_only=True):
    """Calls under way by stage, as the nodes count them."""

    dialing: int
    """INVITE sent, no answer to it yet."""
    ringing: int
    talking: int


class FloorLeads(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts by where they stand; the four states add up to `total`."""

    total: int
    pending: int
    dialing: int
    finished: int
    blocked: int
    dialable: int
    """Of the pending ones, due now."""


class FloorMinutes(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts begun, and of them answered, in each of the last 30 whole minutes, oldest first."""

    attempts: list[int]
    answered: list[int]


class FloorCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign."""

    campaign_id: int
    name: str
    status: str
    max_calls_per_second: float
    max_concurrent_calls: int
    stages: StagesView
    calls_per_minute: int
    """Attempts begun in the last 60 seconds."""
    answered_per_minute: float
    """Mean of the last five minutes."""
    answered: LiveRate
    """Of attempts of the last five minutes that have ended."""
    outcomes: dict[str, int]
    """Of the last five minutes, by result; results that did not occur are left out."""
    callback_requests: int
    refusals: int
    leads: FloorLeads | None
    """Null until they were first counted."""
    dry_minutes: float | None
    """Until nobody is due any more, at the speed of the last minute; null = not within a day, or nothing is dialed."""
    minutes: FloorMinutes


class FloorTrunk(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk, over the last five minutes."""

    trunk_id: int
    name: str
    state: str | None
    """closed = in use, half_open = on trial, open = left alone; the worst of the nodes' views; null = no node uses it."""
    reason: str | None
    channels: int
    """In use now."""
    max_channels: int
    calls_per_minute: int
    asr: LiveRate
    """Answered of ended attempts."""
    failures: LiveRate
    """Ended by a fault of the trunk, of ended attempts."""
    short_calls: LiveRate
    """Talk below 6 s, of answered attempts."""


class FloorNode(msgspec.Struct, frozen=True, kw_only=True):
    """A dialing process."""

    node_name: str
    time: datetime | None
    """When it last counted; null = not yet."""
    stages: StagesView


class FloorTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the floor added up."""

    stages: StagesView
    calls_per_minute: int
    answered_per_minute: float
    answered: LiveRate
    outcomes: dict[str, int]
    minutes: FloorMinutes


class FloorSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The floor at one instant."""

    seq: int
    """Grows with each snapshot of the server process; a smaller one than before means that it was restarted."""
    time: datetime
    sources: list[SourceView]
    totals: FloorTotals
    campaigns: list[FloorCampaign]
    """Running, then paused, then those that ended within twelve hours; at most 100."""
    trunks: list[FloorTrunk]
    nodes: list[FloorNode]
    alerts: list[AlertRow]
