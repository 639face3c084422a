"""Campaigns, prompts, the do-not-call list and imports in the database: one method per statement, rows to structs."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from campaigns import audit
from campaigns.database import Connection, Pool
from campaigns.errors import Conflict, NotFound
from campaigns.import_report import ImportReport, RejectedRow
from campaigns.models import (
    Action,
    Campaign,
    CampaignPatch,
    CampaignTrunk,
    DncNumber,
    DncSource,
    NewCampaign,
    Prompt,
    RecordingPolicy,
    Status,
)
from campaigns.numbers import E164
from campaigns.statements import load_statements
from campaigns.trunk_store import TrunkStore, key

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))

MOVES: Final[Mapping[tuple[Status, Action], Status]] = {
    ("draft", "start"): "running",
    ("paused", "start"): "running",
    ("stopped", "start"): "running",
    # contacts may have been added since
    ("finished", "start"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "stop"): "stopped",
    ("paused", "stop"): "stopped",
}
"""What people may do to a campaign. `running` becomes `finished` by itself, in the node that settles its last lead."""

PCM_BYTES_PER_MS: Final = 16


class CampaignStore(TrunkStore):
    """
    All that the API and the command line read and change; safe to share between tasks.

    `can_record` says whether there is a key for recordings: without one no campaign that records starts.
    """

    def __init__(
        self, pool: Pool, rng: Callable[[int], bytes] = secrets.token_bytes, *, can_record: bool = True
    ) -> None:
        super().__init__(pool, rng)
        self._can_record = can_record

    async def create_campaign(self, settings: NewCampaign, now: datetime) -> Campaign:
        """
        Create a draft.

        Raises:
            NotFound: its trunk or its prompt.
        """
        s = settings
        async with self._pool.acquire() as connection, connection.transaction():
            try:
                campaign_id = await connection.fetchval(
                    SQL["create_campaign"], s.name, s.mode, s.purpose, s.split, s.prompt_id, s.caller_id,
                    s.default_country, s.time_zone, s.window_start_minute, s.window_end_minute,
                    list(s.window_weekdays), s.max_calls_per_second, s.max_concurrent_calls, s.ring_timeout_seconds,
                    s.max_talk_seconds, s.key_wait_seconds, s.retry_rules, s.callee_time_zone, now,
                    s.answering_machine, s.audit_share, s.false_positive_limit, s.recording, s.recording_days,
                )  # fmt: skip
            except asyncpg.ForeignKeyViolationError as error:
                raise NotFound("prompt", s.prompt_id or 0) from error
            await connection.execute(SQL["create_shards"], campaign_id, s.split)
            await add_trunks(connection, campaign_id, s.chosen_trunks())
            campaign = await fetch_campaign(connection, "get_campaign", campaign_id)
        log.info("campaign.created", campaign_id=campaign_id)
        return campaign

    async def get_campaign(self, campaign_id: int) -> Campaign:
        """Raise `NotFound` if there is none."""
        return await fetch_campaign(self._pool, "get_campaign", campaign_id)

    async def list_campaigns(self, after_id: int, limit: int) -> list[Campaign]:
        """Return campaigns by id, those above `after_id`."""
        return await self._campaigns(await self._pool.fetch(SQL["list_campaigns"], after_id, limit))

    async def newest_campaigns(self, limit: int) -> list[Campaign]:
        """Return the last made ones, newest first."""
        return await self._campaigns(await self._pool.fetch(SQL["newest_campaigns"], limit))

    async def _campaigns(self, rows: Sequence[asyncpg.Record]) -> list[Campaign]:
        ids = [row["campaign_id"] for row in rows]
        trunks = await self._pool.fetch(SQL["campaign_trunks"], ids)
        return [to_campaign(row, trunks) for row in rows]

    async def patch_campaign(
        self, campaign_id: int, patch: CampaignPatch, now: datetime, *, actor: str = audit.SYSTEM
    ) -> Campaign:
        """
        Change settings, in any status; a running campaign takes them up within a second, and calls that go on follow an
        `answering_machine` that hangs up on fewer. `actor` goes into the audit log.

        Raises:
            NotFound: the campaign, or the trunk or prompt it shall use.
            InvalidSettings: the whole would contradict itself.
            Conflict: `recording_key_missing`, of a running campaign.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            campaign = await fetch_campaign(connection, "lock_campaign", campaign_id)
            old = campaign.settings()
            s = patch.applied_to(old)
            if campaign.status == "running":
                self._check_recording(s.recording)
            try:
                await connection.execute(
                    SQL["update_campaign"], campaign_id, s.name, s.purpose, s.prompt_id, s.caller_id,
                    s.default_country, s.time_zone, s.window_start_minute, s.window_end_minute,
                    list(s.window_weekdays), s.max_calls_per_second, s.max_concurrent_calls, s.ring_timeout_seconds,
                    s.max_talk_seconds, s.key_wait_seconds, s.retry_rules, s.callee_time_zone,
                    s.answering_machine, s.audit_share, s.false_positive_limit, s.recording, s.recording_days,
                )  # fmt: skip
            except asyncpg.ForeignKeyViolationError as error:
                raise NotFound("prompt", s.prompt_id or 0) from error
            await connection.execute(SQL["remove_campaign_trunks"], campaign_id)
            await add_trunks(connection, campaign_id, s.chosen_trunks())
            await audit.record(
                connection, now, actor, "change", ("campaign", campaign_id),
                msgspec.structs.asdict(old), patch.changes(),
            )  # fmt: skip
            changed = await fetch_campaign(connection, "get_campaign", campaign_id)
            await connection.execute(SQL["wake_nodes"], campaign_id)
        log.info("campaign.changed", campaign_id=campaign_id, fields=sorted(patch.changes()))
        return changed

    async def set_status(
        self, campaign_id: int, action: Action, now: datetime, *, actor: str = audit.SYSTEM
    ) -> Campaign:
        """
        Start, pause, resume or stop. `actor` goes into the audit log.

        Raises:
            NotFound: no such campaign.
            Conflict: `illegal_status_change` (with `status` and `action`); on a way to running also
                `campaign_has_no_prompt`, `campaign_has_no_contacts` (none that is left to call) and `recording_key_missing`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            campaign = await fetch_campaign(connection, "lock_campaign", campaign_id)
            status = MOVES.get((campaign.status, action))
            if status is None:
                raise Conflict("illegal_status_change", status=campaign.status, action=action)
            if status == "running":
                if campaign.prompt_id is None:
                    raise Conflict("campaign_has_no_prompt")
                if not await connection.fetchval(SQL["has_leads_left"], campaign_id):
                    raise Conflict("campaign_has_no_contacts")
                self._check_recording(campaign.recording)
            await connection.execute(SQL["set_status"], campaign_id, status, now)
            await audit.record(
                connection, now, actor, action, ("campaign", campaign_id),
                {"status": campaign.status}, {"status": status},
            )  # fmt: skip
            changed = await fetch_campaign(connection, "get_campaign", campaign_id)
            await connection.execute(SQL["wake_nodes"], campaign_id)
        log.info("campaign.status_changed", campaign_id=campaign_id, status=status)
        return changed

    def _check_recording(self, recording: RecordingPolicy) -> None:
        if recording != "none" and not self._can_record:
            raise Conflict("recording_key_missing")

    async def add_prompt(self, name: str, pcm_s16le_8khz: bytes, now: datetime) -> Prompt:
        """Store a message: mono 16-bit samples at 8 kHz, as `dialer.media.prompt.read_audio` returns them."""
        duration_ms = len(pcm_s16le_8khz) // PCM_BYTES_PER_MS
        row = await self._pool.fetchrow(SQL["add_prompt"], name, duration_ms, pcm_s16le_8khz, now)
        return msgspec.convert(dict(row or {}), Prompt)

    async def list_prompts(self) -> list[Prompt]:
        return [msgspec.convert(dict(row), Prompt) for row in await self._pool.fetch(SQL["list_prompts"])]

    async def prompt_audio(self, prompt_id: int) -> bytes:
        """Return the samples as they were added."""
        pcm: bytes | None = await self._pool.fetchval(SQL["prompt_audio"], key(prompt_id, "prompt"))
        if pcm is None:
            raise NotFound("prompt", prompt_id)
        return pcm

    async def add_dnc(self, number: E164, source: DncSource, now: datetime) -> DncNumber:
        """Forbid calling the number, from this moment on; again changes nothing."""
        await self._pool.execute(SQL["add_dnc_number"], number, source, now)
        row = await self._pool.fetchrow(SQL["get_dnc_number"], number)
        return msgspec.convert(dict(row or {}), DncNumber)

    async def list_dnc(self, after_number: str, limit: int) -> list[DncNumber]:
        rows = await self._pool.fetch(SQL["list_dnc_numbers"], after_number, limit)
        return [msgspec.convert(dict(row), DncNumber) for row in rows]

    async def remove_dnc(self, number: E164) -> None:
        """Raise `NotFound` if it is not on the list."""
        if await self._pool.fetchval(SQL["remove_dnc_number"], number) is None:
            raise NotFound("dnc_number", number)

    async def get_import(self, import_id: int) -> ImportReport:
        """Return an import's figures without its rejected rows; those come from `list_rejections`."""
        row = await self._pool.fetchrow(SQL["get_import"], import_id)
        if row is None:
            raise NotFound("import", import_id)
        return msgspec.convert(dict(row), ImportReport)

    async def list_imports(self, campaign_id: int) -> list[ImportReport]:
        rows = await self._pool.fetch(SQL["list_imports"], key(campaign_id, "campaign"))
        return [msgspec.convert(dict(row), ImportReport) for row in rows]

    async def list_rejections(
        self, campaign_id: int, import_id: int, after_line: int, limit: int
    ) -> list[RejectedRow]:
        """Return rejected rows by line, those below `after_line`."""
        rows = await self._pool.fetch(SQL["list_rejections"], campaign_id, import_id, after_line, limit)
        return [msgspec.convert(dict(row), RejectedRow) for row in rows]


