"""Seals that say something else than their days' facts are found, named and made anew; a sealer killed anywhere leaves none."""

import asyncio
import random
import subprocess
import sys
from datetime import UTC, date, datetime

import asyncpg
import pytest

from analytics.attribution import attributed_numbers
from analytics.callbacks import callback_groups
from analytics.distinct import KINDS, distinct_numbers
from campaigns import attribution_seals
from campaigns.callback_seals import seal_callbacks
from campaigns.database import Connection, Pool, prepare_connection
from campaigns.number_seals import seal_days, seal_months
from campaigns.rollup_statements import TOTALS_SHARD
from campaigns.rollups import check_slice, fold_outbox, slices_of
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.slow_recount import attributed_recount, callback_recount, distinct_recount
from tests.postgres.test_rollup_histories import MOMENTS, History, make_campaigns

NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
LATER = datetime(2027, 2, 1, tzinfo=UTC)
RANGE = (date(2026, 1, 1), date(2028, 1, 1))
DAYS = ("2026-10-30", "2026-11-02", "2026-11-09")
KILLS = 6


async def seal(connection: Connection, now: datetime) -> None:
    await fold_outbox(connection)
    sources = (attribution_seals.seal_days, attribution_seals.seal_months)
    for make in (seal_days, seal_months, *sources, seal_callbacks):
        while await make(connection, now):
            pass


async def add_history(pool: Pool) -> dict[int, str]:
    """Two campaigns that share numbers, sealed; of two requests to be called back a day one was answered."""
    campaigns = [await add_campaign(pool, f"sealed {index}", time_zone="Europe/Moscow") for index in range(2)]
    for campaign_id in campaigns:
        for index, day in enumerate(DAYS):
            for call in range(4):
                await add_attempt(
                    pool,
                    campaign_id,
                    f"{day}T0{call + 5}:30:00Z",
                    f"+7900000{(index + call % 3) % 5:04d}",
                    "answered" if call % 2 else "busy",
                    talk_ms=40_000 if call == 1 else 3_000,
                    disposition="callback_requested" if call < 2 else None,
                    source=(None, "site", "search")[call % 3],
                    ad="banner",
                )
    async with pool.acquire() as connection:
        await seal(connection, NOW)
    return dict.fromkeys(campaigns, "Europe/Moscow")


async def rebuild(connection: Connection, *, repair: bool = True) -> int:
    """As `obzvon rollups rebuild` and `check` do; return how many differences there were."""
    verdicts = [
        await check_slice(connection, part, LATER, repair=repair) for part in await slices_of(connection)
    ]
    return sum(verdict.differences for verdict in verdicts)


async def assert_told_as_recounted(connection: Connection, zones: dict[int, str]) -> None:
    for shard_key in (None, *(campaign_id * 256 for campaign_id in zones)):
        shards = [TOTALS_SHARD if shard_key is None else shard_key]
        counted = await distinct_numbers(connection, None if shard_key is None else shards, *RANGE)
        assert counted.counts == await distinct_recount(connection, zones, shard_key, *RANGE)
        called_back = await callback_groups(connection, shards, *RANGE, LATER, lambda _: ())
        assert called_back.get((), {}) == await callback_recount(connection, zones, shard_key, *RANGE, LATER)
        for dim, name in ((6, "source"), (7, "ad"), (8, "keyword")):
            for takes_months in (False, True):
                told = await attributed_numbers(
                    connection, shards, *RANGE, KINDS, dim, lambda _, value: (value,), takes_months=takes_months
                )  # fmt: skip
                assert {value: counts for (value,), counts in told.items()} == await attributed_recount(
                    connection, zones, shard_key, *RANGE, name
                )


