"""Recordings over HTTP: files by the product's own writer, heard whole and by ranges, held and deleted."""

import io
import wave
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.settings import ApiSettings
from campaigns.database import Pool
from dialer.media.g711 import decode
from tests.api.conftest import EVERYTHING_BUT_ADMIN, NOW, Client, MakeKey, code_of
from tests.postgres.recordings import SECONDS, add_recording, settings_of, sound
from tests.postgres.traces import add_traced_attempt

SIZE = 44 + SECONDS * 32_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
async def anonymous(settings: ApiSettings, directory: Path) -> AsyncIterator[Client]:
    settings = msgspec.structs.replace(settings, recordings=settings_of(directory))
    async with AsyncTestClient(create_app(settings, clock=lambda: NOW)) as client:
        yield client


@pytest.fixture
async def recording_id(pool: Pool, campaign_id: int, directory: Path) -> int:
    await pool.execute("UPDATE campaigns SET recording = 'all'")
    attempt_id = await add_traced_attempt(pool, campaign_id, result="answered")
    return await add_recording(
        pool, directory, campaign_id=campaign_id, attempt_id=attempt_id, started_time=NOW - timedelta(days=1)
    )


def files_in(directory: Path) -> list[Path]:
    return list(directory.rglob("*.obz"))


async def audit(pool: Pool, action: str) -> list[tuple[str, int, dict[str, object]]]:
    rows = await pool.fetch(
        "SELECT actor, subject_id, new FROM audit_log WHERE action = $1 ORDER BY audit_id", action
    )
    return [(row["actor"], row["subject_id"], row["new"]) for row in rows]


async def test_the_sound_is_the_calls_both_sides(client: Client, recording_id: int) -> None:
    response = await client.get(f"/v1/recordings/{recording_id}/audio")

    assert (response.status_code, response.headers["content-type"]) == (200, "audio/wav")
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-length"] == str(SIZE) == str(len(response.content))
    assert "no-store" in response.headers["cache-control"]
    with wave.open(io.BytesIO(response.content)) as file:
        frames = file.readframes(file.getnframes())
    callee, us = sound()
    assert frames[0::4] == decode(callee, 0).astype("<i2").tobytes()[0::2]
    assert frames[2::4] == decode(us, 0).astype("<i2").tobytes()[0::2]


async def test_a_range_is_that_part_of_the_whole(client: Client, recording_id: int) -> None:
    path = f"/v1/recordings/{recording_id}/audio"
    whole = (await client.get(path)).content
    for asked, start, stop in (
        ("bytes=0-", 0, SIZE),
        ("bytes=0-1", 0, 2),
        ("bytes=300001-300500", 300_001, 300_501),
        ("bytes=-100", SIZE - 100, SIZE),
    ):
        response = await client.get(path, headers={"Range": asked})
        assert response.status_code == 206, asked
        assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
        assert response.headers["content-length"] == str(stop - start)
        assert response.content == whole[start:stop]


async def test_a_range_beyond_the_end_is_a_416_that_says_the_size(client: Client, recording_id: int) -> None:
    response = await client.get(f"/v1/recordings/{recording_id}/audio", headers={"Range": f"bytes={SIZE}-"})
    assert (response.status_code, code_of(response)) == (416, "range_unsatisfiable")
    assert response.headers["content-range"] == f"bytes */{SIZE}"


