"""The base as it is now, told apart by what its contacts were imported with."""

from datetime import UTC, datetime

from analytics.build import build_query
from analytics.query import QueryRequest
from analytics.run import run_query
from campaigns.database import Pool
from tests.postgres.campaign_rows import add_campaign, number_of


async def test_a_base_is_told_apart_by_list_and_source(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=10)
    for index in range(9):  # the tenth lead's contact was erased
        await pool.execute(
            "INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id, source) "
            "SELECT shard_key, contact_id, campaign_id, number, '{}', $2, $3 FROM leads WHERE shard_key = $1 AND number = $4",
            campaign_id * 256,
            1 if index < 6 else 2,
            "yandex" if index % 2 else None,
            number_of(index),
        )
    await pool.execute(
        "UPDATE leads SET attempts_made = 1 WHERE shard_key = $1 AND number < $2",
        campaign_id * 256,
        number_of(3),
    )

    async def rows(dimension: str) -> list[tuple[object, object, object]]:
        request = QueryRequest(metrics=["leads", "penetration"], dimensions=[dimension])
        result = await run_query(pool, build_query(request, datetime.now(UTC)))
        return [
            (
                row.dimensions[dimension].value,
                row.metrics["leads"].value,
                row.metrics["penetration"].numerator,
            )
            for row in result.rows
        ]

    assert await rows("list") == [(1, 6, 3), (2, 3, 0), (None, 1, 0)]
    assert await rows("source") == [(None, 6, 2), ("yandex", 4, 1)]
