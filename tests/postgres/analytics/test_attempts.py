from datetime import UTC, datetime

import pytest

from analytics.attempts import Attempt, attempts_page
from analytics.cursor import InvalidCursor
from campaigns.database import Pool
from tests.postgres.analytics.facts import add_attempt, add_campaign


async def read_all(pool: Pool, campaign_id: int | None, limit: int) -> list[Attempt]:
    attempts: list[Attempt] = []
    cursor: str | None = None
    while True:
        page, cursor = await attempts_page(pool, campaign_id=campaign_id, cursor=cursor, limit=limit)
        assert len(page) <= limit
        attempts += page
        if cursor is None:
            return attempts


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_hold_every_attempt_once_newest_first(pool: Pool, limit: int) -> None:
    """Four of seven start in the same instant, and two lie in another shard and another month."""
    campaign_id = await add_campaign(pool)
    ids = [
        await add_attempt(pool, campaign_id, "2026-10-31T23:59:59Z"),
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", shard_slot=0),
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z"),
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z"),
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z"),
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:00.000001Z", result=None),
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:01Z"),
    ]
    await add_attempt(pool, await add_campaign(pool, "neighbour"), "2026-11-23T10:00:00Z")

    assert [attempt.attempt_id for attempt in await read_all(pool, campaign_id, limit)] == ids[::-1]


async def test_an_attempt_that_begins_between_pages_moves_nothing(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    first, second = [await add_attempt(pool, campaign_id, f"2026-11-23T10:00:0{n}Z") for n in (1, 2)]

    page, cursor = await attempts_page(pool, campaign_id=campaign_id, limit=1)
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:03Z")
    rest, end = await attempts_page(pool, campaign_id=campaign_id, cursor=cursor, limit=1)

    assert ([page[0].attempt_id, rest[0].attempt_id], end) == ([second, first], None)


async def test_attempts_of_all_campaigns_are_merged_by_time(pool: Pool) -> None:
    one, two = await add_campaign(pool), await add_campaign(pool, "two")
    ids = [
        await add_attempt(pool, campaign_id, f"2026-11-23T10:00:0{second}Z")
        for second, campaign_id in enumerate((one, two, one, two))
    ]
    assert [attempt.attempt_id for attempt in await read_all(pool, None, 3)] == ids[::-1]


async def test_filters_narrow_the_list(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await add_attempt(pool, campaign_id, "2026-11-23T09:00:00Z", result="answered")
    wanted = await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", result="answered")
    await add_attempt(pool, campaign_id, "2026-11-23T10:30:00Z", result="busy")
    await add_attempt(pool, campaign_id, "2026-11-23T11:00:00Z", result="answered")

    page, _ = await attempts_page(
        pool,
        result="answered",
        from_time=datetime(2026, 11, 23, 10, tzinfo=UTC),
        to_time=datetime(2026, 11, 23, 11, tzinfo=UTC),
        limit=10,
    )
    assert [attempt.attempt_id for attempt in page] == [wanted]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!",
        "AAAA",
        "bnVsbA",
        "WzEsMl0x",
        "кириллица",
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTksMV0",
        "WzEsLTFd",
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(pool: Pool, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await attempts_page(pool, cursor=cursor, limit=1)
