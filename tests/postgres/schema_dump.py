"""
The schema as all migrations leave it, in one file to read: `python -m tests.postgres.schema_dump` writes docs/schema.sql.

Months of `attempts` are left out, as they depend on the day. Migrations redefine functions and views; here stands what lives.
"""

import asyncio
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
from campaigns.migrate import migrate
from campaigns.postgres_binaries import Binaries, find_binaries, run, server_account

SCHEMA = Path(__file__).parents[2] / "docs" / "schema.sql"
COMMAND = "python -m tests.postgres.schema_dump"
HEAD = f"-- The schema after all migrations, as pg_dump {{major}} says it. Made by `{COMMAND}`; a test compares.\n\n"
NOISE = re.compile(r"^(?:--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(?:un)?restrict .*)\n", re.MULTILINE)
"""Settings of a restore, and a comment above each object that says its name again."""


class DumpFailed(Exception):
    """pg_dump did not run, and what it said."""


def binaries(data_dir: Path) -> Binaries:
    """Return the programs that match an embedded server."""
    return find_binaries(server_account(data_dir), None)


def dump_schema(dsn: str, programs: Binaries) -> str:
    """
    Return the schema of a migrated database.

    Raises:
        DumpFailed: the server is not one that these programs understand.
    """
    done = run(
        programs.bin_dir / "pg_dump",
        "--schema-only", "--no-owner", "--no-privileges", "--no-comments", "--schema=public",
        "--exclude-table=attempts_2*", f"--dbname={dsn}",
        account=server_account(Path("/nonexistent")),
    )  # fmt: skip
    if done.returncode != 0:
        raise DumpFailed(done.stdout)
    return (
        HEAD.format(major=programs.major)
        + re.sub(r"\n{3,}", "\n\n", NOISE.sub("", done.stdout)).strip()
        + "\n"
    )


def main() -> None:
    data_dir = Path(tempfile.mkdtemp(prefix="obzvon-schema-"))
    with start_postgres(data_dir, UNSAFE_TEST_SETTINGS) as server:
        asyncio.run(migrate(server.dsn, datetime.now(UTC)))
        SCHEMA.write_text(dump_schema(server.dsn, binaries(data_dir)), encoding="utf-8")
    shutil.rmtree(data_dir)


if __name__ == "__main__":
    main()
