from analytics.overview import overview
from campaigns.database import Pool
from tests.browser.rows import add_known_campaign
from tests.postgres.campaign_rows import add_campaign


async def test_each_campaign_has_its_own_figures(pool: Pool) -> None:
    """25 of 40 contacts are done by 25 attempts, 14 of them answered; the other campaign has two new contacts."""
    known = await add_known_campaign(pool)
    fresh = await add_campaign(pool, leads=2, status="draft")
    figures = await overview(pool, [fresh, known])
    assert (figures[known].done, figures[known].total, figures[known].attempts) == (25, 40, 25)
    assert (figures[known].answered.numerator, figures[known].answered.denominator) == (14, 25)
    assert (figures[fresh].done, figures[fresh].total, figures[fresh].answered.value) == (0, 2, None)
