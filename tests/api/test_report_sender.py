"""Scheduled reports over real sockets: mail to an SMTP server, webhooks to an HTTP server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from analytics.query import Period, QueryRequest
from api.delivery import BACK_OFF, Sender, Ways
from api.mail import read_mail_server
from api.readers import Readers
from api.report_models import Delivery, NewReport, NewSchedule, Schedule
from api.report_sender import ReportQueue
from api.report_store import ReportStore
from campaigns.database import Pool
from tests.api.receiver_server import Receiver
from tests.api.smtp_server import SmtpServer
from tests.clock import Clock
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.xlsx import read_xlsx

QUERY = QueryRequest(
    metrics=["attempts", "asr"],
    dimensions=["result"],
    period=Period(name="yesterday"),
    time_zone="Europe/Moscow",
)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer().running() as server:
        yield server


def sender(
    pool: Pool, clock: Clock, smtp: SmtpServer | None = None, *, allows_private_webhooks: bool = True
) -> Sender:
    server = read_mail_server(f"smtp://127.0.0.1:{smtp.port}", "reports@example.org") if smtp else None
    ways = Ways(mail_server=server, allows_private_webhooks=allows_private_webhooks)
    return Sender(
        [ReportQueue(pool, Readers(sums=pool, facts=pool), clock, ways)], clock, interval_seconds=60
    )


async def schedule(pool: Pool, clock: Clock, **how: Any) -> Schedule:
    """Save a report and schedule it daily at nine in Moscow; then it is due."""
    store = ReportStore(pool)
    report = await store.add(NewReport(name="Итоги", query=QUERY), "key:1", clock())
    made = await store.add_schedule(
        report.report_id,
        NewSchedule(every="day", minute=9 * 60, time_zone="Europe/Moscow", language="ru", **how),
        clock(),
    )
    clock.now = made.next_time
    return made


async def last(pool: Pool, made: Schedule) -> Delivery:
    return (await ReportStore(pool).deliveries(made.schedule_id, None, 10))[0]


async def test_a_due_report_is_mailed_with_its_figures_attached(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    made = await schedule(pool, clock, recipients=["owner@example.org", "head@example.org"])
    campaign_id = await add_campaign(pool)
    day_before = (made.next_time - timedelta(days=1)).isoformat()
    await add_attempt(pool, campaign_id, day_before, result="answered", talk_ms=1000)
    await add_attempt(pool, campaign_id, day_before, result="busy")
    await add_attempt(pool, campaign_id, made.next_time.isoformat(), result="busy")

    assert await sender(pool, clock, smtp).work() == 1

    assert smtp.recipients == [["owner@example.org", "head@example.org"]]
    mail = smtp.mails[0]
    assert "Итоги" in mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "ASR: 50,0\u202f% (1 / 2)" in body.get_content()
    attachment = next(iter(mail.iter_attachments()))
    sheet = read_xlsx(attachment.get_payload(decode=True))  # type: ignore[arg-type]  # bytes of a file
    assert [row[:2] for row in sheet] == [["result", "attempts"], ["answered", 1], ["busy", 1]]
    assert (await last(pool, made)).status == "sent"


async def test_many_processes_and_restarts_send_one_mail_per_due_time(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    made = await schedule(pool, clock, recipients=["owner@example.org"])
    clock.now = made.next_time + timedelta(days=2, hours=1)  # nobody was there for two days
    await asyncio.gather(*(sender(pool, clock, smtp).work() for _ in range(8)))
    await asyncio.gather(*(sender(pool, clock, smtp).work() for _ in range(8)))
    ids = sorted(mail["Message-ID"] for mail in smtp.mails)
    due = [int((made.next_time + timedelta(days=day)).timestamp()) for day in range(3)]
    assert ids == [f"<report-{made.schedule_id}-{second}@obzvon>" for second in due]


async def test_a_busy_mail_server_is_tried_again_later_with_the_same_message(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    made = await schedule(pool, clock, recipients=["owner@example.org"])
    smtp.answers = ["451 later"]
    assert await sender(pool, clock, smtp).work() == 1
    waiting = await last(pool, made)
    assert (waiting.status, waiting.tries, waiting.next_try_time) == ("waiting", 1, clock.now + BACK_OFF[0])
    assert waiting.error_code == "mail_refused"
    assert "451" in str(waiting.last_error)
    assert await sender(pool, clock, smtp).work() == 0
    clock.now += BACK_OFF[0]
    assert await sender(pool, clock, smtp).work() == 1
    assert (await last(pool, made)).status == "sent"
    assert len(smtp.mails) == 1


async def test_a_try_whose_process_died_is_taken_up_when_its_lease_is_over(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    made = await schedule(pool, clock, recipients=["owner@example.org"])
    store = ReportStore(pool)
    assert await store.begin_due(clock()) == 1
    assert await store.take(1, clock(), clock() + timedelta(minutes=5)) is not None
    assert await sender(pool, clock, smtp).work() == 0
    clock.now += timedelta(minutes=5)
    assert await sender(pool, clock, smtp).work() == 1
    assert (await last(pool, made)).tries == 2


async def test_without_a_mail_server_the_delivery_has_failed_and_says_why(pool: Pool, clock: Clock) -> None:
    made = await schedule(pool, clock, recipients=["owner@example.org"])
    await sender(pool, clock).work()
    failed = await last(pool, made)
    assert failed.status == "failed"
    assert failed.error_code == "mail_not_set_up"
    assert "OBZVON_SMTP_URL" in str(failed.last_error)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as server:
        yield server


async def test_a_webhook_is_signed_and_carries_the_answer(
    pool: Pool, clock: Clock, receiver: Receiver
) -> None:
    made = await schedule(pool, clock, webhook_url=f"http://localhost:{receiver.port}/hook?x=1")
    clock.now = datetime.now(UTC)  # the signature's time is checked against the real clock
    await pool.execute("UPDATE report_schedules SET next_time = $1", clock.now)
    await sender(pool, clock).work()
    headers, body = receiver.requests[0]
    assert made.webhook_secret is not None
    Webhook(made.webhook_secret).verify(body, headers)
    assert headers["Host"] == f"localhost:{receiver.port}"
    message = msgspec.json.decode(body)
    assert message["type"] == "report.ready"
    assert message["data"]["answer"]["totals"]["attempts"] == {"value": 0}
    assert message["data"]["answer"]["metrics"][0]["title"] == "Попытки"


async def test_a_redirect_is_not_followed_and_gone_ends_the_schedule(
    pool: Pool, clock: Clock, receiver: Receiver
) -> None:
    made = await schedule(pool, clock, webhook_url=f"http://127.0.0.1:{receiver.port}/")
    receiver.answer = "302 Found"
    await sender(pool, clock).work()
    assert len(receiver.requests) == 1
    assert "302" in str((await last(pool, made)).last_error)
    receiver.answer = "410 Gone"
    clock.now += BACK_OFF[0]
    await sender(pool, clock).work()
    assert (await last(pool, made)).status == "failed"
    assert not (await ReportStore(pool).get_schedule(made.schedule_id)).is_active


async def test_after_the_last_try_the_delivery_has_failed(
    pool: Pool, clock: Clock, receiver: Receiver
) -> None:
    made = await schedule(pool, clock, webhook_url=f"http://127.0.0.1:{receiver.port}/")
    receiver.answer = "500 Oops"
    sending = sender(pool, clock)
    await sending.work()
    await pool.execute("UPDATE report_schedules SET is_active = false")
    for pause in BACK_OFF:
        assert (await last(pool, made)).status == "waiting"
        clock.now += pause
        assert await sending.work() == 1
    assert (await last(pool, made)).status == "failed"
    assert len(receiver.requests) == len(BACK_OFF) + 1


async def test_a_private_address_is_not_called(pool: Pool, clock: Clock, receiver: Receiver) -> None:
    made = await schedule(pool, clock, webhook_url=f"https://localhost:{receiver.port}/")
    await sender(pool, clock, allows_private_webhooks=False).work()
    failed = await last(pool, made)
    assert (failed.status, failed.error_code, failed.last_error) == ("failed", "webhook_private", "localhost")
    assert receiver.requests == []


async def test_the_loop_sends_what_is_due_and_stops(pool: Pool, clock: Clock, smtp: SmtpServer) -> None:
    made = await schedule(pool, clock, recipients=["owner@example.org"])
    async with sender(pool, clock, smtp).running():
        async with asyncio.timeout(10):
            while not smtp.mails or (await last(pool, made)).status != "sent":
                await asyncio.sleep(0.01)
    assert len(smtp.mails) == 1
