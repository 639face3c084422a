"""What `obzvon doctor` says of recordings: real directories, real modes."""

from pathlib import Path

import msgspec
import pytest

from campaigns.recording_check import check_recording_keys, check_recording_room
from campaigns.recording_settings import RecordingSettings
from dialer.recording.keyring import Keyring

KEYRING = Keyring("k2", {"k2": b"2" * 32, "k1": b"1" * 32})


@pytest.fixture
def settings(tmp_path: Path) -> RecordingSettings:
    return RecordingSettings(directory=tmp_path / "recordings", keyring=KEYRING)


def test_where_nothing_is_recorded_nothing_is_needed(tmp_path: Path) -> None:
    without = RecordingSettings(directory=tmp_path)
    assert check_recording_keys(without, [], []) == check_recording_room(without) == []


def test_keys_are_held_against_what_they_have_to_open(settings: RecordingSettings) -> None:
    assert [finding.code for finding in check_recording_keys(settings, ["a"], ["k1"])] == [
        "recording_key_there"
    ]
    lost = check_recording_keys(settings, ["a"], ["k1", "k0"])
    assert [(finding.code, finding.facts) for finding in lost][1:] == [
        ("recording_key_lost", {"keys": ["k0"]})
    ]


def test_a_key_file_that_others_may_read_is_a_problem(settings: RecordingSettings, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    settings = msgspec.structs.replace(settings, key_file=file)
    assert [finding.code for finding in check_recording_keys(settings, [], [])] == ["recording_key_there"]
    file.chmod(0o640)
    assert check_recording_keys(settings, [], [])[-1].code == "recording_key_open"


def test_the_room_is_told_in_hours_of_calls(settings: RecordingSettings, tmp_path: Path) -> None:
    (roomy,) = check_recording_room(settings)
    assert (roomy.code, roomy.facts["path"]) == ("recordings_roomy", str(tmp_path / "recordings"))
    (full,) = check_recording_room(msgspec.structs.replace(settings, keep_free_bytes=1 << 60))
    assert (full.code, full.facts["hours"]) == ("recordings_full", 0.0)


def test_a_directory_that_is_none_is_a_problem(settings: RecordingSettings) -> None:
    settings.directory.write_text("a file")
    assert [finding.code for finding in check_recording_room(settings)] == ["recordings_unwritable"]
