"""What was added up before there were rows of months has them after the migration."""

from pathlib import Path

from campaigns.database import Pool
from campaigns.rollups import fold_outbox
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.slow_recount import by_month, recount, told_of_months

MIGRATION = Path(__file__).parents[2] / "campaigns" / "migrations" / "20261126002001_months_of_stats.sql"


async def test_what_is_added_up_already_is_added_up_by_month(pool: Pool) -> None:
    up, down = MIGRATION.read_text(encoding="utf-8").split("-- migrate:down")
    campaign_id = await add_campaign(pool, time_zone="UTC")
    async with pool.acquire() as connection:
        for day in ("2026-10-31T23:59:00Z", "2026-11-01T00:00:00Z", "2026-11-23T09:00:00Z"):
            await add_attempt(pool, campaign_id, day, result="answered", talk_ms=40_000)
        await fold_outbox(connection)
        await add_attempt(pool, campaign_id, "2026-11-24T09:00:00Z", result="busy")
        await connection.execute(down)
        assert await connection.fetchval("SELECT max(dim) FROM stats") < 100
        await connection.execute(up)
        expected = by_month(await recount(connection, {campaign_id: "UTC"}))
        assert await told_of_months(connection) == expected
