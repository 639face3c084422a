"""A campaign made and run the way a user would: through the store and the import."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

from campaigns.contact_import import ContactImport
from campaigns.database import Pool
from campaigns.models import AnsweringMachine, NewCampaign, RetryRule
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk

ONE_FRAME_OF_SILENCE = bytes(320)
"""20 ms of 16-bit PCM at 8 kHz: the shortest message a campaign can play, one RTP packet."""
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


async def make_campaign(
    pool: Pool,
    *,
    trunk: tuple[str, int],
    numbers: Iterable[str],
    calls_per_second: float,
    max_concurrent_calls: int = 500,
    hold_seconds: float,
    prompt_pcm: bytes = ONE_FRAME_OF_SILENCE,
    ring_timeout_seconds: float = 15.0,
    retry_rules: dict[str, RetryRule] | None = None,
    answering_machine: AnsweringMachine = "ignore",
) -> int:
    """Create a campaign over these E.164 numbers, callable at any hour; return its id. `start` begins it."""
    store = CampaignStore(pool)
    now = datetime.now(UTC)
    made = await store.create_trunk(
        NewTrunk(
            name=f"{trunk[0]} {now.isoformat()}",
            host=trunk[0],
            port=trunk[1],
            caller_id="obzvon",
            max_calls_per_second=10 * calls_per_second,
            max_channels=10_000,
        ),
        now,
    )
    campaign = await store.create_campaign(
        NewCampaign(
            name=f"campaign over {trunk[0]}",
            trunk_id=made.trunk_id,
            prompt_id=(await store.add_prompt("bench", prompt_pcm, now)).prompt_id,
            window_start_minute=0,
            window_end_minute=1440,
            window_weekdays=EVERY_DAY,
            max_calls_per_second=calls_per_second,
            max_concurrent_calls=max_concurrent_calls,
            ring_timeout_seconds=ring_timeout_seconds,
            key_wait_seconds=hold_seconds,
            retry_rules=retry_rules or {},
            answering_machine=answering_machine,
        ),
        now,
    )

    async def file() -> AsyncIterator[bytes]:
        yield "\n".join(["phone", *numbers]).encode()

    report = await ContactImport(pool).run(campaign.campaign_id, file(), "bench.csv", now)
    assert not report.rejected, report.rejected[:3]
    return campaign.campaign_id


async def start(pool: Pool, campaign_id: int) -> None:
    await CampaignStore(pool).set_status(campaign_id, "start", datetime.now(UTC))


async def until_finished(pool: Pool, campaign_id: int, *, seconds: float) -> None:
    """Wait until the campaign has nothing left to do."""
    store = CampaignStore(pool)
    async with asyncio.timeout(seconds):
        while (await store.get_campaign(campaign_id)).status != "finished":
            await asyncio.sleep(0.5)
