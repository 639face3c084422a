"""Saved reports and their schedules through the API; the sending itself: test_report_sender.py."""

from typing import Any

from api.mail import read_mail_server
from tests.api.conftest import Client, MakeKey, code_of

REPORT: dict[str, Any] = {
    "name": "Итоги недели",
    "query": {"metrics": ["attempts"], "dimensions": ["day"], "period": {"name": "last_week"}},
}
SCHEDULE: dict[str, Any] = {
    "every": "week",
    "weekday": 1,
    "minute": 540,
    "time_zone": "Europe/Moscow",
    "recipients": ["owner@example.org"],
}


async def save(client: Client) -> int:
    response = await client.post("/v1/reports", json=REPORT)
    assert response.status_code == 201, response.text
    report_id: int = response.json()["report_id"]
    return report_id


async def test_a_saved_report_is_answered_again_and_again(client: Client) -> None:
    report_id = await save(client)
    assert (await client.get("/v1/reports")).json()["items"][0]["name"] == "Итоги недели"
    assert (await client.get(f"/v1/reports/{report_id}")).json()["query"]["period"] == {"name": "last_week"}
    answer = (await client.get(f"/v1/reports/{report_id}/answer")).json()
    # NOW of these tests is Tuesday, 24 November 2026
    assert answer["query"]["period"] == {"from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
    file = await client.get(f"/v1/reports/{report_id}/export?format=csv")
    assert file.text == "day,attempts\r\n"
    changed = await client.put(f"/v1/reports/{report_id}", json=REPORT | {"name": "new"})
    assert changed.json()["name"] == "new"
    assert (await client.delete(f"/v1/reports/{report_id}")).status_code == 204
    gone = await client.get(f"/v1/reports/{report_id}/answer")
    assert (gone.status_code, code_of(gone)) == (404, "report_not_found")


async def test_what_cannot_be_answered_is_not_kept(client: Client) -> None:
    response = await client.post("/v1/reports", json={"name": "x", "query": {"metrics": ["colour"]}})
    assert (response.status_code, code_of(response)) == (422, "query_refused")
    response = await client.post("/v1/reports", json=REPORT | {"name": " "})
    assert (response.status_code, code_of(response)) == (422, "request_invalid")


async def test_a_schedule_says_when_it_is_due(client: Client) -> None:
    report_id = await save(client)
    made = (await client.post(f"/v1/reports/{report_id}/schedules", json=SCHEDULE)).json()
    assert made["next_time"] == "2026-11-30T06:00:00Z"
    assert made["webhook_secret"] is None
    listed = (await client.get(f"/v1/reports/{report_id}/schedules")).json()["items"]
    assert [schedule["schedule_id"] for schedule in listed] == [made["schedule_id"]]
    deliveries = await client.get(f"/v1/schedules/{made['schedule_id']}/deliveries")
    assert deliveries.json() == {"items": []}
    assert (await client.delete(f"/v1/schedules/{made['schedule_id']}")).status_code == 204
    gone = await client.delete(f"/v1/schedules/{made['schedule_id']}")
    assert (gone.status_code, code_of(gone)) == (404, "schedule_not_found")


async def test_a_schedule_is_sent_now_once_and_goes_on_as_before(client: Client) -> None:
    report_id = await save(client)
    made = (await client.post(f"/v1/reports/{report_id}/schedules", json=SCHEDULE)).json()
    address = f"/v1/schedules/{made['schedule_id']}"
    answers = [await client.post(f"{address}/send") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    items = (await client.get(f"{address}/deliveries")).json()["items"]
    assert [item["due_time"] for item in items] == ["2026-11-24T12:00:00Z"], "twice in one second is once"
    listed = (await client.get(f"/v1/reports/{report_id}/schedules")).json()["items"]
    assert listed[0]["next_time"] == made["next_time"]
    assert code_of(await client.post("/v1/schedules/99/send")) == "schedule_not_found"


async def test_the_secret_of_a_webhook_is_shown_once(client: Client) -> None:
    report_id = await save(client)
    body = SCHEDULE | {"recipients": None, "webhook_url": "https://example.org/hook"}
    made = (await client.post(f"/v1/reports/{report_id}/schedules", json=body)).json()
    assert made["webhook_secret"].startswith("whsec_")
    listed = await client.get(f"/v1/reports/{report_id}/schedules")
    assert "whsec_" not in listed.text


async def test_everything_wrong_with_a_schedule_is_named_together(client: Client) -> None:
    report_id = await save(client)
    response = await client.post(
        f"/v1/reports/{report_id}/schedules",
        json={
            "every": "month",
            "weekday": 8,
            "minute": 1440,
            "time_zone": "Europe/Moskva",
            "recipients": ["Owner <owner@example.org>", "a@b.org\r\nBcc: x@y.org"],
            "webhook_url": "ftp://example.org",
        },
    )
    assert (response.status_code, code_of(response)) == (422, "request_invalid")
    assert {error["field"]: error["code"] for error in response.json()["errors"]} == {
        "weekday": "rhythm_has_none",
        "month_day": "rhythm_needs",
        "minute": "out_of_range",
        "time_zone": "not_a_time_zone",
        "recipients": "one_way_to_send",
        "recipients.0": "not_an_address",
        "recipients.1": "not_an_address",
        "webhook_url": "not_a_webhook_url",
    }


async def test_saving_needs_its_own_right(anonymous: Client, make_key: MakeKey) -> None:
    response = await anonymous.post("/v1/reports", json=REPORT, headers=await make_key("reports:read"))
    assert (response.status_code, code_of(response)) == (403, "scope_missing")


def test_the_address_of_a_mail_server_is_read_whole() -> None:
    server = read_mail_server("smtps://us%40er:p%3Aw@mail.example.org", "a@example.org")
    assert server is not None
    assert (server.host, server.port, server.is_tls, server.username, server.password) == (
        "mail.example.org",
        465,
        True,
        "us@er",
        "p:w",
    )
    assert "p:w" not in repr(server)
    assert read_mail_server("http://mail.example.org", "a@example.org") is None
    assert read_mail_server("smtp://host:port", "a@example.org") is None
