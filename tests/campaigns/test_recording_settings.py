"""Where recordings go and by which keys; wrong settings are named together, and never a key."""

import base64
from pathlib import Path

import pytest

from campaigns.errors import InvalidSettings
from campaigns.recording_settings import load_recording_settings, make_key_file

KEY = "k1:" + base64.b64encode(b"1" * 32).decode()


def problems_of(environ: dict[str, str]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSettings) as caught:
        load_recording_settings(environ)
    assert KEY[3:] not in str(caught.value)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_without_settings_nothing_can_be_recorded() -> None:
    settings = load_recording_settings({"HOME": "/home/dialer"})
    assert settings.directory == Path("/home/dialer/.local/share/obzvon/recordings")
    assert (settings.keyring, settings.keep_free_bytes) == (None, 500_000_000)


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# of the spring\n{KEY}\n")
    by_text = load_recording_settings({"OBZVON_RECORDING_KEY": KEY, "OBZVON_RECORDINGS_DIR": "/srv/calls"})
    by_file = load_recording_settings({"OBZVON_RECORDING_KEY_FILE": str(file)})
    assert by_text.keyring is not None
    assert by_file.keyring is not None
    assert by_text.keyring.current == by_file.keyring.current == b"1" * 32
    assert (by_text.directory, by_text.key_file, by_file.key_file) == (Path("/srv/calls"), None, file)


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    assert problems_of({"OBZVON_RECORDING_KEY": KEY[:-4], "OBZVON_RECORDINGS_KEEP_FREE_MB": "-1"}) == [
        ("OBZVON_RECORDING_KEY", "not_a_keyring"),
        ("OBZVON_RECORDINGS_KEEP_FREE_MB", "not_a_number"),
    ]
    assert problems_of({"OBZVON_RECORDING_KEY_FILE": str(tmp_path / "none")}) == [
        ("OBZVON_RECORDING_KEY_FILE", "file_missing")
    ]
    assert problems_of({"OBZVON_RECORDING_KEY_FILE": str(tmp_path)}) == [
        ("OBZVON_RECORDING_KEY_FILE", "file_unreadable")
    ]


def test_a_key_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path)}
    path = make_key_file(environ, rng=lambda count: b"r" * count)
    assert path == tmp_path / "obzvon" / "recording.key"
    assert path.stat().st_mode & 0o777 == 0o600
    settings = load_recording_settings(environ)
    assert settings.keyring is not None
    assert settings.keyring.current == b"r" * 32
    assert make_key_file(environ, rng=lambda count: b"x" * count) is None
    assert load_recording_settings(environ).key_file == path


def test_no_key_is_made_beside_one_that_was_given(tmp_path: Path) -> None:
    for name in ("OBZVON_RECORDING_KEY", "OBZVON_RECORDING_KEY_FILE"):
        assert make_key_file({"XDG_DATA_HOME": str(tmp_path), name: "x"}, rng=bytes) is None
    assert not list(tmp_path.iterdir())
