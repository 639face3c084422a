"""Alerts told by mail and webhook over real sockets: at least once, by a key that shows what is the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from api.alert_models import AlertDelivery, NewReceiver, Receiver
from api.alert_receivers import ReceiverStore
from api.alert_sender import AlertQueue
from api.delivery import BACK_OFF, Sender, Ways
from api.mail import read_mail_server
from campaigns.alerts import AlertStore
from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of
from tests.api.receiver_server import Receiver as HttpServer
from tests.api.smtp_server import SmtpServer
from tests.api.test_alerts import rule
from tests.clock import Clock
from tests.postgres.campaign_rows import add_campaign

MAIL = {"recipients": ["lead@example.org"]}


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer().running() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[HttpServer]:
    async with HttpServer().running() as server:
        yield server


def sender(pool: Pool, clock: Clock, smtp: SmtpServer | None = None) -> Sender:
    server = read_mail_server(f"smtp://127.0.0.1:{smtp.port}", "alerts@example.org") if smtp else None
    ways = Ways(mail_server=server, allows_private_webhooks=True)
    return Sender([AlertQueue(pool, clock, ways, "https://calls.example.org")], clock, interval_seconds=60)


async def receiver(pool: Pool, clock: Clock, **how: Any) -> Receiver:
    return await ReceiverStore(pool).add(NewReceiver(**how), clock())


async def raised(pool: Pool, clock: Clock, rule_id: int | None = None) -> int:
    """Raise an alert: 21 of 109 answered, where 34.2 % is usual."""
    campaign_id = await add_campaign(pool, name="Осень")
    store = AlertStore(pool)
    if rule_id is None:
        rule_id = (await store.add_rule(rule(comparison="worse_than_usual", threshold=None), clock())).rule_id
    alert_id = await store.raise_alert(
        rule_id,
        ("campaign", campaign_id),
        clock(),
        value=0.193,
        numerator=21,
        denominator=109,
        expected=0.342,
    )
    assert alert_id is not None
    return alert_id


async def last(pool: Pool, to: Receiver) -> AlertDelivery:
    return (await ReceiverStore(pool).last_deliveries())[to.receiver_id]


async def test_an_alert_is_mailed_when_it_is_raised_and_when_it_is_over(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    to = await receiver(pool, clock, **MAIL, language="ru")
    alert_id = await raised(pool, clock)
    assert await sender(pool, clock, smtp).work() == 1
    clock.now += timedelta(minutes=12)
    await AlertStore(pool).resolve(alert_id, clock())
    assert await sender(pool, clock, smtp).work() == 1
    assert await sender(pool, clock, smtp).work() == 0

    first, second = smtp.mails
    subject = first["Subject"].replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert subject == "Тревога: Answers, Осень: 19,3 %, обычно 34,2 %"
    assert second["Subject"].startswith("Снята: Answers, Осень")
    assert f"https://calls.example.org/alerts#alert-{alert_id}" in first.get_content()
    assert [mail["Message-ID"] for mail in smtp.mails] == [
        f"<alert-{alert_id}-{turn}-{to.receiver_id}@obzvon>" for turn in ("raised", "resolved")
    ]
    assert (await last(pool, to)).status == "sent"


async def test_each_receiver_hears_of_its_own_rule_once_however_many_processes_send(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    other = await AlertStore(pool).add_rule(rule(name="Other"), clock())
    await receiver(pool, clock, recipients=["all@example.org"])
    await receiver(pool, clock, recipients=["other@example.org"], rule_id=other.rule_id)
    await raised(pool, clock)
    await asyncio.gather(*(sender(pool, clock, smtp).work() for _ in range(8)))
    assert smtp.recipients == [["all@example.org"]]
    await raised(pool, clock, other.rule_id)
    await asyncio.gather(*(sender(pool, clock, smtp).work() for _ in range(8)))
    assert sorted(smtp.recipients) == [["all@example.org"], ["all@example.org"], ["other@example.org"]]


async def test_an_address_that_stands_in_several_receivers_hears_of_an_alert_once(
    pool: Pool, clock: Clock, smtp: SmtpServer, http: HttpServer
) -> None:
    made = await AlertStore(pool).add_rule(rule(), clock())
    await receiver(pool, clock, recipients=["duty@example.org", "Lead@example.org"])
    doubled = await receiver(pool, clock, recipients=["lead@example.org"], language="ru")
    await receiver(
        pool, clock, recipients=["lead@example.org", "owner@example.org"], rule_id=made.rule_id, language="ru"
    )
    hook = f"http://127.0.0.1:{http.port}/hook"
    await receiver(pool, clock, webhook_url=hook)
    newest = await receiver(pool, clock, webhook_url=hook)
    alert_id = await raised(pool, clock, made.rule_id)
    await sender(pool, clock, smtp).work()
    assert sorted(smtp.recipients) == [["duty@example.org"], ["lead@example.org", "owner@example.org"]]
    assert [headers["webhook-id"] for headers, _ in http.requests] == [
        f"alert-{alert_id}-raised-{newest.receiver_id}"
    ]
    without = await last(pool, doubled)
    assert (without.status, without.error_code) == ("sent", "told_by_another")
    await AlertStore(pool).resolve(alert_id, clock())
    await sender(pool, clock, smtp).work()
    assert sorted(address for mail in smtp.recipients for address in mail) == sorted(
        2 * ["duty@example.org", "lead@example.org", "owner@example.org"]
    )
    assert len(http.requests) == 2


async def test_a_webhook_is_signed_and_says_everything(pool: Pool, clock: Clock, http: HttpServer) -> None:
    to = await receiver(pool, clock, webhook_url=f"http://127.0.0.1:{http.port}/hook")
    alert_id = await raised(pool, clock)
    await sender(pool, clock).work()
    headers, body = http.requests[0]
    assert to.webhook_secret is not None
    Webhook(to.webhook_secret).verify(body, headers)
    message = msgspec.json.decode(body)
    assert message["type"] == "alert.raised"
    alert = message["data"]["alert"]
    assert (alert["alert_id"], alert["subject_name"], alert["state"]) == (alert_id, "Осень", "raised")
    assert (alert["value"], alert["numerator"], alert["denominator"], alert["expected"]) == (
        0.193, 21, 109, 0.342,
    )  # fmt: skip


async def test_that_it_is_over_is_said_after_that_it_was_raised_with_the_same_key_at_each_try(
    pool: Pool, clock: Clock, http: HttpServer
) -> None:
    to = await receiver(pool, clock, webhook_url=f"http://127.0.0.1:{http.port}/")
    alert_id = await raised(pool, clock)
    http.answers = ["503 Later"]
    assert await sender(pool, clock).work() == 1
    waiting = await last(pool, to)
    assert (waiting.status, waiting.tries, waiting.error_code, waiting.last_error) == (
        "waiting", 1, "webhook_refused", "HTTP 503",
    )  # fmt: skip
    await AlertStore(pool).resolve(alert_id, clock())
    assert await sender(pool, clock).work() == 0, "not before it is known that there was one"
    clock.now += BACK_OFF[0]
    assert await sender(pool, clock).work() == 2
    assert [headers["webhook-id"].split("-")[2] for headers, _ in http.requests] == [
        "raised",
        "raised",
        "resolved",
    ]
    assert len({headers["webhook-id"] for headers, _ in http.requests}) == 2


async def test_after_the_last_try_it_has_failed_and_gone_ends_the_receiver(
    pool: Pool, clock: Clock, http: HttpServer
) -> None:
    to = await receiver(pool, clock, webhook_url=f"http://127.0.0.1:{http.port}/")
    await raised(pool, clock)
    http.answer = "500 Oops"
    sending = sender(pool, clock)
    await sending.work()
    for pause in BACK_OFF:
        assert (await last(pool, to)).status == "waiting"
        clock.now += pause
        assert await sending.work() == 1
    assert (await last(pool, to)).status == "failed"
    http.answer = "410 Gone"
    await raised(pool, clock)
    await sending.work()
    assert not (await ReceiverStore(pool).get(to.receiver_id)).is_active
    await raised(pool, clock)
    assert await sending.work() == 0


async def test_a_process_that_died_with_it_is_followed_by_another(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    to = await receiver(pool, clock, **MAIL)
    await raised(pool, clock)
    assert await ReceiverStore(pool).take(1, clock(), clock() + timedelta(minutes=5)) is not None
    assert await sender(pool, clock, smtp).work() == 0
    clock.now += timedelta(minutes=5)
    assert await sender(pool, clock, smtp).work() == 1
    assert (await last(pool, to)).tries == 2


async def test_an_error_of_ours_is_bounded_and_stops_no_other_delivery(
    pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    broken = await receiver(pool, clock, recipients=["first@example.org"])
    await receiver(pool, clock, recipients=["second@example.org"])
    await pool.execute(
        "UPDATE alert_receivers SET recipients = '{}' WHERE receiver_id = $1", broken.receiver_id
    )
    await raised(pool, clock)
    assert await sender(pool, clock, smtp).work() == 2
    assert smtp.recipients == [["second@example.org"]]
    assert (await last(pool, broken)).status == "waiting"


async def test_a_rule_that_is_changed_or_switched_off_ends_what_it_raised_and_says_so(
    client: Client, pool: Pool, clock: Clock, smtp: SmtpServer
) -> None:
    await receiver(pool, clock, **MAIL)
    await raised(pool, clock)
    (kept,) = await AlertStore(pool).list_rules()
    body = {"name": "New", "metric": "asr", "comparison": "below", "threshold": 0.3, "subject_kind": "trunk"}
    changed = await client.put(f"/v1/alert-rules/{kept.rule_id}", json=body)
    assert (changed.status_code, changed.json()["metric"], changed.json()["name"]) == (200, "asr", "New")
    assert [alert.state for alert in await AlertStore(pool).list_alerts(99, 9, is_open=None)] == ["resolved"]
    clock.now += timedelta(days=2)  # past the clock of the API
    assert await sender(pool, clock, smtp).work() == 2
    assert code_of(await client.put("/v1/alert-rules/99", json=body)) == "alert_rule_not_found"


async def test_receivers_through_the_api(client: Client, pool: Pool, clock: Clock, make_key: MakeKey) -> None:
    hook = {"webhook_url": "https://example.org/hook", "language": "ru"}
    made = await client.post("/v1/alert-receivers", json=hook)
    assert made.status_code == 201
    assert made.json()["webhook_secret"].startswith("whsec_")
    listed = await client.get("/v1/alert-receivers")
    assert "whsec_" not in listed.text
    receiver_id = made.json()["receiver_id"]
    await raised(pool, clock)
    deliveries = (await client.get(f"/v1/alert-receivers/{receiver_id}/deliveries")).json()
    assert [(one["event"], one["status"]) for one in deliveries] == [("raised", "waiting")]
    assert (await client.delete(f"/v1/alert-receivers/{receiver_id}")).status_code == 204
    gone = await client.get(f"/v1/alert-receivers/{receiver_id}/deliveries")
    assert code_of(gone) == "alert_receiver_not_found"

    wrong = await client.post(
        "/v1/alert-receivers", json={"recipients": ["nobody"], "webhook_url": "ftp://x", "language": "de"}
    )
    assert {error["field"]: error["code"] for error in wrong.json()["errors"]} == {
        "recipients": "one_way_to_send",
        "recipients.0": "not_an_address",
        "webhook_url": "not_a_webhook_url",
        "language": "wrong_type",
    }
    unknown = await client.post("/v1/alert-receivers", json=hook | {"rule_id": 99})
    assert code_of(unknown) == "alert_rule_not_found"
    reader = await make_key("reports:read")
    refused = await client.post("/v1/alert-receivers", json=hook, headers=reader)
    assert code_of(refused) == "scope_missing"
