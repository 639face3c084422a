"""`obzvon recordings` on a real database, real sealed files, and a real storage of copies."""

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile
from click.testing import CliRunner

from api.catalogue import text
from api.cli.main import main
from campaigns.audit import AuditEntry, list_audit
from campaigns.database import Pool
from campaigns.recording_keeper import RecordingKeeper
from campaigns.recording_storage import CopyStorage
from dialer.recording.keyring import new_entry
from tests.browser.rows import Group, add_attempt
from tests.campaigns.storages import PASSWORD, USER, WebDav
from tests.postgres.audits import draw_verdict
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.recordings import IDS, KEYRING, SECONDS, add_recording

NOW = datetime.now(UTC)
KEY = new_entry("k1", lambda size: bytes(range(size)))


class Run:
    def __init__(self, database: str, directory: Path) -> None:
        self.environment = {
            "DATABASE_URL": database,
            "OBZVON_RECORDINGS_DIR": str(directory),
            "OBZVON_RECORDING_KEY": KEY,
            "OBZVON_LANG": "en",
            "LOGNAME": "ann",
        }

    async def __call__(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        result = await asyncio.to_thread(
            CliRunner().invoke, main, ["recordings", *arguments], env=self.environment | environment
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def run(database: str, directory: Path) -> Run:
    return Run(database, directory)


@pytest.fixture
async def campaign_id(pool: Pool) -> int:
    return await add_campaign(pool, name="Осень", recording="all", recording_days=30)


async def add(pool: Pool, directory: Path, campaign_id: int, attempt_id: int, **columns: Any) -> int:
    return await add_recording(
        pool, directory, campaign_id=campaign_id, attempt_id=attempt_id, started_time=NOW - timedelta(hours=1),
        **{"seconds": 2, **columns},
    )  # fmt: skip


def file_of(directory: Path, recording_id: int) -> Path:
    return next(directory.rglob(f"{recording_id}.obz"))


def names_in(directory: Path) -> set[str]:
    return {path.stem for path in directory.rglob("*.*")}


def mode_of(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


async def newest_line(pool: Pool) -> AuditEntry:
    return (await list_audit(pool, 2**60, 1))[0]


def test_the_key_of_the_tests_is_the_one_that_is_set() -> None:
    assert KEY.partition(":")[0] == KEYRING.current_id


async def test_they_are_listed_by_campaign_and_period_with_numbers_masked(
    run: Run, pool: Pool, directory: Path, campaign_id: int
) -> None:
    await add_attempt(pool, campaign_id, 7, Group(1, "answered", 9_000), NOW)
    number = await pool.fetchval("SELECT number FROM leads WHERE campaign_id = $1 LIMIT 1", campaign_id)
    other = await add_campaign(pool, recording="all")
    one = await add(pool, directory, campaign_id, 7, contact_id=7, is_held=True)
    two = await add(pool, directory, other, 8)
    status, listed, _ = await run("list", "--json")
    assert status == 0
    assert {row["recording_id"] for row in json.loads(listed)} == {str(one), str(two)}
    status, table, _ = await run(
        "list", "--campaign", str(campaign_id), "--from", f"{NOW - timedelta(1):%Y-%m-%d}"
    )
    head, row = table.splitlines()
    assert head.split()[:2] == ["RECORDING", "ATTEMPT"]
    assert str(one) in row
    assert "Осень" in row
    assert "held" in row
    assert str(two) not in table
    assert number is None or number not in table
    assert (await run("list", "--to", f"{NOW - timedelta(3):%Y-%m-%d}"))[1] == ""
    _, listed, said = await run("list", "--json", "--limit", "1")
    assert len(json.loads(listed)) == 1
    assert "--limit" in said
    assert [row["recording_id"] for row in json.loads((await run("list", "--held", "--json"))[1])] == [
        str(one)
    ]


async def test_a_call_is_exported_as_it_sounds_and_who_took_it_and_why_is_known(
    run: Run, pool: Pool, directory: Path, campaign_id: int, tmp_path: Path
) -> None:
    attempt_id = IDS.next(int(NOW.timestamp() * 1000))
    await draw_verdict(pool, campaign_id, attempt_id, has_sound=False, started_time=NOW)
    recording_id = await add(pool, directory, campaign_id, attempt_id, seconds=SECONDS)
    out = tmp_path / "out"
    out.mkdir()
    status, printed, _ = await run("export", str(attempt_id), "--out", str(out), "--why", "claim 7/26")
    assert status == 0
    place = Path(printed.strip())
    assert place == out / f"call-{attempt_id}-{recording_id}.wav"
    assert mode_of(place) == 0o600
    sound, rate = soundfile.read(place)
    assert (rate, sound.shape) == (8000, (SECONDS * 8000, 2))
    half = len(sound) // 2
    assert abs(sound[:half, 0]).max() > 0.2
    assert abs(sound[half:, 0]).max() < 0.01
    line = await newest_line(pool)
    assert (line.actor, line.action, line.subject_id) == ("cli:ann", "export", recording_id)
    assert line.new == {"is_exported": True, "why": "claim 7/26"}

    again = await run("export", str(attempt_id), "--out", str(out), "--why", "x", "--user", "Bob")
    assert (again[0], str(place) in again[2]) == (2, True)
    assert (await newest_line(pool)).actor == "cli:Bob"


async def test_sound_that_was_changed_is_not_given_out_and_leaves_no_file(
    run: Run, pool: Pool, directory: Path, campaign_id: int, tmp_path: Path
) -> None:
    attempt_id = IDS.next(int(NOW.timestamp() * 1000))
    await draw_verdict(pool, campaign_id, attempt_id, has_sound=False, started_time=NOW)
    file = file_of(directory, await add(pool, directory, campaign_id, attempt_id))
    data = bytearray(file.read_bytes())
    data[20_000] ^= 1
    file.write_bytes(data)
    out = tmp_path / "out"
    out.mkdir()
    status, printed, said = await run("export", str(attempt_id), "--out", str(out), "--why", "x")
    assert (status, printed, names_in(out)) == (1, "", set())
    assert "forged" in said
    assert (await run("export", str(attempt_id), "--why", "x", OBZVON_RECORDING_KEY=new_entry("k9", bytes)))[
        0
    ] == 1


async def test_one_is_held_and_released_under_a_name(
    run: Run, pool: Pool, directory: Path, campaign_id: int
) -> None:
    recording_id = str(await add(pool, directory, campaign_id, 1))
    status, _, said = await run("hold", recording_id, "--why", "case 12")
    assert status == 0
    assert "case 12" in said
    assert (await newest_line(pool)).actor == "cli:ann"
    assert (await run("release", recording_id))[0] == 0
    assert (await newest_line(pool)).action == "release"


async def test_what_is_past_its_days_is_shown_first_and_deleted_when_it_is_meant(
    run: Run, pool: Pool, directory: Path, campaign_id: int
) -> None:
    yesterday = (NOW - timedelta(days=2)).date()
    old = await add(pool, directory, campaign_id, 1, delete_after=yesterday)
    held = await add(pool, directory, campaign_id, 2, delete_after=yesterday, is_held=True, held_why="x")
    young = await add(pool, directory, campaign_id, 3)
    status, shown, said = await run("delete-due")
    assert (status, "Осень" in shown, "--yes" in said) == (0, True, True)
    assert file_of(directory, old).exists()
    status, deleted, _ = await run("delete-due", "--yes", "--json")
    assert status == 0
    report = json.loads(deleted)
    assert (report["deleted"], report["is_dry_run"], report["due"][0]["recordings"]) == (1, False, 1)
    assert names_in(directory) == {str(held), str(young)}
    assert (await newest_line(pool)).actor == "cli:ann"


async def test_what_cannot_be_deleted_is_a_failure(
    run: Run, pool: Pool, directory: Path, campaign_id: int
) -> None:
    file = file_of(
        directory, await add(pool, directory, campaign_id, 1, delete_after=NOW.date() - timedelta(2))
    )
    file.parent.rename(directory / "not mounted")
    status, _, said = await run("delete-due", "--yes")
    assert status == 1
    assert text("cli.recordings.not_deleted", "en", count=1) in said


async def test_files_and_copies_are_held_against_their_checksums(
    run: Run, pool: Pool, directory: Path, campaign_id: int, tmp_path: Path
) -> None:
    ids = [await add(pool, directory, campaign_id, attempt_id) for attempt_id in (1, 2, 3)]
    dav = tmp_path / "dav"
    dav.mkdir()
    server = WebDav(dav)
    server.start()
    await RecordingKeeper(pool, directory, lambda: NOW, CopyStorage(server.settings())).copy_due()
    storage = {
        "OBZVON_COPY_SCHEME": "webdav",
        "OBZVON_COPY_OPTIONS": f"endpoint=http://127.0.0.1:{server.port} username={USER} password='{PASSWORD}' root=/calls",
    }
    status, _, said = await run("verify", "--copies", **storage)
    assert (status, "6" in said) == (0, True)

    damaged, missing = file_of(directory, ids[0]), file_of(directory, ids[1])
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    missing.unlink()
    file_of(dav, ids[1]).unlink()
    status, listed, _ = await run("verify", "--copies", "--json", **storage)
    report = json.loads(listed)
    assert status == 1
    assert {(int(bad["recording_id"]), bad["place"], bad["verdict"]) for bad in report["bad"]} == {
        (ids[0], "here", "damaged"), (ids[1], "here", "missing"), (ids[1], "copy", "missing"),
    }  # fmt: skip
    assert report["verdicts"] == {"whole": 3, "damaged": 1, "missing": 2}
    server.stop()
    status, table, _ = await run("verify", "--copies", **storage)
    assert status == 1
    assert table.count("unreachable") == 3


async def test_keys_that_are_needed_and_keys_that_are_not_are_told(
    run: Run, pool: Pool, directory: Path, campaign_id: int
) -> None:
    await add(pool, directory, campaign_id, 1)
    await add(pool, directory, campaign_id, 2, key_id="k0", is_held=True)
    status, listed, said = await run("keys", "--json", OBZVON_RECORDING_KEY=f"{new_entry('k2', bytes)},{KEY}")
    report = json.loads(listed)
    assert status == 1
    assert (report["current"], report["lost"], report["unneeded"]) == ("k2", ["k0"], [])
    assert {use["key_id"]: (use["recordings"], use["held"]) for use in report["uses"]} == {
        "k0": (1, 1), "k1": (1, 0),
    }  # fmt: skip
    assert "k0" in said
    await pool.execute("UPDATE recordings SET key_id = 'k1'")
    status, table, said = await run("keys", OBZVON_RECORDING_KEY=f"{KEY},{new_entry('k0', bytes)}")
    assert (status, "k0" in said) == (0, True)
    assert table.splitlines()[1].split()[0] == "k1"
    assert KEY.partition(":")[2] not in table + said


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "key", "params"),
    [
        (["list", "--from", "2026-02-02", "--to", "2026-02-01"], {}, 2, "cli.recordings.period_reversed", {}),
        (["export", "1", "--why", " "], {}, 2, "cli.recordings.why_wrong", {"limit": 500}),
        (["export", "77", "--why", "x"], {}, 1, "problems.attempt_not_found.detail", {"id": "77"}),
        (["hold", "77", "--why", "x"], {}, 1, "problems.recording_not_found.detail", {"id": "77"}),
        (["list", "--from", "yesterday"], {}, 2, "cli.usage.not_a_day", {"name": "--from"}),
        (["export", "1", "--why", "x", "--out", "/nowhere"], {}, 2, "cli.usage.no_such_directory", {"name": "--out"}),
        (["hold", "x", "--why", "x"], {}, 2, "cli.usage.out_of_range", {"name": "RECORDING_ID", "low": 1, "high": 2**63 - 1}),
        (["verify", "--copies"], {}, 2, "cli.recordings.no_copies", {}),
        (["list"], {"DATABASE_URL": ""}, 2, "cli.database_url_missing", {}),
        (
            ["verify"], {"OBZVON_RECORDINGS_KEEP_FREE_MB": "much"}, 2,
            "cli.setting.not_a_number", {"name": "OBZVON_RECORDINGS_KEEP_FREE_MB", "value": "much"},
        ),
        (
            ["delete-due"], {"OBZVON_COPY_SCHEME": "ftp"}, 2,
            "cli.setting.not_a_storage", {"name": "OBZVON_COPY_SCHEME", "value": "ftp"},
        ),
    ],
)  # fmt: skip
async def test_bad_input_is_named_with_what_to_do(
    run: Run,
    arguments: list[str],
    environment: dict[str, str],
    status: int,
    key: str,
    params: dict[str, object],
) -> None:
    exit_code, _, said = await run(*arguments, **environment)
    assert exit_code == status
    assert text(key, "en", **params) in said


@pytest.mark.parametrize("command", ["list", "export", "hold", "release", "delete-due", "verify", "keys"])
async def test_every_command_has_help(run: Run, command: str) -> None:
    status, shown, _ = await run(command, "--help")
    assert status == 0
    assert "cli.recordings." not in shown
