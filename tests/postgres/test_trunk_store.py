from datetime import UTC, datetime

import pytest

from campaigns.database import Pool
from campaigns.errors import Conflict, InvalidSettings, NotFound
from campaigns.models import CampaignPatch, CampaignTrunk, NewCampaign
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk, TrunkPatch
from dialer.config import HealthPolicy, Identity, Registration, SipPolicy

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FULL = NewTrunk(
    name="carrier",
    host="sip.example.net",
    port=5070,
    username="us",
    password="hush",
    caller_id="+74950000000",
    max_calls_per_second=2.5,
    max_channels=30,
    from_domain="example.net",
    identity=Identity(
        display_name="Фирма", has_asserted_identity=True, privacy=("id",), diversion="+74951112233"
    ),
    sip=SipPolicy(has_reliable_provisionals=False, session_expires_seconds=None, max_redirects=2),
    registration=Registration(registrars=("a.example.net", "192.0.2.7:5070"), expires_seconds=600),
    health=HealthPolicy(options_interval_seconds=None, consecutive_faults=9),
)


@pytest.fixture
def store(pool: Pool) -> CampaignStore:
    return CampaignStore(pool)


async def test_every_setting_of_a_trunk_comes_back_as_it_was_stored(store: CampaignStore) -> None:
    created = await store.create_trunk(FULL, NOW)
    assert created.settings() == FULL
    assert await store.get_trunk(created.trunk_id) == created
    config = created.config("192.0.2.1", 5099)
    assert (config.host, config.port, config.identity, config.registration) == (
        "192.0.2.1",
        5099,
        FULL.identity,
        FULL.registration,
    )
    assert "hush" not in repr(config)


async def test_a_patch_changes_what_it_names_and_nothing_else(store: CampaignStore) -> None:
    created = await store.create_trunk(FULL, NOW)
    changed = await store.patch_trunk(
        created.trunk_id, TrunkPatch(registration=None, max_channels=5, identity=Identity(is_anonymous=True))
    )
    assert (changed.registration, changed.max_channels, changed.identity) == (
        None,
        5,
        Identity(is_anonymous=True),
    )
    assert (changed.password, changed.sip, changed.name) == ("hush", FULL.sip, "carrier")
    with pytest.raises(InvalidSettings):
        await store.patch_trunk(created.trunk_id, TrunkPatch(username=None))
    await store.create_trunk(NewTrunk(name="other", host="127.0.0.9"), NOW)
    with pytest.raises(Conflict, match="trunk_name_taken"):
        await store.patch_trunk(created.trunk_id, TrunkPatch(name="other"))
    assert await store.get_trunk(created.trunk_id) == changed


async def test_a_trunk_in_use_stays_and_a_deleted_one_keeps_no_secret(
    store: CampaignStore, pool: Pool
) -> None:
    used, spare = [
        await store.create_trunk(NewTrunk(name=name, host="127.0.0.9", username="u", password="hush"), NOW)
        for name in ("used", "spare")
    ]
    campaign = await store.create_campaign(NewCampaign(name="autumn", trunk_id=used.trunk_id), NOW)
    with pytest.raises(Conflict, match="trunk_in_use") as refused:
        await store.delete_trunk(used.trunk_id, NOW)
    assert refused.value.params["campaigns"] == ["autumn"]
    await store.patch_campaign(campaign.campaign_id, CampaignPatch(trunk_id=spare.trunk_id), NOW)
    await store.delete_trunk(used.trunk_id, NOW)
    assert [trunk.name for trunk in await store.list_trunks()] == ["spare"]
    assert await pool.fetchval("SELECT password FROM trunks WHERE name = 'used'") is None
    for trial in (store.get_trunk(used.trunk_id), store.delete_trunk(used.trunk_id, NOW)):
        with pytest.raises(NotFound):
            await trial
    with pytest.raises(NotFound, match="trunk"):
        await store.create_campaign(NewCampaign(name="late", trunk_id=used.trunk_id), NOW)
    again = await store.create_trunk(NewTrunk(name="used", host="127.0.0.8"), NOW)
    assert again.trunk_id != used.trunk_id


async def test_a_campaign_has_any_number_of_trunks(store: CampaignStore) -> None:
    ids = [(await store.create_trunk(NewTrunk(name=name, host="127.0.0.9"), NOW)).trunk_id for name in "abc"]
    trunks = (
        CampaignTrunk(trunk_id=ids[1], weight=3),
        CampaignTrunk(trunk_id=ids[2], weight=1),
        CampaignTrunk(trunk_id=ids[0], priority=5),
    )
    created = await store.create_campaign(NewCampaign(name="c", trunks=trunks), NOW)
    assert created.trunks == trunks
    assert [campaign.trunks for campaign in await store.list_campaigns(0, 10)] == [trunks]
    one = await store.patch_campaign(created.campaign_id, CampaignPatch(trunk_id=ids[0]), NOW)
    assert one.trunks == (CampaignTrunk(trunk_id=ids[0]),)
    with pytest.raises(NotFound, match="trunk 77"):
        await store.patch_campaign(
            created.campaign_id, CampaignPatch(trunks=(CampaignTrunk(trunk_id=77), trunks[0])), NOW
        )
    assert (await store.get_campaign(created.campaign_id)).trunks == one.trunks
