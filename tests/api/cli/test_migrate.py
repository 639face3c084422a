import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).parents[3]


def obzvon_migrate(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli.main", "migrate"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_database_is_brought_up_to_date_as_often_as_asked(database: str) -> None:
    parts = urlsplit(database)
    fresh = urlunsplit((parts.scheme, parts.netloc, f"{parts.path}_cli", parts.query, ""))
    assert [obzvon_migrate(DATABASE_URL=fresh).returncode for _ in range(2)] == [0, 0]


def test_without_an_address_it_says_what_to_set() -> None:
    answer = obzvon_migrate()
    assert answer.returncode == 2
    assert "DATABASE_URL" in answer.stderr


def test_an_unreachable_server_is_an_answer_not_a_traceback() -> None:
    answer = obzvon_migrate(DATABASE_URL="postgresql://u@127.0.0.1:1/db")
    assert answer.returncode == 3
    assert "Traceback" not in answer.stderr
