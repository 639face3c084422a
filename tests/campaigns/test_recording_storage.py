"""The user's own storage, against real servers of both kinds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.errors import Problem
from campaigns.recording_storage import CopySettings, CopyStorage, StorageFailed, read_copy_settings
from tests.campaigns.storages import PASSWORD, s3, webdav

PATH = "2026/11/25/1.obz"


@pytest.fixture(params=["webdav", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CopyStorage]:
    if request.param == "s3":
        with s3() as settings:
            yield CopyStorage(settings)
    else:
        with webdav(tmp_path) as server:
            yield CopyStorage(server.settings())


async def test_what_was_put_is_there_byte_by_byte_and_can_be_deleted(storage: CopyStorage) -> None:
    data = os.urandom(7_000_000)  # more than one part of a multipart upload
    await storage.put(PATH, data)
    assert await storage.get(PATH) == data
    await storage.put(PATH, b"again")
    assert await storage.get(PATH) == b"again"
    await storage.delete(PATH)
    assert await storage.get(PATH) is None
    await storage.delete(PATH)
    await storage.check("looked-at")
    assert await storage.get("looked-at") is None


async def test_a_wrong_password_is_refused_and_told_without_it(tmp_path: Path) -> None:
    with webdav(tmp_path) as server:
        settings = server.settings("not the password")
        with pytest.raises(StorageFailed) as failed:
            await CopyStorage(settings).check("x")
    assert failed.value.code == "refused"
    assert "not the password" not in str(failed.value) + repr(settings)


async def test_a_bucket_that_is_not_there_is_misconfigured() -> None:
    with s3() as settings:
        settings.options["bucket"] = "another"
        with pytest.raises(StorageFailed) as failed:
            await CopyStorage(settings).put(PATH, b"x")
    assert failed.value.code == "misconfigured"


async def test_a_server_that_is_away_is_unreachable(tmp_path: Path) -> None:
    with webdav(tmp_path) as server:
        storage = CopyStorage(server.settings())
    for call in (storage.put(PATH, b"x"), storage.delete(PATH), storage.get(PATH)):
        with pytest.raises(StorageFailed) as failed:
            await call
        assert failed.value.code == "unreachable"


async def test_a_storage_that_gives_back_something_else_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webdav(tmp_path) as server:
        storage = CopyStorage(server.settings())
        write = storage._operator.write

        class Liar:
            def __getattr__(self, name: str) -> object:
                return getattr(inner, name)

            def write(self, path: str, data: bytes) -> object:
                return write(path, data[:-1])

        inner = storage._operator
        monkeypatch.setattr(storage, "_operator", Liar())
        with pytest.raises(StorageFailed) as failed:
            await storage.put(PATH, b"sound")
    assert failed.value.code == "differs"


def read(**environ: str) -> tuple[CopySettings | None, list[Problem]]:
    problems: list[Problem] = []
    return read_copy_settings(environ, problems), problems


def test_settings_are_read_by_scheme_and_options() -> None:
    assert read() == (None, [])
    settings, problems = read(
        OBZVON_COPY_SCHEME="webdav",
        OBZVON_COPY_OPTIONS=f"endpoint=https://disk.example/dav username=u password='{PASSWORD}'",
        OBZVON_COPY_EXPIRES="1",
    )
    assert problems == []
    assert settings is not None
    assert settings.options == {"endpoint": "https://disk.example/dav", "username": "u", "password": PASSWORD}
    assert settings.expires
    assert PASSWORD not in repr(settings)


@pytest.mark.parametrize(
    ("scheme", "options", "code"),
    [
        ("ftp", "", "not_a_storage"),
        ("s3", "bucket=b", "options_missing"),
        ("s3", "bucket=b region", "not_options"),
        ("webdav", "endpoint='x", "not_options"),
        ("webdav", "", "options_missing"),
    ],
)
def test_wrong_settings_are_told_without_their_values(scheme: str, options: str, code: str) -> None:
    settings, problems = read(OBZVON_COPY_SCHEME=scheme, OBZVON_COPY_OPTIONS=options)
    assert settings is None
    assert [problem.code for problem in problems] == [code]
    assert "region" in str(problems[0].params) if options == "bucket=b" else True
