"""
The embedded PostgreSQL: one server per data directory, shared by all our processes, stopped by the last of them.

Rules:
1. The server outlives a killed owner; whoever starts next attaches to it.
2. Each user of the server holds a shared lock on `users.lock`, which the kernel drops when the process dies, however it dies.
   Whoever stops and finds no other holder stops the server.
3. No TCP: a unix socket in a directory that only the server's account (and root) can enter.
4. `pg_isready` is believed, not `pg_ctl status`: the latter takes a killed and not yet reaped server for a running one.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import structlog

from campaigns.errors import PostgresUnavailable
from campaigns.postgres_binaries import SYSTEM_DATA_DIR, Account, Binaries, find_binaries, run, server_account

log = structlog.get_logger()

SUPERUSER: Final = "obzvon"
DATABASE: Final = "obzvon"
START_TIMEOUT_SECONDS: Final = 60
"""Crash recovery after a power cut replays at most `max_wal_size`; that takes seconds."""
LEAVING_SECONDS: Final = 15
"""For the last backends of a killed server; they notice within a second unless they are stuck in a system call."""
MAX_SOCKET_PATH_BYTES: Final = 107
"""Of `sockaddr_un`, without the closing zero."""
PORT: Final = 5432
"""Part of the name of the socket; said aloud, so that a PGPORT of the user is not believed."""
SOCKET_NAME: Final = f".s.PGSQL.{PORT}"

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # data and outcomes survive a power cut; a settle batch shares one flush
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # pglz takes longer than the disk: a claim after a checkpoint 28 ms instead of 4 (docs/adr/0045)
    "wal_compression": "off",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    # seven files, each overwritten a week later: the log cannot fill a disk
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_size": "0",
    "log_min_messages": "warning",
}
UNSAFE_TEST_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5s",
}
"""For throw-away data only: a power cut destroys the cluster."""


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where data lives unless told otherwise: the system's place for root, else the user's data directory."""
    if os.geteuid() == 0:
        return SYSTEM_DATA_DIR
    return (
        Path(environ.get("XDG_DATA_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".local/share")
        / "obzvon"
    )


class RunningPostgres:
    """A server that runs and that we use. `dsn` names the database `obzvon`, which `migrate` creates."""

    def __init__(
        self, data_dir: Path, socket_dir: Path, binaries: Binaries, account: Account, users_lock: IO[bytes]
    ) -> None:
        self.data_dir = data_dir
        self.socket_dir = socket_dir
        self.dsn = f"postgresql://{SUPERUSER}@/{DATABASE}?host={socket_dir}&port={PORT}"
        self._binaries = binaries
        self._account = account
        self._users_lock: IO[bytes] | None = users_lock

    def stop(self) -> None:
        """Stop using the server; stop it unless another process uses it. May be called again."""
        if self._users_lock is None:
            return
        with control_lock(self.data_dir):
            self._users_lock.close()
            self._users_lock = None
            with (self.data_dir / "users.lock").open("rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    log.info("postgres.left_running", data_dir=str(self.data_dir))
                    return
                stop_server(self.data_dir / "cluster", self._binaries, self._account)
        log.info("postgres.stopped", data_dir=str(self.data_dir))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def start_postgres(data_dir: Path, settings: Mapping[str, str] | None = None) -> RunningPostgres:
    """
    Start the server of `data_dir`, or attach to the one that runs already; a new cluster is made where there is none.

    Blocks for 0.1 to 1 s (see rule 1-4 above); call it before the event loop, or in a thread.

    Args:
        data_dir: a directory of our own; created, and as root given to the server's account.
        settings: override or add to `SETTINGS`, e.g. `UNSAFE_TEST_SETTINGS`. Ignored when attaching.

    Raises:
        PostgresUnavailable: with a code, and the remedy.
    """
    data_dir = data_dir.absolute()
    cluster = data_dir / "cluster"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = server_account(cluster)
        own(data_dir, account)
        with control_lock(data_dir), contextlib.ExitStack() as on_failure:
            users_lock = on_failure.enter_context((data_dir / "users.lock").open("ab"))
            fcntl.flock(users_lock, fcntl.LOCK_SH)
            binaries = find_binaries(account, cluster_major(cluster))
            socket_dir = running_socket_dir(cluster, binaries, account)
            is_new = socket_dir is None
            if socket_dir is None:
                if cluster_major(cluster) is None:
                    create_cluster(cluster, binaries, account)
                socket_dir = make_socket_dir(data_dir, account)
                write_settings(cluster, {**SETTINGS, **(settings or {})}, socket_dir)
                start_server(cluster, socket_dir, binaries, account)
            on_failure.pop_all()
    except PermissionError as error:
        raise PostgresUnavailable(
            "data_dir_not_ours",
            f"{error.filename or data_dir} belongs to another user: choose another data directory, or set DATABASE_URL",
            path=str(error.filename or data_dir),
        ) from error
    log.info(
        "postgres.started" if is_new else "postgres.attached", data_dir=str(data_dir), major=binaries.major
    )
    return RunningPostgres(data_dir, socket_dir, binaries, account, users_lock)


@contextlib.contextmanager
def control_lock(data_dir: Path) -> Iterator[None]:
    """Hold the right to start or stop the server of `data_dir`; waits for whoever has it."""
    with (data_dir / "control.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def own(path: Path, account: Account) -> None:
    """Give a directory of ours, and it alone, to the server's account."""
    if account.uid is not None and account.gid is not None:
        os.chown(path, account.uid, account.gid)
        path.chmod(0o700)


def cluster_major(cluster: Path) -> int | None:
    """Return the major version that made the cluster, None if there is none yet."""
    try:
        return int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def postmaster_file(cluster: Path) -> list[str]:
    """Return the lines of postmaster.pid: pid, data directory, start time, port, socket directory, address, memory key, state."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def running_socket_dir(cluster: Path, binaries: Binaries, account: Account) -> Path | None:
    """Return the socket directory of the server that runs on this cluster and answers, else None."""
    lines = postmaster_file(cluster)
    if len(lines) < 5 or not lines[4]:
        return None
    socket_dir = Path(lines[4])
    return socket_dir if is_ready(socket_dir, binaries, account) else None


def is_ready(socket_dir: Path, binaries: Binaries, account: Account) -> bool:
    return run(binaries.bin_dir / "pg_isready", "-q", "-h", str(socket_dir), account=account).returncode == 0


def create_cluster(cluster: Path, binaries: Binaries, account: Account) -> None:
    """Make the cluster beside its place and move it there: an interrupted initdb leaves nothing behind that looks whole."""
    partial = cluster.with_name("cluster.partial")
    shutil.rmtree(partial, ignore_errors=True)
    answer = run(
        binaries.bin_dir / "initdb", "-D", str(partial), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--no-instructions", "--no-sync", account=account,
    )  # fmt: skip
    if answer.returncode != 0:
        raise PostgresUnavailable(
            "postgres_init_failed",
            f"initdb failed; as root the data directory must be reachable for other users: {answer.stdout.strip()}",
            path=str(cluster.parent),
        )
    with (partial / "postgresql.conf").open("a") as conf:
        # ALTER SYSTEM still has the last word
        conf.write("\ninclude_if_exists = 'obzvon.conf'\n")
    partial.rename(cluster)


def make_socket_dir(data_dir: Path, account: Account) -> Path:
    """
    Return a directory for the socket that only the server's account can enter.

    Inside the data directory, or in the temporary directory where the path would be too long for a socket.
    """
    socket_dir = data_dir / "socket"
    if len(os.fsencode(socket_dir / SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES:
        digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        socket_dir = Path(tempfile.gettempdir()) / f"obzvon-{os.geteuid()}-{digest}"
    uid = os.geteuid() if account.uid is None else account.uid
    with contextlib.suppress(FileExistsError):
        socket_dir.mkdir(mode=0o700)
        own(socket_dir, account)
    found = socket_dir.lstat()
    # TRICKY: in a world-writable directory somebody else may have made it first, or put a link there
    if not socket_dir.is_dir() or socket_dir.is_symlink() or found.st_uid != uid or found.st_mode & 0o077:
        raise PostgresUnavailable(
            "socket_dir_not_ours", f"{socket_dir} was made by somebody else: remove it", path=str(socket_dir)
        )
    return socket_dir


def write_settings(cluster: Path, settings: Mapping[str, str], socket_dir: Path) -> None:
    """Write `obzvon.conf`, which postgresql.conf includes."""
    lines = [
        "{} = '{}'".format(name, value.replace("'", "''"))
        for name, value in {**settings, "unix_socket_directories": str(socket_dir)}.items()
    ]
    conf = cluster / "obzvon.conf"
    conf.write_text(
        "# written by obzvon at every start; use ALTER SYSTEM to change a setting\n" + "\n".join(lines) + "\n"
    )
    conf.chmod(0o644)


def start_server(cluster: Path, socket_dir: Path, binaries: Binaries, account: Account) -> None:
    """
    Start, and wait until the server answers.

    After a kill the server before may refuse us for a moment: its backends still hold its shared memory.
    """
    was_killed = bool(postmaster_file(cluster))
    patience_ends_at = time.monotonic() + (LEAVING_SECONDS if was_killed else 0.0)
    while True:
        forget_zombie(cluster, socket_dir)
        answer = run(
            binaries.bin_dir / "pg_ctl", "start", "-w", "-s", "-t", str(START_TIMEOUT_SECONDS), "-D", str(cluster),
            "-l", str(cluster / "startup.log"), account=account, cwd=cluster,
        )  # fmt: skip
        if is_ready(socket_dir, binaries, account):
            return
        if time.monotonic() >= patience_ends_at:
            break
        time.sleep(0.1)
    raise PostgresUnavailable(
        "postgres_start_failed",
        f"the server did not start; see {cluster / 'startup.log'} and {cluster / 'log'}: {answer.stdout.strip()}",
        path=str(cluster / "startup.log"),
    )


def forget_zombie(cluster: Path, socket_dir: Path) -> None:
    """
    Remove the lock files of a server that was killed and that nobody has reaped.

    PostgreSQL itself removes those of a dead server, but a zombie (common in containers whose first process does not reap)
    still has its pid, so it would refuse to start for ever.
    """
    for lock_file in (cluster / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
        with contextlib.suppress(OSError, IndexError):
            pid = int(lock_file.read_text().split()[0])
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                lock_file.unlink()


def stop_server(cluster: Path, binaries: Binaries, account: Account) -> None:
    """Stop: sessions are ended, data is flushed; if that takes longer than a minute, without flushing."""
    for mode in ("fast", "immediate"):
        run(
            binaries.bin_dir / "pg_ctl", "stop", "-w", "-s", "-t", "60", "-m", mode, "-D", str(cluster),
            account=account, cwd=cluster,
        )  # fmt: skip
        if not postmaster_file(cluster):
            return
    log.warning("postgres.stop_failed", cluster=str(cluster))
