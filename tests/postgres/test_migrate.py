import asyncio
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from campaigns.database import Pool
from campaigns.errors import MigrationFailed
from campaigns.migrate import (
    MIGRATIONS_DIR,
    dbmate_url,
    ensure_partitions,
    first_of_month,
    migrate,
    run_dbmate,
)
from tests.postgres.campaign_rows import add_campaign, begin_attempt

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def sibling(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


@pytest.fixture
async def fresh_dsn(database: str) -> str:
    """The address of a database that does not exist; dropped by name if an earlier run left it."""
    dsn = sibling(database, f"{urlsplit(database).path[1:]}_fresh")
    await drop(dsn)
    return dsn


async def drop(dsn: str) -> None:
    admin = await asyncpg.connect(sibling(dsn, "postgres"))
    await admin.execute(f"DROP DATABASE IF EXISTS {urlsplit(dsn).path[1:]} WITH (FORCE)")
    await admin.close()


async def test_four_starters_at_once_migrate_a_missing_database_once(fresh_dsn: str) -> None:
    await asyncio.gather(*(migrate(fresh_dsn, NOW) for _ in range(4)))
    connection = await asyncpg.connect(fresh_dsn)
    assert await connection.fetchval("SELECT count(*) FROM schema_migrations") == len(
        list(MIGRATIONS_DIR.glob("*.sql"))
    )
    assert await connection.fetchval("SELECT count(*) FROM campaigns") == 0
    await connection.close()
    await drop(fresh_dsn)


async def test_migrating_again_changes_nothing(database: str, pool: Pool) -> None:
    before = await pool.fetch("SELECT relname FROM pg_class ORDER BY 1")
    await migrate(database, datetime.now(UTC))
    assert await pool.fetch("SELECT relname FROM pg_class ORDER BY 1") == before


async def test_a_migration_that_fails_says_why_and_hides_the_address(database: str, tmp_path: Path) -> None:
    (tmp_path / "20990101000000_broken.sql").write_text("-- migrate:up\nSELECT nonsense;\n-- migrate:down\n")
    with pytest.raises(MigrationFailed, match="nonsense") as failed:
        await run_dbmate(database, uses_tls=False, migrations_dir=tmp_path)
    assert "socket" not in failed.value.output


async def test_partitions_cover_last_month_to_three_ahead(pool: Pool) -> None:
    async with pool.acquire() as connection:
        created = await ensure_partitions(connection, datetime(2031, 1, 31, 23, 59, tzinfo=UTC))
        again = await ensure_partitions(connection, datetime(2031, 1, 1, tzinfo=UTC))
    assert created == [f"attempts_{month}" for month in ("203012", "203101", "203102", "203103", "203104")]
    assert again == []


async def test_an_attempt_of_no_month_is_kept_and_moves_when_its_month_comes(pool: Pool) -> None:
    """A node's clock may be years off; the attempt is not lost, and not in the way of the partition made later."""
    campaign_id = await add_campaign(pool, leads=1)
    await begin_attempt(pool, campaign_id, 0, run_id=1, attempt_id=10)
    odd = datetime(2031, 5, 31, 23, 59, 59, tzinfo=UTC)
    await pool.execute("UPDATE attempts SET started_time = $1", odd)
    assert await pool.fetchval("SELECT count(*) FROM attempts_default") == 1

    async with pool.acquire() as connection:
        created = await ensure_partitions(connection, odd, months_ahead=0)

    assert created == ["attempts_203104", "attempts_203105"]
    assert await pool.fetchval("SELECT count(*) FROM attempts_default") == 0
    assert await pool.fetchval("SELECT attempt_id FROM attempts_203105 WHERE started_time = $1", odd) == 10


async def test_the_migrations_can_be_taken_back(pool: Pool) -> None:
    for path in sorted(MIGRATIONS_DIR.glob("*.sql"), reverse=True):
        await pool.execute(path.read_text().partition("-- migrate:down")[2])
    assert (
        await pool.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
        )
        == 0
    )


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        (
            "postgresql://u@/db?host=/run/pg&port=5433",
            "postgres://u@:5433/db?socket=%2Frun%2Fpg&sslmode=disable",
        ),
        ("postgresql://u:p@h:1/db", "postgres://u:p@h:1/db?sslmode=disable"),
        ("postgres://u@h/db?sslmode=verify-full", "postgres://u@h/db?sslmode=verify-full"),
    ],
)
def test_addresses_are_translated_for_dbmate(dsn: str, url: str) -> None:
    assert dbmate_url(dsn, uses_tls=False).replace("/run/pg", "%2Frun%2Fpg") == url


def test_a_server_that_spoke_tls_to_us_must_speak_it_to_dbmate() -> None:
    assert dbmate_url("postgresql://u@h/db", uses_tls=True).endswith("sslmode=require")


def test_months_are_those_of_utc() -> None:
    assert first_of_month(datetime(2026, 12, 31, 23, 0, tzinfo=UTC), 1) == datetime(2027, 1, 1, tzinfo=UTC)
    moscow = datetime.fromisoformat("2027-01-01T02:00:00+03:00")
    assert first_of_month(moscow, 0) == datetime(2026, 12, 1, tzinfo=UTC)