async def test_a_listener_with_another_file_gets_the_whole(client: Client, recording_id: int) -> None:
    path = f"/v1/recordings/{recording_id}/audio"
    tag = (await client.head(path)).headers["etag"]
    same = await client.get(path, headers={"Range": "bytes=0-9", "If-Range": tag})
    other = await client.get(path, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (same.status_code, len(same.content)) == (206, 10)
    assert (other.status_code, len(other.content)) == (200, SIZE)


async def test_head_says_what_there_is_and_is_no_listening(
    client: Client, recording_id: int, pool: Pool
) -> None:
    response = await client.head(f"/v1/recordings/{recording_id}/audio")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(SIZE)
    assert response.headers["accept-ranges"] == "bytes"
    assert await audit(pool, "listen") == []


async def test_each_listening_is_one_line_of_the_audit_however_many_ranges(
    client: Client, recording_id: int, pool: Pool, make_key: MakeKey
) -> None:
    path = f"/v1/recordings/{recording_id}/audio"
    await client.get(path, headers={"Range": "bytes=160044-192043"})
    await client.get(path, headers={"Range": "bytes=192044-224043"})
    (line,) = await audit(pool, "listen")
    assert line[1] == recording_id
    assert (line[2]["from_ms"], line[2]["to_ms"]) == (5_000, 7_000)
    assert line[0].startswith("key:")

    await client.get(path, headers={**await make_key("recordings:listen"), "Range": "bytes=0-43"})
    assert len(await audit(pool, "listen")) == 2
    # long ago is another time
    await pool.execute(
        "UPDATE audit_log SET new = new || $1::jsonb",
        {"last_time": (NOW - timedelta(minutes=11)).isoformat()},
    )
    await client.get(path)
    lines = await audit(pool, "listen")
    assert [(new["from_ms"], new["to_ms"]) for _, _, new in lines] == [(5_000, 7_000), (0, 0), (0, 20_000)]


async def test_who_may_not_listen_learns_nothing(
    client: Client, recording_id: int, make_key: MakeKey
) -> None:
    others = await make_key(*(scope for scope in EVERYTHING_BUT_ADMIN if not scope.startswith("recordings:")))
    for path in ("", "/audio", "/waveform"):
        known = await client.get(f"/v1/recordings/{recording_id}{path}", headers=others)
        unknown = await client.get(f"/v1/recordings/1{path}", headers=others)
        assert (known.status_code, code_of(known)) == (403, "scope_missing")
        assert known.json()["detail"] == unknown.json()["detail"]
    assert (await client.head(f"/v1/recordings/{recording_id}/audio", headers=others)).status_code == 403
    listener = await make_key("recordings:listen")
    response = await client.delete(f"/v1/recordings/{recording_id}", headers=listener)
    assert response.status_code == 403


async def test_the_waveform_shows_who_spoke_when(client: Client, recording_id: int) -> None:
    drawn = (await client.get(f"/v1/recordings/{recording_id}/waveform?points=20")).json()
    assert drawn["duration_ms"] == 20_000
    loudest = int(decode(sound()[0], 0).max()) >> 7
    assert drawn["callee"][:10] == [loudest] * 10
    assert drawn["callee"][10:] == [0] * 10
    assert drawn["us"][:10] == [0] * 10
    assert drawn["us"][10:] == [loudest] * 10
    assert drawn["gaps"] == []


async def test_recordings_are_listed_filtered_and_paged(
    client: Client, pool: Pool, campaign_id: int, recording_id: int, directory: Path, make_key: MakeKey
) -> None:
    older = [
        await add_recording(
            pool, directory, campaign_id=campaign_id, attempt_id=5, seconds=1,
            started_time=NOW - timedelta(days=day),
        )
        for day in (2, 3)
    ]  # fmt: skip
    first = (await client.get("/v1/recordings?limit=2")).json()
    rest = (await client.get("/v1/recordings", params={"cursor": first["next_cursor"]})).json()
    assert [item["recording_id"] for item in first["items"]] == [str(recording_id), str(older[0])]
    assert [item["recording_id"] for item in rest["items"]] == [str(older[1])]
    assert rest["next_cursor"] is None
    item = first["items"][0]
    assert (item["state"], item["duration_ms"], item["is_held"]) == ("ready", 20_000, False)
    assert item["kept_until"] == "2026-12-23"
    assert item["audio_path"] == f"/v1/recordings/{recording_id}/audio"

    await client.post(f"/v1/recordings/{older[0]}/hold", json={"why": "case 7"})
    for query, expected in (
        ("is_held=true", [older[0]]),
        (f"campaign_id={campaign_id}&is_held=false", [recording_id, older[1]]),
        ("campaign_id=4242", []),
        ("state=deleted", []),
        ("copy_state=copied", []),
        ("from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z", [older[0]]),
    ):
        found = (await client.get(f"/v1/recordings?{query}")).json()["items"]
        assert [int(item["recording_id"]) for item in found] == expected, query
    assert code_of(await client.get("/v1/recordings?cursor=!")) == "cursor_invalid"
    assert code_of(await client.get("/v1/recordings?from=2026-11-22T00:00:00")) == "request_invalid"


async def test_a_held_recording_is_deleted_by_nobody(
    client: Client, recording_id: int, pool: Pool, directory: Path
) -> None:
    path = f"/v1/recordings/{recording_id}"
    held = (await client.post(f"{path}/hold", json={"why": "case 7"})).json()
    assert (held["is_held"], held["held_why"], held["held_time"]) == (True, "case 7", "2026-11-24T12:00:00Z")
    response = await client.delete(path)
    assert (response.status_code, code_of(response)) == (409, "recording_held")
    assert "case 7" in response.json()["detail"]
    assert files_in(directory)

    await client.post(f"{path}/hold", json={"why": "again"})
    assert (await client.get(path)).json()["held_why"] == "case 7"
    assert (await client.post(f"{path}/release")).json()["is_held"] is False
    deleted = await client.delete(path)
    assert (deleted.status_code, deleted.json()["state"]) == (200, "deleted")
    assert [new["why"] for _, _, new in await audit(pool, "hold")] == ["case 7"]
    assert len(await audit(pool, "release")) == 1


async def test_a_deleted_recording_leaves_its_row(
    client: Client, recording_id: int, pool: Pool, directory: Path
) -> None:
    path = f"/v1/recordings/{recording_id}"
    deleted = (await client.delete(path)).json()
    assert (deleted["deleted_why"], deleted["deleted_time"]) == ("asked", "2026-11-24T12:00:00Z")
    assert deleted["audio_path"] is None
    assert files_in(directory) == []
    assert (await client.delete(path)).json() == deleted
    for part in ("audio", "waveform"):
        response = await client.get(f"{path}/{part}")
        assert (response.status_code, code_of(response)) == (409, "recording_deleted")
    response = await client.post(f"{path}/hold", json={"why": "too late"})
    assert (response.status_code, code_of(response)) == (409, "recording_deleted")
    ((actor, subject, new),) = await audit(pool, "delete")
    assert (subject, new["state"], new["why"]) == (recording_id, "deleted", "asked")
    assert actor.startswith("key:")


async def test_what_cannot_be_read_says_why(
    client: Client, recording_id: int, pool: Pool, directory: Path
) -> None:
    (file,) = files_in(directory)
    data = bytearray(file.read_bytes())
    data[20_000] ^= 1
    file.write_bytes(data)
    response = await client.get(f"/v1/recordings/{recording_id}/waveform")
    assert (response.status_code, code_of(response)) == (409, "recording_unreadable")
    assert "forged" in response.json()["detail"]
    file.unlink()
    response = await client.get(f"/v1/recordings/{recording_id}/audio")
    assert (response.status_code, code_of(response)) == (409, "recording_unreadable")
    assert "missing" in response.json()["detail"]
    await pool.execute("UPDATE recordings SET state = 'writing'")
    assert code_of(await client.get(f"/v1/recordings/{recording_id}/audio")) == "recording_writing"
    assert code_of(await client.delete(f"/v1/recordings/{recording_id}")) == "recording_writing"


async def test_a_call_that_goes_on_can_be_asked_to_be_recorded(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    attempt_id = await add_traced_attempt(pool, campaign_id, result=None, settled_time=None)
    response: httpx.Response = await client.post(f"/v1/attempts/{attempt_id}/record")
    assert (response.status_code, response.json()["attempt_id"]) == (202, str(attempt_id))
    asked = await pool.fetch("SELECT shard_key, attempt_id FROM recording_requests")
    assert [tuple(row) for row in asked] == [(campaign_id * 256, attempt_id)]

    ended = await add_traced_attempt(pool, campaign_id, "2026-11-24T11:00:00+03:00")
    assert code_of(await client.post(f"/v1/attempts/{ended}/record")) == "call_has_ended"
    assert code_of(await client.post("/v1/attempts/1/record")) == "attempt_not_found"


async def test_a_campaign_says_what_it_records_and_for_how_long(client: Client, campaign_id: int) -> None:
    path = f"/v1/campaigns/{campaign_id}"
    fresh = (await client.get(path)).json()
    assert (fresh["recording"], fresh["recording_days"]) == ("none", 30)
    changed = (await client.patch(path, json={"recording": "on_demand", "recording_days": 90})).json()
    assert (changed["recording"], changed["recording_days"]) == ("on_demand", 90)
    response = await client.patch(path, json={"recording_days": 0, "recording": "some"})
    assert {error["field"] for error in response.json()["errors"]} == {"recording_days", "recording"}
    trunk_id = changed["trunks"][0]["trunk_id"]
    made = await client.post("/v1/campaigns", json={"name": "x", "trunk_id": trunk_id, "recording": "all"})
    assert (made.json()["recording"], made.json()["recording_days"]) == ("all", 30)
