"""`obzvon serve`: API and node as processes of their own, started again when they die."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from urllib.request import urlopen

from api.stack import free_web_port
from tests.api.cli.commands import environment, lines_until, running


def children_of(pid: int) -> dict[int, str]:
    """The processes that `pid` started, with their command lines."""
    pids = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return {
        child: Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode() for child in pids
    }


async def test_a_killed_node_is_started_again_and_sigterm_stops_everything(
    database: str, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with running("serve", "--port", str(port), env=environment(database, tmp_path)) as process:
        await lines_until(process.stderr, "Serving at")
        answer = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/v1/health").read())
        assert json.loads(answer)
        (node,) = [pid for pid, command in children_of(process.pid).items() if " dial " in command]
        os.kill(node, signal.SIGKILL)
        said = await lines_until(process.stderr, "starting it again")
        assert "dial-local-1" in said
        process.send_signal(signal.SIGTERM)
        await lines_until(process.stderr, "Stopped.")
        assert await process.wait() == 0
        await process.communicate()


async def test_a_port_in_use_is_said_and_ends_it(database: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with running("serve", "--port", str(port), env=environment(database, tmp_path)) as process:
            _, errors = await process.communicate()
    assert process.returncode == 3
    assert "The process api ended" in errors.decode()
    assert free_web_port("127.0.0.1") != port
