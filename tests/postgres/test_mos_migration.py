"""Calls that were settled before their MOS was kept have it after the migration, the one that the product estimates, and so have the sums."""

import itertools
from typing import Any

from campaigns.database import Connection, Pool
from campaigns.migrate import MIGRATIONS_DIR
from campaigns.rollups import fold_outbox
from dialer.rtp.quality import MediaQuality
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.migration_steps import Steps
from tests.postgres.slow_recount import by_month, recount, told, told_of_months
from tests.postgres.test_sound_migration import fold_old, found_again

_MONTHS_MIGRATION = (MIGRATIONS_DIR / "20261126002001_months_of_stats.sql").read_text(encoding="utf-8")
MONTHS = "DO $$" + _MONTHS_MIGRATION.partition("DO $$")[2].partition("-- migrate:down")[0]
"""Adds up days to months, whichever counters there are."""
STARTED = "2026-11-23T10:00:00+00:00"
COUNTED = (
    "packets_expected", "packets_received", "packets_lost", "packets_late", "packets_duplicated", "packets_sent", "jitter_ms",
    "round_trip_ms", "reported_loss", "is_one_way",
)  # fmt: skip
HEARD = [
    dict(zip(("packets_expected", "packets_lost", "jitter_ms", "round_trip_ms", "reported_loss", "is_one_way"), figures, strict=True))
    for figures in itertools.product(
        (0, 1000), (-3, 0, 37, 640), (None, 1.5, 60.5), (None, 20.5, 480.0, 4000.0), (None, 0.0, 0.25, 1.0), (None, False, True)
    )
]  # fmt: skip


def columns(heard: dict[str, Any]) -> dict[str, Any]:
    return {f"media_{name}": value for name, value in heard.items()}


async def estimates(connection: Connection) -> list[tuple[int | None, int | None]]:
    """What is kept, and what the product makes of the same figures, which must be the same."""
    rows = await connection.fetch(
        f"SELECT {', '.join(f'media_{name} AS {name}' for name in COUNTED)}, media_mos_hundredths, media_sent_mos_hundredths"
        " FROM attempts WHERE media_packets_expected IS NOT NULL ORDER BY attempt_id"
    )
    for row in rows:
        quality = MediaQuality(**{name: row[name] for name in COUNTED})
        assert (row["media_mos_hundredths"], row["media_sent_mos_hundredths"]) == (
            quality.mos_hundredths,
            quality.sent_mos_hundredths,
        ), quality
    return [(row["media_mos_hundredths"], row["media_sent_mos_hundredths"]) for row in rows]


async def test_calls_of_before_are_estimated_and_summed(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    zones = {campaign_id: "UTC"}
    async with pool.acquire() as connection:
        steps = Steps(connection, "20261126111001")
        await steps.take_back_later()
        await steps.take_back()
        for heard in HEARD:
            await add_attempt(pool, campaign_id, STARTED, result="answered", **columns(heard))
        await add_attempt(pool, campaign_id, STARTED, "+79000000002", "busy")
        await fold_old(connection)
        await connection.execute(MONTHS)
        # not added up yet: a call that was heard, and a lost one that turned up; and one that is under way
        await add_attempt(pool, campaign_id, STARTED, result="answered", **columns(HEARD[-7]))
        lost_id = await add_attempt(pool, campaign_id, STARTED, result="answered", **columns(HEARD[-7]))
        await found_again(connection, lost_id)
        await add_attempt(pool, campaign_id, STARTED, "+79000000003", None)

        await steps.do()
        await steps.do_later()
        kept = await estimates(connection)
        assert len(set(kept)) > 50
        assert (None, None) in kept
        assert await told(connection) == await recount(connection, zones)
        assert await told_of_months(connection) == by_month(await recount(connection, zones))
        await fold_outbox(connection)
        assert await told(connection) == await recount(connection, zones)
        sums = (await told(connection, "stats"))[0, "day", "2026-11-23T00:00:00+00:00", ""]
        received = [mos for mos, _ in kept if mos is not None]
        assert (sums["mos_calls"], sums["mos_hundredths_sum"]) == (len(received), sum(received))

        await steps.take_back_later()
        await steps.take_back()
        await steps.do()
        await steps.do_later()
        assert await estimates(connection) == kept
        assert await told(connection) == await recount(connection, zones)
