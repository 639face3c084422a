import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.database import Pool
from campaigns.errors import Conflict, InvalidSettings, NotFound
from campaigns.models import (
    Action,
    Campaign,
    CampaignPatch,
    CampaignTrunk,
    NewCampaign,
    RetryRule,
    Status,
)
from campaigns.numbers import E164
from campaigns.store import MOVES, CampaignStore
from campaigns.trunk_models import NewTrunk, Trunk

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(pool: Pool) -> CampaignStore:
    return CampaignStore(pool)


@pytest.fixture
async def trunk(store: CampaignStore) -> Trunk:
    return await store.create_trunk(
        NewTrunk(name="carrier", host="127.0.0.9", username="us", password="hidden"), NOW
    )


@pytest.fixture
async def campaign(store: CampaignStore, trunk: Trunk) -> Campaign:
    """A campaign that may be started."""
    prompt = await store.add_prompt("hello", bytes(16_000), NOW)
    campaign = await store.create_campaign(
        NewCampaign(name="c", trunk_id=trunk.trunk_id, prompt_id=prompt.prompt_id), NOW
    )
    await store._pool.execute(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made) "
        "VALUES ($1, 1, $2, '+79000000001', 'pending', $3, 0)",
        campaign.campaign_id * 256,
        campaign.campaign_id,
        NOW,
    )
    return campaign


async def test_a_campaign_is_stored_as_it_was_asked_for(
    store: CampaignStore, trunk: Trunk, pool: Pool
) -> None:
    settings = NewCampaign(
        name="Обзвон", trunks=(CampaignTrunk(trunk_id=trunk.trunk_id, priority=2, weight=3),), split=3, max_calls_per_second=0.3, window_weekdays=(6, 7),
        retry_rules={"busy": RetryRule(delay_seconds=60, max_attempts=2)},
    )  # fmt: skip
    created = await store.create_campaign(settings, NOW)
    assert created.settings() == settings
    assert (created.status, created.created_time, created.started_time) == ("draft", NOW, None)
    assert await store.get_campaign(created.campaign_id) == created
    shards = await pool.fetch("SELECT shard_key FROM shards ORDER BY 1")
    first = created.campaign_id * 256
    assert [row["shard_key"] for row in shards] == [first, first + 1, first + 2]


async def test_campaigns_are_listed_by_id(store: CampaignStore, trunk: Trunk) -> None:
    ids = [
        (await store.create_campaign(NewCampaign(name=name, trunk_id=trunk.trunk_id), NOW)).campaign_id
        for name in "abc"
    ]
    assert [campaign.campaign_id for campaign in await store.list_campaigns(ids[0], 1)] == [ids[1]]


async def test_a_campaign_needs_a_trunk_and_a_prompt_that_exist(store: CampaignStore, trunk: Trunk) -> None:
    with pytest.raises(NotFound, match="trunk 99"):
        await store.create_campaign(NewCampaign(name="c", trunk_id=99), NOW)
    with pytest.raises(NotFound, match="prompt 99"):
        await store.create_campaign(NewCampaign(name="c", trunk_id=trunk.trunk_id, prompt_id=99), NOW)


async def test_a_patch_changes_what_it_names_and_is_checked_as_a_whole(
    store: CampaignStore, campaign: Campaign
) -> None:
    changed = await store.patch_campaign(campaign.campaign_id, CampaignPatch(max_concurrent_calls=7), NOW)
    assert (changed.max_concurrent_calls, changed.name) == (7, "c")
    with pytest.raises(InvalidSettings):
        await store.patch_campaign(campaign.campaign_id, CampaignPatch(window_start_minute=1300), NOW)
    with pytest.raises(NotFound, match="trunk"):
        await store.patch_campaign(campaign.campaign_id, CampaignPatch(trunk_id=99), NOW)
    assert await store.get_campaign(campaign.campaign_id) == changed


@pytest.mark.parametrize("status", ["draft", "running", "paused", "stopped", "finished"])
@pytest.mark.parametrize("action", ["start", "pause", "resume", "stop"])
async def test_only_the_moves_of_the_table_are_made(
    store: CampaignStore, pool: Pool, campaign: Campaign, status: Status, action: Action
) -> None:
    await pool.execute("UPDATE campaigns SET status = $1", status)
    if (status, action) in MOVES:
        assert (await store.set_status(campaign.campaign_id, action, NOW)).status == MOVES[status, action]
        return
    with pytest.raises(Conflict) as conflict:
        await store.set_status(campaign.campaign_id, action, NOW)
    assert (conflict.value.code, conflict.value.params) == (
        "illegal_status_change",
        {"status": status, "action": action},
    )


