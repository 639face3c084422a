"""What a node works on: its shards, each with everything that a call of its campaign needs. Reloaded every second."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from campaigns.calling_window import CallingWindow
from campaigns.database import Connection
from campaigns.models import RetryRule
from campaigns.pacing import share_of
from campaigns.statements import load_statements
from dialer.config import Secret, TrunkConfig
from dialer.media.prompt import Prompt

log = structlog.get_logger()

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
    retry_rules: Mapping[str, RetryRule]
    prompt: Prompt | None
    trunk_id: int
    trunk: TrunkConfig
    trunk_calls_per_second: float
    trunk_channels: int
    caller_id: str


class PlanLoader:
    """Keeps prompts and resolved hosts between loads."""

    def __init__(self) -> None:
        self._prompts: dict[int, Prompt] = {}
        self._unresolvable: set[str] = set()

    async def load(self, connection: Connection, run_id: int) -> list[ShardPlan]:
        """Read what the run owns. A shard whose trunk's name does not resolve is left out, and named in the log."""
        plans = []
        rows = await connection.fetch(STATEMENTS["load_shards"], run_id)
        prompt_ids = {row["prompt_id"] for row in rows}
        self._prompts = {key: prompt for key, prompt in self._prompts.items() if key in prompt_ids}
        for row in rows:
            host = await self._resolve(row["trunk_host"])
            if host is not None:
                plans.append(_plan(row, host, await self._prompt(connection, row["prompt_id"])))
        return plans

    async def _prompt(self, connection: Connection, prompt_id: int | None) -> Prompt | None:
        if prompt_id is None:
            return None
        if prompt_id not in self._prompts:
            pcm = await connection.fetchval(STATEMENTS["load_prompt"], prompt_id)
            self._prompts[prompt_id] = await asyncio.to_thread(Prompt.from_pcm, pcm)
        return self._prompts[prompt_id]

    async def _resolve(self, host: str) -> str | None:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return await self._look_up(host)
        return host

    async def _look_up(self, host: str) -> str | None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(5.0):
                found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        except (OSError, TimeoutError, UnicodeError) as error:
            if host not in self._unresolvable:
                self._unresolvable.add(host)
                log.error("trunk.unresolved", host=host, error=str(error))  # noqa: TRY400 - the resolver's own words
            return None
        self._unresolvable.discard(host)
        return str(found[0][4][0])


def _plan(row: Any, trunk_host: str, prompt: Prompt | None) -> ShardPlan:
    campaign = (row["campaign_owned"], row["campaign_shards"])
    trunk = (row["trunk_owned"], row["trunk_shards"])
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
        retry_rules=msgspec.convert(row["retry_rules"], dict[str, RetryRule]),
        prompt=prompt,
        trunk_id=row["trunk_id"],
        trunk=TrunkConfig(
            name=row["trunk_name"],
            host=trunk_host,
            port=row["trunk_port"],
            username=row["username"],
            password=None if row["password"] is None else Secret(row["password"]),
            caller_id=row["caller_id"],
        ),
        trunk_calls_per_second=share_of(row["trunk_calls_per_second"], *trunk),
        trunk_channels=int(share_of(row["trunk_channels"], *trunk)),
        caller_id=row["caller_id"],
    )
