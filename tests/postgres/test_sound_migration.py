"""Figures of sound that were only facts are in the sums after the migration, whatever still waited in the outbox; and back."""

from datetime import datetime, timedelta
from typing import Any

from campaigns.database import Connection, Pool
from campaigns.rollups import fold_outbox
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.migration_steps import Steps
from tests.postgres.slow_recount import by_month, recount, told, told_of_months

STARTED = "2026-11-23T10:00:00+00:00"
ANSWERED = datetime.fromisoformat(STARTED) + timedelta(seconds=4)
HEARD: dict[str, Any] = {
    "result": "answered",
    "answered_by": "machine",
    "answered_time": ANSWERED,
    "verdict_time": ANSWERED + timedelta(milliseconds=2310),
    "audit_share": 0.05,
    "audit_judgement": "human",
    "media_packets_expected": 500,
    "media_packets_lost": 7,
    "media_jitter_ms": 12.5,
    "media_is_one_way": False,
    "import_id": 3,
}


async def correct(connection: Connection, attempt_id: int) -> None:
    """As the product did before the migration: a disposition set later, with the columns that the outbox had."""
    columns = (
        "started_time, utc_offset_minutes, is_settled, attempt_number, trunk_id, caller_id, import_id, source, ad, keyword,"
        " region, result, fault, sip_status, q850_cause, answered_by, {}, pdd_ms, talk_ms, is_target, cost_micros, is_failover"
    )
    for sign, disposition in ((-1, "NULL"), (1, "'order'")):
        await connection.execute(
            f"INSERT INTO outbox SELECT shard_key, attempt_id, 2, {sign}, {columns.format(disposition)} FROM attempt_facts"
            " WHERE attempt_id = $1",
            attempt_id,
        )
    await connection.execute(
        "UPDATE attempts SET disposition = 'order', change_number = 2 WHERE attempt_id = $1", attempt_id
    )


async def test_what_was_heard_before_is_summed_too(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    zones = {campaign_id: "UTC"}
    async with pool.acquire() as connection:
        steps = Steps(connection, "20261126091001")
        await steps.take_back_later()
        await steps.take_back()
        ids = [await add_attempt(pool, campaign_id, STARTED, **HEARD) for _ in range(2)]
        await add_attempt(pool, campaign_id, STARTED, "+79000000002", "busy")
        await fold_old(connection)
        # not added up yet: a call that was heard, one that was not, a correction, and a lost one that turned up
        await add_attempt(pool, campaign_id, STARTED, **HEARD)
        await add_attempt(pool, campaign_id, STARTED, "+79000000002", None)
        await correct(connection, ids[0])
        await found_again(connection, await add_attempt(pool, campaign_id, STARTED, **HEARD))

        await steps.do()
        await steps.do_later()
        assert await told(connection) == await recount(connection, zones)
        assert await told_of_months(connection) == by_month(await recount(connection, zones))
        await fold_outbox(connection)
        assert await told(connection) == await recount(connection, zones)
        sums = await told(connection, "stats")
        assert sums[0, "day", "2026-11-23T00:00:00+00:00", ""]["packets_lost"] == 4 * 7
        assert sums[0, "trunk_jitter", "2026-11-23T00:00:00+00:00", "1:15"]["attempts"] == 4

        before = await connection.fetch("SELECT dim, sum(attempts) FROM stats GROUP BY 1 ORDER BY 1")
        await steps.take_back_later()
        await steps.take_back()
        after = await connection.fetch("SELECT dim, sum(attempts) FROM stats GROUP BY 1 ORDER BY 1")
        assert after == [row for row in before if row["dim"] % 100 < 18]
        await steps.do()
        await steps.do_later()
        assert await told(connection) == await recount(connection, zones)


async def found_again(connection: Connection, attempt_id: int) -> None:
    """The attempt was given up as lost, and neither that nor its real outcome is added up."""
    await connection.execute(
        "UPDATE attempts SET change_number = 2 WHERE attempt_id = $1",
        attempt_id,
    )
    await connection.execute("UPDATE outbox SET change_number = 2 WHERE attempt_id = $1", attempt_id)
    for sign, change_number in ((1, 1), (-1, 2)):
        await connection.execute(
            "INSERT INTO outbox (shard_key, attempt_id, change_number, sign, started_time, utc_offset_minutes, is_settled,"
            " attempt_number, trunk_id, caller_id, import_id, result, fault, is_target, is_failover)"
            " SELECT shard_key, attempt_id, $2, $3, started_time, utc_offset_minutes, true, attempt_number, trunk_id, caller_id,"
            " import_id, 'unknown', 'indeterminate', false, false FROM attempt_facts WHERE attempt_id = $1",
            attempt_id,
            change_number,
            sign,
        )


async def fold_old(connection: Connection) -> None:
    """Add up as the schema of that time does, whose columns are fewer."""
    names = [
        row["column_name"]
        for row in await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'stats' AND column_name"
            " NOT IN ('shard_key', 'dim', 'bucket_time', 'value') ORDER BY ordinal_position"
        )
    ]
    await connection.execute(
        f"WITH gone AS (DELETE FROM outbox RETURNING *) INSERT INTO stats (shard_key, dim, bucket_time, value, {', '.join(names)})"
        f" SELECT k.shard_key, s.dim, s.bucket_time, s.value, {', '.join(f'sum(s.{name})' for name in names)}"
        " FROM gone CROSS JOIN LATERAL fact_stats(ROW(gone.*)::outbox) s"
        " CROSS JOIN LATERAL (VALUES (gone.shard_key), (0)) AS k (shard_key) GROUP BY 1, 2, 3, 4"
    )