async def test_the_first_start_and_the_last_stop_are_remembered(
    store: CampaignStore, campaign: Campaign
) -> None:
    await store.set_status(campaign.campaign_id, "start", NOW)
    stopped = await store.set_status(campaign.campaign_id, "stop", NOW + HOUR)
    assert (stopped.started_time, stopped.finished_time) == (NOW, NOW + HOUR)
    again = await store.set_status(campaign.campaign_id, "start", NOW + 2 * HOUR)
    assert (again.started_time, again.finished_time) == (NOW, None)


async def test_what_has_nothing_to_play_or_nobody_to_call_cannot_start(
    store: CampaignStore, pool: Pool, campaign: Campaign
) -> None:
    await pool.execute("UPDATE leads SET due_time = NULL, status = 'finished'")
    with pytest.raises(Conflict, match="campaign_has_no_contacts"):
        await store.set_status(campaign.campaign_id, "start", NOW)
    await pool.execute("UPDATE campaigns SET prompt_id = NULL")
    with pytest.raises(Conflict, match="campaign_has_no_prompt"):
        await store.set_status(campaign.campaign_id, "start", NOW)


async def test_without_a_key_no_campaign_that_records_starts_or_begins_to_record(
    pool: Pool, campaign: Campaign
) -> None:
    store = CampaignStore(pool, can_record=False)
    await store.patch_campaign(campaign.campaign_id, CampaignPatch(recording="on_demand"), NOW)
    with pytest.raises(Conflict, match="recording_key_missing"):
        await store.set_status(campaign.campaign_id, "start", NOW)
    await store.patch_campaign(campaign.campaign_id, CampaignPatch(recording="none"), NOW)
    await store.set_status(campaign.campaign_id, "start", NOW)
    with pytest.raises(Conflict, match="recording_key_missing"):
        await store.patch_campaign(campaign.campaign_id, CampaignPatch(recording="all"), NOW)
    await store.set_status(campaign.campaign_id, "stop", NOW)


async def test_a_change_of_status_wakes_the_nodes(
    store: CampaignStore, pool: Pool, campaign: Campaign
) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()
    async with pool.acquire() as connection:
        await connection.add_listener("campaign_control", lambda *words: heard.put_nowait(words[-1]))
        await store.set_status(campaign.campaign_id, "start", NOW)
        assert await heard.get() == str(campaign.campaign_id)
        await connection.reset()


@pytest.mark.parametrize("campaign_id", [4711, -1, 2**40])
async def test_an_unknown_campaign_is_not_found(store: CampaignStore, campaign_id: int) -> None:
    for asked in (
        store.get_campaign(campaign_id),
        store.set_status(campaign_id, "start", NOW),
        store.patch_campaign(campaign_id, CampaignPatch(name="n"), NOW),
    ):
        with pytest.raises(NotFound):
            await asked


async def test_a_trunk_name_is_used_once(store: CampaignStore, trunk: Trunk) -> None:
    assert await store.list_trunks() == [trunk]
    assert await store.get_trunk(trunk.trunk_id) == trunk
    with pytest.raises(Conflict, match="trunk_name_taken"):
        await store.create_trunk(NewTrunk(name="carrier", host="127.0.0.8"), NOW)
    with pytest.raises(NotFound):
        await store.get_trunk(99)


async def test_a_prompt_keeps_its_sound(store: CampaignStore) -> None:
    prompt = await store.add_prompt("hello", b"\1\2" * 8_000, NOW)
    assert prompt.duration_ms == 1_000
    assert await store.list_prompts() == [prompt]
    assert await store.prompt_audio(prompt.prompt_id) == b"\1\2" * 8_000
    with pytest.raises(NotFound):
        await store.prompt_audio(99)


async def test_the_first_refusal_stays(store: CampaignStore) -> None:
    number = E164("+79000000001")
    first = await store.add_dnc(number, "key_press", NOW)
    assert await store.add_dnc(number, "api", NOW + HOUR) == first
    assert await store.list_dnc("", 10) == [first]
    assert await store.list_dnc(number, 10) == []
    await store.remove_dnc(number)
    with pytest.raises(NotFound):
        await store.remove_dnc(number)
    with pytest.raises(NotFound):
        await store.get_import(1)
