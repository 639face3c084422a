from pathlib import Path

import pytest

from campaigns.spool import CHUNK, Spool, SpoolBusy
from tests.campaigns.settlements import settlement


def test_what_was_appended_comes_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    first, second = settlement(1), settlement(2, result="answered", digits="19", disposition="refused")
    spool.append([first])
    spool.append([second])
    assert list(spool.chunks()) == [[first, second]]
    spool.close()


def test_the_next_life_of_the_node_finds_what_the_last_one_left(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    spool.append([settlement(1)])
    spool.close()
    next_life = Spool(tmp_path, "node")
    assert not next_life.is_empty()
    assert list(next_life.chunks()) == [[settlement(1)]]
    next_life.clear()
    assert next_life.is_empty()
    next_life.close()


def test_a_line_torn_by_a_power_cut_is_dropped_and_the_rest_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    spool.append([settlement(1), settlement(2)])
    spool.close()
    path = tmp_path / "node.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    next_life = Spool(tmp_path, "node")
    next_life.append([settlement(3)])
    assert [line.attempt_id for chunk in next_life.chunks() for line in chunk] == [1, 3]
    next_life.close()


def test_a_line_that_cannot_be_read_does_not_hold_up_the_others(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    spool.append([settlement(1)])
    with (tmp_path / "node.jsonl").open("ab") as file:
        file.write(b"{}\n")
    spool.append([settlement(2)])
    assert [line.attempt_id for chunk in spool.chunks() for line in chunk] == [1, 2]
    spool.close()


def test_two_processes_never_share_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    with pytest.raises(SpoolBusy):
        Spool(tmp_path, "node")
    other = Spool(tmp_path, "other")
    other.close()
    spool.close()
    Spool(tmp_path, "node").close()


def test_a_long_outage_is_read_back_in_chunks(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    spool.append([settlement(attempt_id) for attempt_id in range(CHUNK + 1)])
    assert [len(chunk) for chunk in spool.chunks()] == [CHUNK, 1]
    spool.close()


def test_a_full_disk_is_said_and_leaves_no_half_line(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    spool.append([settlement(1)])
    (tmp_path / "node.jsonl").rename(tmp_path / "kept")
    (tmp_path / "node.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError):
        spool.append([settlement(2)])
    (tmp_path / "node.jsonl").unlink()
    (tmp_path / "kept").rename(tmp_path / "node.jsonl")
    assert list(spool.chunks()) == [[settlement(1)]]
    spool.close()


def test_a_spool_on_disk_holds_no_telephone_number_and_is_ours_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new", "node")
    spool.append([settlement(1)])
    path = tmp_path / "new" / "node.jsonl"
    assert path.stat().st_mode & 0o077 == 0
    assert b"1234567" not in path.read_bytes()
    spool.close()