async def fetch_campaign(source: Connection | Any, statement: str, campaign_id: int) -> Campaign:
    row = await source.fetchrow(SQL[statement], key(campaign_id, "campaign"))
    if row is None:
        raise NotFound("campaign", campaign_id)
    return to_campaign(row, await source.fetch(SQL["campaign_trunks"], [campaign_id]))


def to_campaign(row: asyncpg.Record, trunks: Sequence[asyncpg.Record]) -> Campaign:
    """Put a campaign together; rows of `trunks` that are another campaign's are passed over."""
    own = [dict(trunk) for trunk in trunks if trunk["campaign_id"] == row["campaign_id"]]
    for trunk in own:
        del trunk["campaign_id"]
    return msgspec.convert({**dict(row), "trunks": own}, Campaign)


async def add_trunks(connection: Connection, campaign_id: int, trunks: Sequence[CampaignTrunk]) -> None:
    """Give a campaign its trunks. Raises `NotFound` for one that is not there."""
    wanted = [key(trunk.trunk_id, "trunk") for trunk in trunks]
    there = {row["trunk_id"] for row in await connection.fetch(SQL["lock_trunks"], wanted)}
    for trunk_id in wanted:
        if trunk_id not in there:
            raise NotFound("trunk", trunk_id)
    priorities, weights = [trunk.priority for trunk in trunks], [trunk.weight for trunk in trunks]
    await connection.execute(SQL["add_campaign_trunks"], campaign_id, wanted, priorities, weights)
