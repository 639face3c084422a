import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from campaigns.embedded_postgres import (
    UNSAFE_TEST_SETTINGS,
    RunningPostgres,
    default_data_dir,
    postmaster_file,
    start_postgres,
)
from campaigns.errors import PostgresUnavailable
from campaigns.postgres_binaries import SYSTEM_DATA_DIR, Account, copy_wheel, major_of, wheel_bin_dir

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
OWNER = """
import os
import sys
from pathlib import Path
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
if len(sys.argv) > 2:  # after the imports: the interpreter may lie where that user cannot read
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
server = start_postgres(Path(sys.argv[1]), UNSAFE_TEST_SETTINGS)
print("DSN", server.dsn, flush=True)
if sys.stdin.read() == "stop":
    server.stop()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's tmp_path: as root that lies in a directory that the server's account cannot enter."""
    path = Path(tempfile.mkdtemp(prefix="obzvon-launcher-"))
    yield path
    if postmaster_file(path / "cluster"):
        start_postgres(path).stop()
    shutil.rmtree(path)


def start(data_dir: Path) -> RunningPostgres:
    return start_postgres(data_dir, UNSAFE_TEST_SETTINGS)


def ask(server: RunningPostgres, question: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(server.dsn, database="postgres")
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postmaster_pid(data_dir: Path) -> int:
    return int(postmaster_file(data_dir / "cluster")[0])


def owner_process(data_dir: Path, *ids: int) -> subprocess.Popen[str]:
    """Another process that uses the server; says so, then waits for its input to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data_dir), *map(str, ids)],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("DSN"):
            return process
    pytest.fail("the owner did not start")


def end(process: subprocess.Popen[str], said: str = "stop") -> None:
    process.communicate(said)


def test_a_stopped_server_keeps_its_data(data_dir: Path) -> None:
    with start(data_dir) as server:
        ask(server, "CREATE TABLE kept AS SELECT 7 AS answer")
    assert postmaster_file(data_dir / "cluster") == []
    with start(data_dir) as server:
        assert ask(server, "SELECT answer FROM kept") == 7


def test_data_survives_power_cuts_unless_asked_otherwise(data_dir: Path) -> None:
    with start_postgres(data_dir) as server:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ask(server, f"SHOW {setting}") == "on"
        assert ask(server, "SHOW listen_addresses") == ""


def test_the_socket_is_for_the_servers_account_alone(data_dir: Path) -> None:
    with start(data_dir) as server:
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_the_last_user_stops_the_server(data_dir: Path) -> None:
    first, second = start(data_dir), start(data_dir)
    first.stop()
    assert ask(second, "SELECT 1") == 1
    second.stop()
    second.stop()
    assert postmaster_file(data_dir / "cluster") == []


def test_the_server_outlives_a_killed_owner_and_the_next_one_attaches(data_dir: Path) -> None:
    owner = owner_process(data_dir)
    pid = postmaster_pid(data_dir)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    with start(data_dir) as server:
        assert postmaster_pid(data_dir) == pid
        assert ask(server, "SELECT 1") == 1
    assert postmaster_file(data_dir / "cluster") == [], "a killed owner does not count as a user"


def test_a_living_process_keeps_the_server_running(data_dir: Path) -> None:
    owner = owner_process(data_dir)
    pid = postmaster_pid(data_dir)
    start(data_dir).stop()
    assert postmaster_pid(data_dir) == pid
    end(owner)
    assert postmaster_file(data_dir / "cluster") == []


def test_a_killed_server_starts_again_with_what_was_committed(data_dir: Path) -> None:
    server = start_postgres(data_dir)
    ask(server, "CREATE TABLE kept AS SELECT 7 AS answer")
    os.kill(postmaster_pid(data_dir), signal.SIGKILL)
    with start_postgres(data_dir) as again:
        assert ask(again, "SELECT answer FROM kept") == 7
        server.stop()


def test_a_killed_server_that_nobody_reaps_does_not_block_the_next_one(data_dir: Path) -> None:
    start(data_dir).stop()
    with subprocess.Popen(["true"]) as zombie:  # ended, and not waited for until this block ends
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        (data_dir / "cluster" / "postmaster.pid").write_text(
            f"{zombie.pid}\n{data_dir / 'cluster'}\n0\n5432\n{data_dir / 'socket'}\n"
        )
        (data_dir / "socket" / ".s.PGSQL.5432.lock").write_text(f"{zombie.pid}\n")
        with start(data_dir) as server:
            assert ask(server, "SELECT 1") == 1


def test_a_data_directory_with_a_long_path_gets_its_socket_elsewhere(data_dir: Path) -> None:
    deep = data_dir / ("d" * 60) / ("e" * 60)
    if IS_ROOT:
        data_dir.chmod(0o755)
        deep.parent.mkdir(mode=0o755)
    with start(deep) as server:
        assert not server.socket_dir.is_relative_to(data_dir)
        assert ask(server, "SELECT 1") == 1
    server.socket_dir.rmdir()


def test_data_of_another_major_version_is_refused_with_the_remedy(data_dir: Path) -> None:
    (data_dir / "cluster").mkdir()
    (data_dir / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresUnavailable) as refused:
        start(data_dir)
    assert refused.value.code == "postgres_version_differs"
    assert refused.value.params["wanted"] == 9


def test_an_interrupted_first_start_is_repeated(data_dir: Path) -> None:
    (data_dir / "cluster.partial").mkdir()
    (data_dir / "cluster.partial" / "half").touch()
    with start(data_dir) as server:
        assert ask(server, "SELECT 1") == 1


def test_the_environment_of_the_user_does_not_reach_the_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    with start(data_dir) as server:
        assert ask(server, "SELECT 1") == 1


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user's data lies in the user's data directory")
def test_roots_data_lies_in_the_systems_place() -> None:
    assert default_data_dir({"HOME": "/root"}) == SYSTEM_DATA_DIR


@pytest.mark.skipif(IS_ROOT, reason="root's data lies in the system's place")
def test_a_users_data_lies_in_the_users_data_directory() -> None:
    assert default_data_dir({"HOME": "/home/ann"}) == Path("/home/ann/.local/share/obzvon")
    assert default_data_dir({"XDG_DATA_HOME": "/data"}) == Path("/data/obzvon")


@pytest.mark.skipif(not IS_ROOT, reason="only root drops privileges")
def test_as_root_the_server_runs_as_the_owner_of_its_cluster(data_dir: Path) -> None:
    with start(data_dir):
        owner = (data_dir / "cluster").stat().st_uid
        assert owner != 0
        assert Path(f"/proc/{postmaster_pid(data_dir)}").stat().st_uid == owner


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_an_ordinary_user_can_run_it(data_dir: Path) -> None:
    place = data_dir / "users"
    data_dir.chmod(0o755)
    place.mkdir()
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(place, nobody, nobody)
    owner = owner_process(place, nobody)
    assert Path(f"/proc/{postmaster_pid(place)}").stat().st_uid == place.stat().st_uid != 0
    end(owner)
    assert postmaster_file(place / "cluster") == []


@pytest.mark.skipif(not IS_ROOT, reason="only root drops privileges")
def test_an_unreachable_data_directory_is_refused_and_no_mode_above_it_changes(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(PostgresUnavailable) as refused:
        start(closed / "data")
    assert refused.value.code == "postgres_init_failed"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(not IS_ROOT, reason="only root drops privileges")
def test_a_wheel_in_a_closed_directory_is_copied_once_to_where_the_account_can_run_it(data_dir: Path) -> None:
    bin_dir = wheel_bin_dir()
    assert bin_dir is not None
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    data_dir.chmod(0o755)
    hidden = copy_wheel(bin_dir, closed)
    nobody = Account(65_534, 65_534)
    assert major_of(hidden, nobody) is None
    copied = copy_wheel(hidden, data_dir / "copies")
    assert major_of(copied, nobody) == major_of(bin_dir, Account())
    assert copy_wheel(hidden, data_dir / "copies") == copied
    assert len(list((data_dir / "copies").iterdir())) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
