from campaigns.audit import list_audit
from campaigns.database import Pool
from campaigns.models import CampaignPatch
from campaigns.store import CampaignStore
from tests.postgres.campaign_rows import NOW, add_campaign


async def test_a_change_is_kept_with_who_and_what(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, max_calls_per_second=5.0)
    store = CampaignStore(pool)
    await store.patch_campaign(
        campaign_id, CampaignPatch(max_calls_per_second=7.0, max_concurrent_calls=1000), NOW, actor="key:3"
    )
    await store.set_status(campaign_id, "pause", NOW, actor="session:a")
    pause, change = await list_audit(pool, 10, 10)
    assert (change.actor, change.action, change.subject_id) == ("key:3", "change", campaign_id)
    assert (change.old, change.new) == ({"max_calls_per_second": 5.0}, {"max_calls_per_second": 7.0})
    assert (pause.actor, pause.action) == ("session:a", "pause")
    assert (pause.old, pause.new) == ({"status": "running"}, {"status": "paused"})
    assert await list_audit(pool, pause.audit_id, 10) == [change]
