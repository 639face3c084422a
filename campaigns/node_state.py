"""
What a node tells the live floor about this instant: how many of its calls are in which stage, by campaign and by trunk.

Counted from the live attempts four times a second, so that a call itself pays nothing but one assignment per stage.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

Stage = Literal["dialing", "ringing", "talking"]
"""INVITE sent; 180-183 came; answered and not ended."""


class StageCounts(msgspec.Struct, kw_only=True):
    """Calls under way by stage."""

    dialing: int = 0
    ringing: int = 0
    talking: int = 0

    def add(self, other: "StageCounts") -> None:
        self.dialing += other.dialing
        self.ringing += other.ringing
        self.talking += other.talking

    @property
    def total(self) -> int:
        return self.dialing + self.ringing + self.talking


class NodeState(msgspec.Struct, kw_only=True):
    """Stage counts by campaign id and by trunk id, as stored in `node_state.state`; ids without a call have no entry."""

    campaigns: dict[int, StageCounts] = msgspec.field(default_factory=dict)
    trunks: dict[int, StageCounts] = msgspec.field(default_factory=dict)


def count_stages(calls: Iterable[tuple[int, int, Stage]]) -> NodeState:
    """Count calls given as campaign id, trunk id, stage."""
    state = NodeState()
    for campaign_id, trunk_id, stage in calls:
        for counts in (
            state.campaigns.setdefault(campaign_id, StageCounts()),
            state.trunks.setdefault(trunk_id, StageCounts()),
        ):
            setattr(counts, stage, getattr(counts, stage) + 1)
    return state
