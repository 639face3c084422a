"""What a node works on: its shards, each with everything that a call of its campaign needs. Reloaded every second."""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from campaigns.calling_window import CallingWindow
from campaigns.database import Connection
from campaigns.models import AnsweringMachine, CampaignTrunk, RetryRule
from campaigns.pacing import share_of
from campaigns.statements import load_statements
from campaigns.trunk_models import Trunk, to_trunk
from dialer.media.prompt import Prompt

STATEMENTS: Final = load_statements(Path(__file__).with_name("node.sql"))


class ShardPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One shard of a running campaign, and this node's part of its limits."""

    shard_key: int
    campaign_id: int
    mode: str
    purpose: str
    time_zone: str
    callee_time_zone: str | None
    window: CallingWindow
    calls_per_second: float
    concurrent_calls: int
    ring_timeout_seconds: float
    max_talk_seconds: float
    key_wait_seconds: float
    answering_machine: AnsweringMachine
    """`ignore` also while the classifier is switched off for hanging up on people (docs/adr/0021)."""
    audit_share: float
    recording: str = "none"
    """`none`, `all` or `on_demand`."""
    retry_rules: Mapping[str, RetryRule]
    prompt: Prompt | None
    trunks: tuple[CampaignTrunk, ...]
    caller_id: str | None
    """None: the trunk's."""


class TrunkPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A trunk, and this node's part of its limits."""

    trunk: Trunk
    calls_per_second: float
    channels: int


class NodePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run works on."""

    shards: list[ShardPlan]
    trunks: list[TrunkPlan]
    """All of them, in use or not."""
    policies: Mapping[int, AnsweringMachine]
    """What campaigns say of machines, by campaign: of these shards, and of whatever else was asked for."""


class PlanLoader:
    """Keeps prompts between loads."""

    def __init__(self) -> None:
        self._prompts: dict[int, Prompt] = {}

    async def load(
        self, connection: Connection, run_id: int, campaigns_with_calls: Collection[int] = ()
    ) -> NodePlan:
        """Read what the run owns, and the trunks; and the policies of campaigns that may be paused, for their calls go on."""
        rows = await connection.fetch(STATEMENTS["load_shards"], run_id)
        prompt_ids = {row["prompt_id"] for row in rows}
        self._prompts = {key: prompt for key, prompt in self._prompts.items() if key in prompt_ids}
        campaign_ids = {row["campaign_id"] for row in rows}.union(campaigns_with_calls)
        found = await connection.fetch(STATEMENTS["load_answering_policies"], list(campaign_ids))
        policies = {row["campaign_id"]: row["answering_machine"] for row in found}
        shards = [
            _shard(row, policies[row["campaign_id"]], await self._prompt(connection, row["prompt_id"]))
            for row in rows
        ]
        trunks = [_trunk(row) for row in await connection.fetch(STATEMENTS["load_trunks"], run_id)]
        return NodePlan(shards=shards, trunks=trunks, policies=policies)

    async def _prompt(self, connection: Connection, prompt_id: int | None) -> Prompt | None:
        if prompt_id is None:
            return None
        if prompt_id not in self._prompts:
            pcm = await connection.fetchval(STATEMENTS["load_prompt"], prompt_id)
            self._prompts[prompt_id] = await asyncio.to_thread(Prompt.from_pcm, pcm)
        return self._prompts[prompt_id]


def _shard(row: Any, policy: AnsweringMachine, prompt: Prompt | None) -> ShardPlan:
    campaign = (row["campaign_owned"], row["campaign_shards"])
    return ShardPlan(
        shard_key=row["shard_key"],
        campaign_id=row["campaign_id"],
        mode=row["mode"],
        purpose=row["purpose"],
        time_zone=row["time_zone"],
        callee_time_zone=row["callee_time_zone"],
        window=CallingWindow(
            start_minute=row["window_start_minute"],
            end_minute=row["window_end_minute"],
            weekdays=frozenset(row["window_weekdays"]),
        ),
        calls_per_second=share_of(row["max_calls_per_second"], *campaign),
        concurrent_calls=int(share_of(row["max_concurrent_calls"], *campaign)),
        ring_timeout_seconds=row["ring_timeout_seconds"],
        max_talk_seconds=row["max_talk_seconds"],
        key_wait_seconds=row["key_wait_seconds"],
        answering_machine=policy,
        audit_share=row["audit_share"],
        recording=row["recording"],
        retry_rules=msgspec.convert(row["retry_rules"], dict[str, RetryRule]),
        prompt=prompt,
        trunks=msgspec.convert(row["trunks"] or [], tuple[CampaignTrunk, ...]),
        caller_id=row["caller_id"],
    )


def _trunk(row: Any) -> TrunkPlan:
    facts = dict(row)
    owned, shards = facts.pop("owned"), facts.pop("shards")
    trunk = to_trunk(facts)
    return TrunkPlan(
        trunk=trunk,
        calls_per_second=share_of(trunk.max_calls_per_second, owned, shards),
        channels=int(share_of(trunk.max_channels, owned, shards)),
    )