@pytest.mark.parametrize(
    "damage",
    [
        # bitmaps that are those of others, that are none, that have no values, that have one value too few
        "UPDATE attribution_seals SET dialed = answered WHERE dim = 6",
        r"UPDATE attribution_seals SET person = array_fill('\x00'::bytea, ARRAY[cardinality(dialed)]) WHERE shard_key = 0",
        (
            "UPDATE attribution_seals SET value_texts = '{}', dialed = '{}', answered = '{}', person = '{}', target = '{}',"
            " success = '{}' WHERE shard_key > 0"
        ),
        "UPDATE attribution_seals SET value_texts = trim_array(value_texts, 1) WHERE dim = 6",
        "UPDATE attribution_seals SET value_texts[1] = 'nobody'",
        # the months alone
        "UPDATE attribution_seals SET dialed = target WHERE dim > 100",
        "UPDATE number_seals SET dialed = target",
        "UPDATE number_month_seals SET answered = target",
        r"UPDATE number_seals SET success = '\x'",
        # called back more often, never, less often than there are requests of all campaigns
        "UPDATE callback_seals SET done = done + 1",
        "UPDATE callback_seals SET done = 0 WHERE shard_key > 0",
        "UPDATE callback_seals SET done = -1 WHERE shard_key = 0 AND day = '2026-11-09'",
        # facts, behind the back of the product: of a source no sum of the day differs, so no seal is given up
        "UPDATE attempts SET source = 'search' WHERE source = 'site'",
        "UPDATE attempts SET contact_id = contact_id + 1000, number = '+7900000' || 1000 + right(number, 4)::int WHERE result = 'busy'",
        "UPDATE attempts SET result = 'busy', answered_by = NULL WHERE result = 'answered'",
        # whoever was called back is another now
        (
            "UPDATE attempts SET contact_id = contact_id + 1000, number = '+7900000' || 1000 + right(number, 4)::int"
            " WHERE disposition = 'callback_requested'"
        ),
    ],
)
async def test_a_rebuild_mends_seals_that_say_what_is_not_so(pool: Pool, damage: str) -> None:
    zones = await add_history(pool)
    async with pool.acquire() as connection:
        assert await rebuild(connection, repair=False) == 0
        assert await connection.execute(damage) != "UPDATE 0"
        found = await rebuild(connection, repair=False)
        assert found > 0
        assert await rebuild(connection, repair=False) == found, "looking mends nothing"
        assert await rebuild(connection) > 0
        await assert_told_as_recounted(connection, zones)
        await seal(connection, LATER)
        assert await rebuild(connection, repair=False) == 0
        await assert_told_as_recounted(connection, zones)


async def test_seals_that_are_gone_or_do_not_hold_are_the_sealers_and_no_difference(pool: Pool) -> None:
    zones = await add_history(pool)
    async with pool.acquire() as connection:
        await connection.execute("DELETE FROM attribution_seals WHERE dim = 6")
        await connection.execute("UPDATE number_seals SET attempts = 0, dialed = target")
        await connection.execute("UPDATE callback_seals SET attempts = 0, done = 99")
        assert await rebuild(connection) == 0
        await assert_told_as_recounted(connection, zones)


async def test_callbacks_that_were_sealed_too_early_are_the_facts_to_tell_again(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await add_attempt(
        pool, campaign_id, "2026-11-09T09:00:00Z", "+79000000001", disposition="callback_requested"
    )
    early = datetime(2026, 11, 9, 12, tzinfo=UTC)
    counted = []
    async with pool.acquire() as connection:
        await seal(connection, NOW)  # by a clock that was a month ahead
        for repair in (False, True):
            for part in await slices_of(connection):
                assert (await check_slice(connection, part, early, repair=repair)).differences == 1
            told = await callback_groups(connection, [campaign_id * 256], *RANGE, early, lambda _: ())
            counted.append((told[()]["callbacks_due"], told[()]["callbacks_missed"]))
    assert counted == [(0, 1), (1, 0)]


@pytest.mark.timeout(180)
async def test_a_sealer_killed_at_any_point_leaves_no_seal_that_is_wrong(database: str) -> None:
    rng = random.Random(11)
    zones = await make_campaigns(database)
    connection = await asyncpg.connect(database, server_settings={"timezone": "UTC"})
    await prepare_connection(connection)
    life = History(connection, zones)
    await life.clear()
    for kill in range(KILLS):
        with subprocess.Popen(  # noqa: ASYNC220 - killed by us, not waited for
            [sys.executable, "-m", "tests.postgres.roller_process", database, "seal"], stdout=subprocess.PIPE
        ) as sealer:
            assert sealer.stdout is not None
            await asyncio.to_thread(sealer.stdout.readline)
            for _ in range(rng.randrange(5, 15)):
                await life.begin(
                    rng.randrange(len(zones)), rng.choice(MOMENTS), rng.randrange(60), rng.randrange(4)
                )
                await life.settle(
                    len(life.attempts) - 1,
                    {"result": "answered", "fault": "none", "talk_ms": rng.randrange(90_000)},
                )
                await life.set_disposition(rng.randrange(30), rng.choice(["order", None]))
                await fold_outbox(connection)
            async with asyncio.timeout(60):
                while not await connection.fetchval("SELECT count(*) > $1 FROM attribution_seals", kill):
                    await asyncio.sleep(rng.random() / 20)
            sealer.kill()
        assert await rebuild(connection, repair=False) == 0
        await assert_told_as_recounted(connection, zones)
    await seal(connection, LATER)
    assert await rebuild(connection, repair=False) == 0
    await assert_told_as_recounted(connection, zones)
    await connection.close()
