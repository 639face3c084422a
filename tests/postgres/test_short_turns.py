"""The server's processes that claim and settle take short turns; those of others take ordinary ones."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from campaigns.database import Pool
from campaigns.short_turns import TURN_NANOSECONDS
from tests.campaigns.test_short_turns import KEEPS_TURNS, turn_nanoseconds
from tests.layers import not_available
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.dialing import BUSY, carrier, is_finished, running_node, settings_of, until


async def test_who_claims_and_settles_takes_short_turns(
    database: str, pool: Pool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not parse_qs(urlsplit(database).query).get("host"):
        not_available(request.config, "postgres", "the server of DATABASE_URL is not on a unix socket")
    async with carrier(BUSY) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1]
        )
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
            rows = await pool.fetch(
                "SELECT split_part(application_name, ' ', 4) AS purpose, pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'obzvon dial %'"
            )
            turns = {row["purpose"]: turn_nanoseconds(row["pid"]) for row in rows}
            ordinary = turn_nanoseconds(await pool.fetchval("SELECT pg_backend_pid()"))
    short = TURN_NANOSECONDS if KEEPS_TURNS else 0
    assert (turns["claim"], turns["settle"], turns["control"]) == (short, short, ordinary)
