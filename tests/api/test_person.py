"""One person's sound: given to them, and erased with its copies, but for what is held."""

import io
import json
import wave
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.settings import ApiSettings
from campaigns.database import Pool
from campaigns.recording_keeper import RecordingKeeper
from campaigns.recording_storage import CopyStorage
from tests.api.conftest import NOW, Client, MakeKey
from tests.campaigns.storages import WebDav
from tests.postgres.recordings import add_recording, settings_of
from tests.postgres.traces import NUMBER, add_traced_attempt

CONTACT = 77


@pytest.fixture
def dav(tmp_path: Path) -> WebDav:
    folder = tmp_path / "dav"
    folder.mkdir()
    return WebDav(folder)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
async def client(
    settings: ApiSettings, directory: Path, dav: WebDav, make_key: MakeKey
) -> AsyncIterator[Client]:
    dav.start()
    settings = msgspec.structs.replace(settings, recordings=settings_of(directory), copies=dav.settings())
    async with AsyncTestClient(create_app(settings, clock=lambda: NOW)) as client:
        client.headers.update(await make_key("admin"))
        yield client
    dav.stop()


@pytest.fixture
async def recordings(pool: Pool, campaign_id: int, directory: Path, dav: WebDav) -> list[int]:
    """Two of the person's calls, recorded and copied, and one of somebody else's."""
    await pool.execute(
        "INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id) "
        "VALUES ($1 * 256, $2, $1, $3, '{\"name\": \"Ivan\"}', 1)",
        campaign_id, CONTACT, NUMBER,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made) "
        "VALUES ($1 * 256, $2, $1, $3, 'finished', 1)",
        campaign_id, CONTACT, NUMBER,
    )  # fmt: skip
    attempt_id = await add_traced_attempt(pool, campaign_id, result="answered")
    await pool.execute("UPDATE attempts SET contact_id = $1", CONTACT)
    ids = [
        await add_recording(
            pool, directory, campaign_id=campaign_id, attempt_id=attempt_id, contact_id=contact, seconds=2,
            started_time=NOW - timedelta(days=day),
        )
        for day, contact in ((1, CONTACT), (2, CONTACT), (3, CONTACT + 1))
    ]  # fmt: skip
    dav.start()
    await RecordingKeeper(pool, directory, lambda: datetime.now(UTC), CopyStorage(dav.settings())).copy_due()
    return ids


def files(*folders: Path) -> list[int]:
    return sorted(int(file.stem) for folder in folders for file in folder.rglob("*.obz"))


async def test_a_person_is_given_everything_with_the_sound(
    client: Client, recordings: list[int], pool: Pool, directory: Path
) -> None:
    (directory / (await pool.fetchval("SELECT path FROM recordings WHERE recording_id = $1", recordings[1]))).unlink()  # fmt: skip
    response = await client.post("/v1/contacts/export", json={"number": "8 900 123-45-67"})

    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(archive.namelist()) == ["person.json", f"recordings/{recordings[0]}.wav"]
        person = json.loads(archive.read("person.json"))
        with wave.open(io.BytesIO(archive.read(f"recordings/{recordings[0]}.wav"))) as sound:
            assert (sound.getnchannels(), sound.getnframes()) == (2, 16_000)
    assert person["number"] == NUMBER
    assert person["contacts"][0]["fields"] == {"name": "Ivan"}
    assert [attempt["number"] for attempt in person["contacts"][0]["attempts"]] == [NUMBER]
    assert {row["recording_id"] for row in person["recordings"]} == {str(one) for one in recordings[:2]}
    assert person["sound_left_out"] == [{"recording_id": str(recordings[1]), "reason": "missing"}]
    lines = await pool.fetch("SELECT subject_kind, subject_id FROM audit_log WHERE action = 'export'")
    assert {(line["subject_kind"], line["subject_id"]) for line in lines} == {
        ("campaign", await pool.fetchval("SELECT campaign_id FROM campaigns")),
        ("recording", recordings[0]),
    }
    nobody = await client.post("/v1/contacts/export", json={"number": "+79009999999"})
    with zipfile.ZipFile(io.BytesIO(nobody.content)) as archive:
        assert json.loads(archive.read("person.json"))["contacts"] == []


async def test_an_erased_persons_sound_goes_here_and_from_the_copies(
    client: Client, recordings: list[int], directory: Path, dav: WebDav
) -> None:
    assert files(directory) == files(dav.folder) == sorted(recordings)
    erased = (await client.post("/v1/contacts/erase", json={"number": NUMBER})).json()
    assert (erased["contacts"], erased["attempts"], erased["recordings_deleted"]) == (1, 1, 2), erased
    assert (erased["recordings_waiting"], erased["recordings_held"]) == ([], [])
    assert files(directory) == files(dav.folder) == [recordings[2]]
    shown = (await client.get(f"/v1/recordings/{recordings[0]}")).json()
    assert (shown["state"], shown["deleted_why"], shown["copy_state"]) == ("deleted", "erased", "deleted")
    assert NUMBER not in str(shown)


async def test_what_is_held_stays_is_told_and_goes_when_it_is_released(
    client: Client, recordings: list[int], directory: Path, dav: WebDav, pool: Pool
) -> None:
    await client.post(f"/v1/recordings/{recordings[1]}/hold", json={"why": "Court, case 7"})
    erased = (await client.post("/v1/contacts/erase", json={"number": NUMBER})).json()
    assert erased["recordings_deleted"] == 1
    (held,) = erased["recordings_held"]
    assert (held["recording_id"], held["why"]) == (str(recordings[1]), "Court, case 7")
    assert held["held_by"].startswith("key:")
    assert files(directory) == files(dav.folder) == sorted(recordings[1:])
    # it is held in order to be heard
    assert (await client.get(f"/v1/recordings/{recordings[1]}/audio")).status_code == 200

    released = (await client.post(f"/v1/recordings/{recordings[1]}/release")).json()
    assert (released["deleted_why"], released["deleted_time"]) == ("erased", None)
    keeper = RecordingKeeper(pool, directory, lambda: NOW, CopyStorage(dav.settings()))
    assert await keeper.delete_due() == 1
    assert files(directory) == files(dav.folder) == [recordings[2]]


async def test_a_storage_that_is_away_is_told_and_tried_until_the_copy_is_gone(
    client: Client, recordings: list[int], directory: Path, dav: WebDav, pool: Pool
) -> None:
    dav.stop()
    erased = (await client.post("/v1/contacts/erase", json={"number": NUMBER})).json()
    assert erased["recordings_deleted"] == 0
    assert {row["error"] for row in erased["recordings_waiting"]} == {"copy_unreachable"}
    assert files(directory) == [recordings[2]]
    dav.start()
    later = NOW + timedelta(hours=1)
    keeper = RecordingKeeper(pool, directory, lambda: later, CopyStorage(dav.settings()))
    assert await keeper.delete_due() == 2
    assert files(dav.folder) == [recordings[2]]
