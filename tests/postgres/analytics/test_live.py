from analytics.live import LAST_CALLS, live_state
from campaigns.database import Pool
from tests.postgres.analytics.facts import add_attempt, add_campaign, add_lead


async def test_the_live_state_counts_leads_and_results(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    for contact_id, status in enumerate(("pending", "pending", "dialing", "finished", "blocked"), start=1):
        await add_lead(pool, campaign_id, contact_id, status)
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", result="answered", disposition="refused")
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:01Z", result="busy")
    open_id = await add_attempt(pool, campaign_id, "2026-11-23T10:00:02Z", result=None)

    state = await live_state(pool, campaign_id)

    leads = state.leads
    assert (leads.total, leads.pending, leads.dialing, leads.finished, leads.blocked) == (5, 2, 1, 1, 1)
    assert (state.attempts, state.open_attempts) == (3, 1)
    assert (state.answered.numerator, state.answered.denominator, state.answered.value) == (1, 2, 0.5)
    assert {result: n for result, n in state.outcomes.items() if n} == {"answered": 1, "busy": 1}
    assert (state.callback_requests, state.refusals) == (0, 1)
    assert state.last_attempts[0].attempt_id == open_id


async def test_only_the_newest_calls_are_listed(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    ids = [
        await add_attempt(pool, campaign_id, f"2026-11-23T10:00:{second:02d}Z")
        for second in range(LAST_CALLS + 3)
    ]
    state = await live_state(pool, campaign_id)
    assert [attempt.attempt_id for attempt in state.last_attempts] == ids[: -LAST_CALLS - 1 : -1]


async def test_a_campaign_without_leads_is_all_zero_with_a_null_share(pool: Pool) -> None:
    state = await live_state(pool, await add_campaign(pool))
    assert (state.leads.total, state.attempts, state.answered.value) == (0, 0, None)
