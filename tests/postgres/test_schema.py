import pytest

from campaigns.database import Pool

GROWING = [
    "shards",
    "call_traces",
    "recordings",
    "recording_requests",
    "contacts",
    "import_rejections",
    "leads",
    "attempts",
    "stats",
    "outbox",
    "number_seals",
    "number_month_seals",
    "callback_seals",
    "attribution_seals",
    "rollup_checks",
    "verdict_audits",
]


@pytest.mark.parametrize("table", GROWING)
async def test_every_key_of_a_growing_table_begins_with_the_shard(pool: Pool, table: str) -> None:
    rows = await pool.fetch(
        """
        SELECT i.relname, a.attname
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_am m ON m.oid = i.relam AND m.amname = 'btree'
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
        WHERE x.indrelid = $1::text::regclass
        """,
        table,
    )
    assert rows
    assert {row["relname"] for row in rows if row["attname"] != "shard_key"} == set()


async def test_no_other_table_has_a_shard(pool: Pool) -> None:
    rows = await pool.fetch(
        """
        SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attname = 'shard_key' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        """
    )
    assert {row["relname"] for row in rows} == set(GROWING), "a growing table that this test does not know"


async def test_growing_tables_have_no_triggers_sequences_or_keys_to_each_other(pool: Pool) -> None:
    assert (
        await pool.fetchval(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = ANY ($1::text[]::regclass[])", GROWING
        )
        == 0
    )
    assert (
        await pool.fetchval(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = ANY ($1::text[]::regclass[]) AND attidentity <> ''",
            GROWING,
        )
        == 0
    )


async def test_a_claim_finds_due_leads_by_index(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made)
            SELECT 256, n, 1, '+7900' || lpad(n::text, 7, '0'), 'pending', timestamptz '2026-01-01' + n * interval '1 s', 0
            FROM generate_series(1, 20000) AS n
            """
        )
        await connection.execute("ANALYZE leads")
        plan = await connection.fetch(
            "EXPLAIN SELECT contact_id FROM leads WHERE shard_key = 256 AND due_time <= '2026-01-02' "
            "ORDER BY due_time LIMIT 50 FOR UPDATE SKIP LOCKED"
        )
    assert "leads_due" in "\n".join(row[0] for row in plan)
