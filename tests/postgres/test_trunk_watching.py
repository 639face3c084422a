"""What a node does with trunks outside of calls: it watches all of them, says what it knows, and calls by none that is not ready."""

import asyncio
from pathlib import Path
from typing import Any

from campaigns.database import Pool
from tests.postgres.campaign_rows import NOW, add_campaign, add_trunk
from tests.postgres.dialing import BUSY, carrier, is_finished, running_node, settings_of, until

REGISTERS = {"registration": {"expires_seconds": 60}}


async def health(pool: Pool, trunk_id: int) -> Any:
    return await pool.fetchrow("SELECT * FROM trunk_health WHERE trunk_id = $1", trunk_id)


async def test_a_node_says_how_every_trunk_is_and_takes_its_words_back_at_the_end(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, _):
        used = await add_trunk(pool, *far_end.address)
        nameless = await add_trunk(pool, "no-such-host.invalid", 5060)
        async with running_node(settings_of(database, tmp_path)):

            async def are_known() -> bool:
                there, gone = await health(pool, used), await health(pool, nameless)
                return bool(there and there["options_ms"] is not None and gone and gone["resolve_problem"])

            await until(are_known)
            row = await health(pool, used)
            assert (row["state"], row["options_status"], row["is_registered"], row["channels_in_use"]) == (
                "closed",
                200,
                None,
                0,
            )
            await pool.execute("UPDATE trunks SET deleted_time = $2 WHERE trunk_id = $1", nameless, NOW)

            async def is_forgotten() -> bool:
                return await health(pool, nameless) is None

            await until(is_forgotten)
    assert await pool.fetchval("SELECT count(*) FROM trunk_health") == 0


async def test_no_call_goes_by_a_trunk_that_does_not_register_us(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):  # the simulated carrier knows no REGISTER
        campaign_id = await add_campaign(
            pool, leads=2, trunk_host=far_end.address[0], trunk_port=far_end.address[1]
        )
        trunk_id = await pool.fetchval(
            "SELECT trunk_id FROM campaign_trunks WHERE campaign_id = $1", campaign_id
        )
        await pool.execute("UPDATE trunks SET profile = $2 WHERE trunk_id = $1", trunk_id, REGISTERS)
        async with running_node(settings_of(database, tmp_path)):

            async def is_refused() -> bool:
                row = await health(pool, trunk_id)
                return row is not None and row["registration_problem"] == "refused"

            await until(is_refused)
            await asyncio.sleep(1.0)  # five ticks of the dial loop
            assert len(truth) == 0
            assert await pool.fetchval("SELECT count(*) FROM attempts") == 0
            await pool.execute("UPDATE trunks SET profile = '{}' WHERE trunk_id = $1", trunk_id)
            await until(lambda: is_finished(pool, campaign_id))
        assert len(truth) == 2
