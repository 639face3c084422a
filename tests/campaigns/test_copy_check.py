"""The doctor's look at the user's own storage, against a real one."""

from pathlib import Path

from campaigns.copy_check import check_copies
from tests.campaigns.storages import webdav


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_storage_that_can_be_written_is_told_and_left_as_it_was(tmp_path: Path) -> None:
    with webdav(tmp_path) as server:
        findings = await check_copies(server.settings(), "t")
    assert [(finding.code, finding.level) for finding in findings] == [("copy_writable", "ok")]
    assert files_in(tmp_path) == []


async def test_a_storage_that_cannot_is_told_with_the_reason_and_without_the_password(tmp_path: Path) -> None:
    with webdav(tmp_path) as server:
        refused = await check_copies(server.settings("wrong secret"), "t")
        settings = server.settings()
    away = await check_copies(settings, "t")
    assert [(finding.code, finding.facts["reason"]) for finding in refused + away] == [
        ("copy_unwritable", "refused"),
        ("copy_unwritable", "unreachable"),
    ]
    assert "wrong secret" not in str(refused)


async def test_without_copies_there_is_nothing_to_look_at() -> None:
    assert await check_copies(None, "t") == []
