"""The server's process behind a connection, where it is one of this machine's: a rank among the others can be given to it."""

from pathlib import Path

from campaigns.database import Connection


async def server_process(connection: Connection) -> int | None:
    """Return its process id; None if the server is elsewhere, or in a container, which counts its processes differently."""
    if not await connection.fetchval("SELECT inet_server_addr() IS NULL"):  # no unix socket
        return None
    pid: int = connection.get_server_pid()
    return pid if _is_of_postgres(pid) else None


def _is_of_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: ")
    except OSError:
        return False
