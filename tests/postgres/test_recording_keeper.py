"""Recordings deleted by age and copied to real storages; whatever fails comes again, and holds up nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from campaigns.database import Pool
from campaigns.errors import Conflict
from campaigns.recording_keeper import COPY_BACK_OFF, RecordingKeeper, remove_file
from campaigns.recording_storage import CopyStorage
from campaigns.recordings import RecordingRow, RecordingStore
from dialer.recording.recorder import part_directory
from dialer.recording.recording_file import PART_SUFFIX
from tests.campaigns.storages import PASSWORD, WebDav, s3, webdav
from tests.clock import Clock
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.recordings import add_recording

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def campaign_id(pool: Pool) -> int:
    return await add_campaign(pool, recording="all", recording_days=30)


async def add(pool: Pool, directory: Path, campaign_id: int, days: int, **columns: object) -> int:
    return await add_recording(
        pool, directory, campaign_id=campaign_id, attempt_id=days, seconds=1,
        started_time=NOW - timedelta(days=days), **columns,  # type: ignore[arg-type]
    )  # fmt: skip


async def state(pool: Pool, recording_id: int) -> RecordingRow:
    return await RecordingStore(pool).get(recording_id)


def place(directory: Path, row: RecordingRow) -> Path:
    return directory / row.path


async def is_there(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


async def test_what_is_older_than_its_campaign_says_goes_and_nothing_else(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock
) -> None:
    other = await add_campaign(pool, recording="all", recording_days=90)
    old = await add(pool, tmp_path, campaign_id, 31)
    last_day = await add(pool, tmp_path, campaign_id, 30)
    held = await add(pool, tmp_path, campaign_id, 40, is_held=True, held_why="case 7")
    yesterday = (NOW - timedelta(days=1)).date()
    writing = await add(pool, tmp_path, campaign_id, 0, state="writing", delete_after=yesterday)
    longer = await add(pool, tmp_path, other, 60)
    own = await add(pool, tmp_path, campaign_id, 3, delete_after=yesterday)

    assert await RecordingKeeper(pool, tmp_path, clock).delete_due() == 2

    for recording_id, is_kept in (
        (old, False), (own, False), (last_day, True), (held, True), (writing, True), (longer, True),
    ):  # fmt: skip
        row = await state(pool, recording_id)
        assert (row.deleted_time is None) == is_kept == await is_there(place(tmp_path, row))
    row = await state(pool, old)
    assert (row.state, row.deleted_why, row.deleted_time) == ("deleted", "expired", NOW)
    lines = await pool.fetch("SELECT actor, action, subject_id, old, new FROM audit_log ORDER BY subject_id")
    assert [(line["actor"], line["action"], line["subject_id"]) for line in lines] == [
        ("system", "delete", recording_id) for recording_id in sorted((old, own))
    ]
    assert lines[0]["old"]["state"] == "ready"
    assert lines[0]["new"]["why"] == "expired"
    assert await RecordingKeeper(pool, tmp_path, clock).delete_due() == 0


async def test_what_a_dead_node_left_open_goes_too_under_the_name_that_it_has(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock
) -> None:
    one = await add(pool, tmp_path, campaign_id, 40, state="writing", size_bytes=None, sha256=None)
    row = await state(pool, one)
    part = part_directory(tmp_path, row.node_name) / f"{one}{PART_SUFFIX}"
    part.parent.mkdir(parents=True, exist_ok=True)
    place(tmp_path, row).rename(part)
    assert await RecordingKeeper(pool, tmp_path, clock).delete_due() == 1
    assert (await state(pool, one)).state == "deleted"
    assert not await is_there(part)


async def test_a_file_that_cannot_be_deleted_comes_again_and_holds_up_no_other(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock
) -> None:
    stuck = await add(pool, tmp_path, campaign_id, 40)
    unmounted = await add(pool, tmp_path, campaign_id, 39)
    fine = await add(pool, tmp_path, campaign_id, 38)
    file = place(tmp_path, await state(pool, stuck))
    data = file.read_bytes()
    file.unlink()
    file.mkdir()  # for root, too, no file that can be unlinked
    folder = place(tmp_path, await state(pool, unmounted)).parent
    away = folder.rename(tmp_path / "away")

    keeper = RecordingKeeper(pool, tmp_path, clock)
    assert await keeper.delete_due() == 3
    assert (await state(pool, fine)).deleted_time == NOW
    assert {(await state(pool, one)).delete_error for one in (stuck, unmounted)} == {
        "EISDIR",
        "folder_missing",
    }
    assert await keeper.delete_due() == 0, "not before its time"

    for _ in range(20):  # days of failing
        clock.now += timedelta(days=1, minutes=1)
        assert await keeper.delete_due() >= 2
    file.rmdir()
    file.write_bytes(data)
    away.rename(folder)
    clock.now += timedelta(days=1, minutes=1)
    assert await keeper.delete_due() == 2
    for one in (stuck, unmounted):
        row = await state(pool, one)
        assert (row.deleted_time, row.delete_error) == (clock.now, None)
        assert row.delete_tries == 22
        assert not await is_there(place(tmp_path, row))
    assert await pool.fetchval("SELECT count(*) FROM audit_log WHERE action = 'delete'") == 3


async def test_two_keepers_delete_each_recording_once(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock
) -> None:
    for days in range(31, 71):
        await add(pool, tmp_path, campaign_id, days)
    keepers = [RecordingKeeper(pool, tmp_path, clock) for _ in range(3)]
    assert sum(await asyncio.gather(*(keeper.delete_due() for keeper in keepers))) == 40
    assert await pool.fetchval("SELECT count(DISTINCT subject_id) FROM audit_log") == 40
    assert await pool.fetchval("SELECT count(*) FROM audit_log") == 40


async def test_a_file_that_has_gone_is_gone_only_where_its_folder_is(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    assert remove_file(tmp_path, "day/1.obz", had_file=True) is None
    assert remove_file(tmp_path, "another/1.obz", had_file=True) == "folder_missing"
    assert remove_file(tmp_path, "another/1.obz", had_file=False) is None, "there never was one"


@pytest.mark.parametrize("kind", ["webdav", "s3"])
async def test_recordings_are_copied_sealed_and_proven(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock, kind: str
) -> None:
    directory, dav = tmp_path / "here", tmp_path / "there"
    dav.mkdir()
    one = await add(pool, directory, campaign_id, 1)
    two = await add(pool, directory, campaign_id, 2)
    await add(pool, directory, campaign_id, 3, state="writing")
    with s3() as s3_settings, webdav(dav) as server:
        storage = CopyStorage(s3_settings if kind == "s3" else server.settings())
        keeper = RecordingKeeper(pool, directory, clock, storage)
        assert await keeper.copy_due() == 2
        assert await keeper.copy_due() == 0
        for recording_id in (one, two):
            row = await state(pool, recording_id)
            assert (row.copy_state, row.copied_time, row.copy_attempts) == ("copied", NOW, 1)
            assert await storage.get(row.path) == place(directory, row).read_bytes()


async def test_a_storage_that_goes_away_costs_time_and_nothing_else(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, dav = tmp_path / "here", tmp_path / "there"
    dav.mkdir()
    ids = [await add(pool, directory, campaign_id, days) for days in (3, 2, 1)]
    server = WebDav(dav)
    server.start()
    storage = CopyStorage(server.settings())
    keeper = RecordingKeeper(pool, directory, clock, storage)
    stop, put = asyncio.Event(), storage.put

    async def put_and_stop(path: str, data: bytes) -> None:
        await put(path, data)
        stop.set()

    monkeypatch.setattr(storage, "put", put_and_stop)
    assert await keeper.copy_due(stop) == 1
    server.stop()
    with capture_logs() as logs:
        assert await keeper.copy_due() == 0
    assert [entry["event"] for entry in logs] == ["recording.copy_postponed"]
    assert PASSWORD not in str(logs)
    states = [(await state(pool, one)).copy_state for one in ids]
    assert states == ["copied", "waiting", None]

    # the other work goes on meanwhile
    await RecordingKeeper(pool, directory, clock).delete(ids[0], "expired", actor="system")
    server.start()
    clock.now += COPY_BACK_OFF[0]
    await keeper.copy_due()
    for one in ids[1:]:
        row = await state(pool, one)
        assert (row.copy_state, row.copy_error) == ("copied", None)
    server.stop()


async def test_a_copy_that_keeps_failing_is_given_up_with_an_event_and_tried_again_on_request(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock
) -> None:
    one = await add(pool, tmp_path, campaign_id, 1)
    file = place(tmp_path, await state(pool, one))
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"?")
    dav = tmp_path / "dav"
    dav.mkdir()
    with webdav(dav) as server, capture_logs() as logs:
        keeper = RecordingKeeper(pool, tmp_path, clock, CopyStorage(server.settings()))
        for pause in (*COPY_BACK_OFF, timedelta(days=30)):
            await keeper.copy_due()
            assert await keeper.copy_due() == 0
            clock.now += pause
        await keeper.copy_due()
        row = await state(pool, one)
        assert (row.copy_state, row.copy_error) == ("failed", "local_file_differs")
        assert row.copy_attempts == len(COPY_BACK_OFF) + 1
        events = [entry["event"] for entry in logs if entry["event"].startswith("recording.copy")]
        assert events == ["recording.copy_postponed"] * len(COPY_BACK_OFF) + ["recording.copy_failed"]

        file.write_bytes(data)
        assert (await keeper.copy_again(one)).copy_state == "waiting"
        assert await keeper.copy_due() == 1


@pytest.mark.parametrize(
    ("why", "expires", "left"),
    [("expired", False, "copied"), ("expired", True, "deleted"), ("asked", False, "deleted")],
)
async def test_a_copy_outlives_age_unless_told_otherwise_and_never_a_request(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock, why: str, left: str, *, expires: bool
) -> None:
    dav = tmp_path / "dav"
    dav.mkdir()
    one = await add(pool, tmp_path, campaign_id, 1)
    with webdav(dav) as server:
        storage = CopyStorage(server.settings())
        keeper = RecordingKeeper(pool, tmp_path, clock, storage, copies_expire=expires)
        await keeper.copy_due()
        if why == "expired":
            clock.now += timedelta(days=31)
            await keeper.delete_due()
        else:
            await keeper.delete(one, "asked", actor="key:1")
        row = await state(pool, one)
        assert (row.state, row.copy_state) == ("deleted", left)
        assert (await storage.get(row.path) is not None) == (left == "copied")


async def test_a_request_stays_open_until_the_copy_is_gone_too(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock
) -> None:
    dav = tmp_path / "dav"
    dav.mkdir()
    one = await add(pool, tmp_path, campaign_id, 1)
    server = WebDav(dav)
    server.start()
    keeper = RecordingKeeper(pool, tmp_path, clock, CopyStorage(server.settings()))
    await keeper.copy_due()
    server.stop()
    row = await keeper.delete(one, "asked", actor="key:1")
    assert (row.deleted_why, row.deleted_time, row.delete_error) == ("asked", None, "copy_unreachable")
    assert not await is_there(place(tmp_path, row))
    with pytest.raises(Conflict, match="recording_deleted"):
        await RecordingStore(pool).hold(one, "too late", actor="key:1", now=NOW)
    # a keeper that knows of no storage says so
    clock.now += timedelta(days=2)
    await RecordingKeeper(pool, tmp_path, clock).delete_due()
    assert (await state(pool, one)).delete_error == "copy_storage_not_set"

    server.start()
    clock.now += timedelta(days=2)
    await keeper.delete_due()
    row = await state(pool, one)
    assert (row.state, row.copy_state, row.delete_error) == ("deleted", "deleted", None)
    assert list(dav.rglob("*.obz")) == []
    server.stop()


async def test_what_is_deleted_while_it_is_copied_leaves_no_copy(
    pool: Pool, tmp_path: Path, campaign_id: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dav = tmp_path / "dav"
    dav.mkdir()
    one = await add(pool, tmp_path, campaign_id, 1)
    with webdav(dav) as server:
        storage = CopyStorage(server.settings())
        keeper = RecordingKeeper(pool, tmp_path, clock, storage)
        put = storage.put
        asked: list[RecordingRow] = []

        async def put_and_ask(path: str, data: bytes) -> None:
            await put(path, data)
            asked.append(await keeper.delete(one, "asked", actor="key:1"))

        monkeypatch.setattr(storage, "put", put_and_ask)
        assert await keeper.copy_due() == 1
        assert asked[0].deleted_time is None
        await keeper.delete_due()
        row = await state(pool, one)
        assert (row.state, row.copy_state) == ("deleted", "deleted")
        assert list(dav.rglob("*.obz")) == []
