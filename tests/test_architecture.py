"""The house rules that a machine can hold: sizes, mirror tests, one-way texts. Import contracts are import-linter's."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dialer", "campaigns", "analytics", "api")
DUMPED = ROOT / "docs" / "schema.sql"
"""Made by a program for reading (tests/postgres/schema_dump.py)."""
LINES_CAP = 400


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).exists()]


def test_no_source_file_outgrows_one_idea() -> None:
    lengths = {
        path: len(path.read_text().splitlines())
        for path in tracked("*.py", "*.ts", "*.sql")
        if path != DUMPED
    }
    too_long = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > LINES_CAP}
    assert too_long == {}


def test_every_module_of_the_dialer_core_has_its_test_in_the_mirror_tree() -> None:
    """The pure layers are tested file by file; shells may be tested through what they carry."""
    sources = [
        path
        for folder in ("dialer", "dialer/sip", "dialer/rtp", "dialer/media")
        for path in (ROOT / folder).glob("*.py")
        if path.name not in {"__init__.py", "errors.py", "config.py", "events.py"}
    ]
    missing = [
        str(path.relative_to(ROOT))
        for path in sources
        if not (ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.name}").exists()
    ]
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_module_reads_no_environment(package: str) -> None:
    """House rule 7: settings are read once, at the front door."""
    allowed = {"api/cli", "campaigns/settings.py", "api/settings.py"}
    readers = [
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*.py")
        if "os.environ" in path.read_text()
        and not any(str(path.relative_to(ROOT)).startswith(a) for a in allowed)
    ]
    assert readers == []


def test_lock_and_sources_name_no_registry_host() -> None:
    hosts = ("files.pythonhosted" + ".org", "pypi" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org")
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        if path.suffix not in {".png", ".wav"}
        for host in hosts
        if host in path.read_text(errors="replace")
    ]
    assert found == []


OUTLIVES_ITS_TRANSACTION = re.compile(
    r"""(?:\A|["';]|--\n)\s*(?:LISTEN|SET\s+(?!LOCAL)\w+\s*(?:=|TO)|DISCARD|PREPARE|CREATE\s+TEMP\w*)\s|"""
    r"pg_(?:try_)?advisory_lock|WITH\s+HOLD|set_config\([^)]*false"
)
HAS_ITS_OWN_CONNECTION = {"campaigns/migrate.py": 1}
"""The lock of whoever migrates."""


def test_no_statement_leaves_anything_in_a_session_that_others_get() -> None:
    """Connections of a pool are lent again as they are (`campaigns.database.open_pool`)."""
    found = {
        str(file.relative_to(ROOT)): len(hits)
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.suffix in {".py", ".sql"}
        and "migrations" not in file.parts
        and "node_modules" not in file.parts
        if (hits := OUTLIVES_ITS_TRANSACTION.findall(file.read_text(encoding="utf-8")))
    }
    assert found == HAS_ITS_OWN_CONNECTION


@pytest.mark.parametrize(
    "statement",
    [
        "LISTEN live;",
        "SET statement_timeout = 5",
        'execute("SET work_mem TO 1")',
        "BEGIN; SET jit = off",
        "SELECT pg_advisory_lock(1)",
        "CREATE TEMP TABLE t (a int)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "SELECT set_config('jit', 'off', false)",
    ],
)
def test_the_search_finds_what_outlives_a_transaction(statement: str) -> None:
    assert OUTLIVES_ITS_TRANSACTION.search(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_keys\nSET revoked_time = now()",
        "SET LOCAL statement_timeout = 5",
        "SELECT pg_try_advisory_xact_lock(1)",
    ],
)
def test_the_search_lets_pass_what_ends_with_it(statement: str) -> None:
    assert not OUTLIVES_ITS_TRANSACTION.search(statement)
