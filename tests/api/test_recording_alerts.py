"""Copies that keep failing and recordings that miss sound are told where people look, with real storages that go and come back."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from analytics.alert_rule import CLEAR_AFTER
from analytics.database import statement
from api.alert_models import NewReceiver
from api.alert_receivers import ReceiverStore
from api.alert_sender import AlertQueue
from api.alert_watch import look
from api.catalogue import Catalogue
from api.delivery import Sender, Ways
from api.mail import read_mail_server
from campaigns.alerts import Alert, AlertStore
from campaigns.database import Pool
from campaigns.recording_keeper import COPY_BACK_OFF, HURRY_EVERY, RecordingKeeper
from campaigns.recording_storage import CopyStorage, Failure
from tests.api.smtp_server import SmtpServer
from tests.campaigns.storages import S3, Storage, WebDav
from tests.clock import Clock
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.recordings import add_recording

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


async def alerts(pool: Pool) -> list[Alert]:
    return await AlertStore(pool).list_alerts(2**63 - 1, 100, is_open=None)


@pytest.mark.parametrize("kind", ["webdav", "s3"])
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "The oldest has waited for 1 hour. Last error: the storage does not answer"),
        ("ru", "Самая старая ждёт 1 час. Последняя ошибка: хранилище не отвечает"),
    ],
)
async def test_copies_that_keep_failing_raise_an_alert_that_ends_when_the_storage_is_back(
    pool: Pool, tmp_path: Path, clock: Clock, kind: str, language: str, sentence: str
) -> None:
    directory, dav = tmp_path / "here", tmp_path / "there"
    dav.mkdir()
    campaign_id = await add_campaign(pool, recording="all")
    for minutes in (60, 30):
        await add_recording(
            pool, directory, campaign_id=campaign_id, attempt_id=minutes, seconds=1,
            started_time=NOW - timedelta(minutes=minutes),
        )  # fmt: skip
    server: Storage = WebDav(dav) if kind == "webdav" else S3()
    server.start()
    storage = CopyStorage(server.settings())
    await storage.check("before")
    server.stop()
    keeper = RecordingKeeper(pool, directory, clock, storage)
    async with SmtpServer().running() as smtp:
        mail = read_mail_server(f"smtp://127.0.0.1:{smtp.port}", "alerts@example.org")
        ways = Ways(mail_server=mail, allows_private_webhooks=True)
        sender = Sender(
            [AlertQueue(pool, clock, ways, "https://calls.example.org")], clock, interval_seconds=60
        )
        await ReceiverStore(pool).add(
            NewReceiver(recipients=["lead@example.org"], language="ru" if language == "ru" else "en"), NOW
        )
        for pause in COPY_BACK_OFF[:3]:
            assert await keeper.copy_due() == 0
            assert await keeper.copy_due() == 0, "the other one fails, too"
            await look(pool, clock())
            clock.now += pause
        raised = await alerts(pool)
        assert [(each.subject_kind, each.state, each.value) for each in raised] == [("all", "raised", 2)]
        assert raised[0].detail == {
            "oldest_time": (NOW - timedelta(minutes=60)).isoformat(),
            "error": "unreachable",
        }
        await sender.work()
        assert sentence in smtp.mails[0].get_content()

        server.start()
        assert await keeper.copy_due() == 2, "also the one whose pause is not over"
        await look(pool, clock())
        clock.now += CLEAR_AFTER
        await look(pool, clock())
        assert [each.state for each in await alerts(pool)] == ["resolved"]
        await sender.work()
        assert len(smtp.mails) == 2
    server.stop()


async def test_one_hiccup_is_no_alert_and_neither_is_a_damaged_file_of_our_own(
    pool: Pool, tmp_path: Path, clock: Clock
) -> None:
    campaign_id = await add_campaign(pool, recording="all")
    for attempt_id, tries, error in ((1, 2, "unreachable"), (2, 9, "local_file_differs")):
        await add_recording(
            pool, tmp_path, campaign_id=campaign_id, attempt_id=attempt_id, seconds=1,
            copy_state="waiting" if tries == 2 else "failed", copy_attempts=tries, copy_error=error,
        )  # fmt: skip
    await look(pool, clock())
    assert await AlertStore(pool).list_rules() == []
    await pool.execute("UPDATE recordings SET copy_attempts = 3 WHERE attempt_id = 1")
    await look(pool, clock())
    assert [each.value for each in await alerts(pool)] == [1]
    await look(pool, clock(), makes_copies=False)
    assert [each.state for each in await alerts(pool)] == ["resolved"], (
        "nothing waits where nothing is copied"
    )


async def test_what_a_storage_failed_for_days_is_copied_when_others_go_through_and_tried_once_if_not(
    pool: Pool, tmp_path: Path, clock: Clock
) -> None:
    directory, dav = tmp_path / "here", tmp_path / "there"
    dav.mkdir()
    campaign_id = await add_campaign(pool, recording="all")
    for attempt_id in (1, 2):
        await add_recording(
            pool, directory, campaign_id=campaign_id, attempt_id=attempt_id, seconds=1,
            copy_state="failed", copy_attempts=len(COPY_BACK_OFF) + 1, copy_error="unreachable",
        )  # fmt: skip
    await pool.execute("UPDATE recordings SET copy_error = 'local_file_differs' WHERE attempt_id = 2")
    await add_recording(pool, directory, campaign_id=campaign_id, attempt_id=3, seconds=1)
    server = WebDav(dav)
    server.start()
    keeper = RecordingKeeper(pool, directory, clock, CopyStorage(server.settings()))
    assert await keeper.copy_due() == 2
    states = await pool.fetch("SELECT attempt_id, copy_state FROM recordings ORDER BY attempt_id")
    assert [tuple(row) for row in states] == [(1, "copied"), (2, "failed"), (3, "copied")]
    # not again for each copy that goes through: one file may fail by itself
    await pool.execute(
        "UPDATE recordings SET copy_state = 'failed', copy_error = 'timed_out' WHERE attempt_id = 1"
    )
    for attempt_id, copied in ((4, 1), (5, 2)):
        await add_recording(pool, directory, campaign_id=campaign_id, attempt_id=attempt_id, seconds=1)
        assert await keeper.copy_due() == copied
        clock.now += HURRY_EVERY
    server.stop()


async def test_recordings_with_missing_sound_raise_an_alert_that_says_where_and_why(
    pool: Pool, tmp_path: Path, clock: Clock
) -> None:
    campaign_id = await add_campaign(pool, recording="all")
    for attempt_id, columns in (
        (1, {"gap_ms": 4000, "cause": "disk_full"}),
        (2, {"gap_ms": 1000, "cause": "disk_full", "state": "broken"}),
        (3, {"cause": "no_sound", "state": "broken"}),
        (4, {}),
    ):
        await add_recording(
            pool, tmp_path, campaign_id=campaign_id, attempt_id=attempt_id, seconds=1, started_time=NOW,
            **columns,
        )  # fmt: skip
    await look(pool, NOW + timedelta(minutes=1))
    found = (await ReceiverStore(pool).alerts(2**62, 10, is_open=True))[0]
    assert (found.metric, found.value) == ("damaged_recordings", 2)
    assert found.detail == {"gap_ms": 5000, "cause": "disk_full", "node_name": "node"}
    # a quarter of an hour without another one, and it is over
    await look(pool, NOW + timedelta(minutes=16))
    await look(pool, NOW + timedelta(minutes=16) + CLEAR_AFTER)
    assert [each.state for each in await alerts(pool)] == ["resolved"]


async def test_a_rule_that_somebody_switched_off_is_not_made_again(
    pool: Pool, tmp_path: Path, clock: Clock
) -> None:
    campaign_id = await add_campaign(pool, recording="all")
    await add_recording(
        pool, tmp_path, campaign_id=campaign_id, attempt_id=1, seconds=1, started_time=NOW,
        gap_ms=10, cause="disk_full",
    )  # fmt: skip
    await asyncio.gather(look(pool, NOW), look(pool, NOW))
    rules = await AlertStore(pool).list_rules()
    assert len({rule.metric for rule in rules}) == 1
    for rule in rules:
        await AlertStore(pool).enable_rule(rule.rule_id, NOW, is_enabled=False)
    await look(pool, NOW + timedelta(minutes=1))
    assert await AlertStore(pool).list_rules() == [
        rule for rule in await AlertStore(pool).list_rules() if not rule.is_enabled
    ]
    assert [each.state for each in await alerts(pool)] == ["resolved"] * len(rules)


def test_the_statement_knows_every_failure_of_a_storage_and_each_has_words() -> None:
    listed = re.search(r"copy_error IN \(([^)]+)\)", statement("alert_copies"))
    assert listed is not None
    assert set(re.findall(r"'(\w+)'", listed[1])) == set(get_args(Failure))
    assert all(Catalogue.load().has(f"recordings.copy_error.{code}") for code in get_args(Failure))
