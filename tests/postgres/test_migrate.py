from datetime import UTC, datetime

from campaigns.database import Pool


async def test_partitions_cover_last_month_to_three_ahead(pool: Pool) -> None:
    names = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relname LIKE 'attempts\\_2%' AND relkind = 'r'"
    )
    assert f"attempts_{datetime.now(UTC):%Y%m}" in {row["relname"] for row in names}
    assert len(names) == 5
