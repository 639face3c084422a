"""Every named statement of every package is prepared on the migrated schema: a stale column fails here, not at night."""

from pathlib import Path

import pytest

from analytics.metrics import METRICS
from analytics.plan import Part
from analytics.sql import counters_of
from campaigns import rollup_statements
from campaigns.database import Pool
from campaigns.statements import Statement, read_statements

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for package in ("campaigns", "analytics", "api")
    for path in (ROOT / package).rglob("*.sql")
    if path.parent.name != "migrations" and "node_modules" not in path.parts
)


def named_statements() -> list[tuple[str, Statement]]:
    return [
        (f"{path.relative_to(ROOT)}:{name}", statement)
        for path in FILES
        for name, statement in read_statements(path).items()
    ]


async def test_every_statement_can_be_prepared_and_takes_the_arguments_it_names(pool: Pool) -> None:
    problems = []
    async with pool.acquire() as connection:
        for name, statement in named_statements():
            prepared = await connection.prepare(statement.text)
            taken = len(prepared.get_parameters())
            if taken != len(statement.parameters):
                problems.append(f"{name} names {len(statement.parameters)} arguments and takes {taken}")
    assert problems == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_statements_has_statements(path: Path) -> None:
    assert read_statements(path)


async def test_the_composed_statements_of_the_rollups_can_be_prepared(pool: Pool) -> None:
    arguments = {
        rollup_statements.FOLD_OUTBOX: 2,
        rollup_statements.CHECK: 3,
        rollup_statements.REPAIR: 3,
        rollup_statements.CHECK_TOTALS: 2,
        rollup_statements.REPAIR_TOTALS: 2,
        rollup_statements.CHECK_MONTHS: 3,
        rollup_statements.REPAIR_MONTHS: 3,
    }
    async with pool.acquire() as connection:
        for text, taken in arguments.items():
            assert len((await connection.prepare(text)).get_parameters()) == taken


def test_every_measure_of_the_rollups_is_made_of_counters() -> None:
    for metric in METRICS.values():
        if metric.counter is not None:
            part = Part(source="rollups", measures=(metric,), dim=1)
            assert set(counters_of(part)) - set(rollup_statements.COUNTERS) == set(), metric.name


async def test_every_counter_of_the_table_is_known_to_the_composed_statements(pool: Pool) -> None:
    rows = await pool.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'stats'::regclass AND attnum > 0 ORDER BY attnum"
    )
    key = tuple(rollup_statements.KEY.split(", "))
    assert sorted(row["attname"] for row in rows) == sorted((*key, *rollup_statements.COUNTERS, "changes"))
