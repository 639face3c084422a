"""The pieces of the composition that need no database."""

import json
import os
import socket
from pathlib import Path

import pytest

from api.stack import dial_child, free_web_port, is_free, start_carrier, with_database
from api.supervisor import Supervisor


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://obzvon@/obzvon?host=/tmp/socket", "postgresql://obzvon@/demo?host=/tmp/socket"),
        ("postgresql:///obzvon?host=/tmp/socket", "postgresql:///demo?host=/tmp/socket"),
        ("postgres://user:secret@db.example:5433/main", "postgres://user:secret@db.example:5433/demo"),
    ],
)
def test_another_database_of_the_same_server_can_be_named(url: str, expected: str) -> None:
    assert with_database(url, "demo") == expected


def test_a_port_in_use_is_not_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert not is_free(socket.SOCK_DGRAM, *taken.getsockname())
    assert not is_free(socket.SOCK_DGRAM, "192.0.2.1", 0), "an address that is not ours"
    assert 1024 <= free_web_port("127.0.0.1") <= 65_535


def test_a_node_without_loss_is_not_told_of_any() -> None:
    child = dial_child("postgresql:///x", node="a", spool_dir=Path("spool"))
    assert not any("LOSS" in name for name in child.environment)
    lossy = dial_child("postgresql:///x", node="a", spool_dir=Path("spool"), loss=0.05, seed=7)
    assert (lossy.environment["OBZVON_LOSS"], lossy.environment["OBZVON_LOSS_SEED"]) == ("0.05", "7")
    assert lossy.stop_seconds > float(lossy.environment["OBZVON_DRAIN_SECONDS"])


async def test_a_carrier_says_where_it_listens_and_keeps_its_truth(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        address = await start_carrier(
            supervisor, seed=7, truth=tmp_path / "truth", place=("127.0.0.9", 0), loss=0.1
        )
        assert (address.host, address.port > 0) == ("127.0.0.9", True)
    assert json.loads((tmp_path / "truth").read_text() or "[]") == []
