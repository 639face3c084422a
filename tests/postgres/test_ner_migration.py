"""Figures that were summed before NER meant what ITU-T E.425 says are corrected with it, and back."""

from campaigns.database import Connection, Pool
from campaigns.rollups import fold_outbox
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.migration_steps import Steps

DAY = "2026-11-23T10:00:00Z"


async def reached(connection: Connection) -> list[tuple[int, int, int]]:
    """What the sums, and what sums and outbox together, say by shard."""
    rows = await connection.fetch(
        "SELECT shard_key, (SELECT sum(network_effective) FROM stats t WHERE t.shard_key = n.shard_key AND dim = 1) AS summed,"
        " sum(network_effective) AS now FROM stats_now n WHERE dim = 1 GROUP BY 1 ORDER BY 1"
    )
    return [(row["shard_key"], row["summed"], row["now"]) for row in rows]


async def test_what_is_summed_already_follows_the_definition(pool: Pool) -> None:
    """Per state of the outbox: a busy call, a refusal by the callee, and one by the trunk's policy."""
    campaign_id = await add_campaign(pool)
    shard_key = campaign_id * 256
    async with pool.acquire() as connection:
        for is_folded in (True, False):
            for result, fault in (("busy", "callee"), ("rejected", "callee"), ("rejected", "indeterminate")):
                await add_attempt(pool, campaign_id, DAY, result=result, fault=fault)
            if is_folded:
                await fold_outbox(connection)
        assert await reached(connection) == [(0, 2, 4), (shard_key, 2, 4)]
        steps = Steps(connection, "20261125001301")
        await steps.take_back_later()
        await steps.take_back()
        assert await reached(connection) == [(0, 3, 6), (shard_key, 3, 6)]
        await steps.do()
        await steps.do_later()
        assert await reached(connection) == [(0, 2, 4), (shard_key, 2, 4)]
        await fold_outbox(connection)
        assert await reached(connection) == [(0, 4, 4), (shard_key, 4, 4)]
