"""Rules through the API, and what a look at them raises, keeps and resolves on rows written here."""

from datetime import datetime, timedelta

import msgspec
import pytest

from analytics.alert_facts import EVERYTHING, figures
from analytics.alert_rule import CLEAR_AFTER, Figure
from api.alert_watch import look
from campaigns.alerts import Alert, AlertStore, NewAlertRule
from campaigns.database import Pool
from tests.api.conftest import NOW as API_NOW
from tests.api.conftest import Client, MakeKey, code_of
from tests.browser.rows import Group, add_attempt
from tests.postgres.campaign_rows import NOW, add_campaign

RULE = {"name": "Answers", "metric": "answer_rate", "comparison": "below", "threshold": 0.2}


def rule(**changes: object) -> NewAlertRule:
    values = {
        "name": "Answers", "metric": "answer_rate", "subject_kind": "campaign", "subject_id": None, "comparison": "below",
        "threshold": 0.5, "window_minutes": 15, "min_count": 10, "is_enabled": True, **changes,
    }  # fmt: skip
    return msgspec.convert(values, NewAlertRule)


async def add_calls(pool: Pool, campaign_id: int, first: int, answered: int, busy: int, at: datetime) -> None:
    for index in range(answered + busy):
        group = Group(1, "answered", 9_000) if index < answered else Group(1, "busy")
        await add_attempt(pool, campaign_id, first + index, group, at - timedelta(milliseconds=index))


async def alerts(pool: Pool) -> list[Alert]:
    return await AlertStore(pool).list_alerts(2**63 - 1, 100, is_open=None)


async def test_a_rule_is_added_listed_and_switched_off(client: Client) -> None:
    added = await client.post("/v1/alert-rules", json=RULE)
    assert added.status_code == 201
    rule_id = added.json()["rule_id"]
    assert (await client.get("/v1/alert-rules")).json() == [added.json()]
    off = await client.patch(f"/v1/alert-rules/{rule_id}", json={"is_enabled": False})
    assert (off.status_code, off.json()["is_enabled"]) == (200, False)
    assert (
        code_of(await client.patch("/v1/alert-rules/99", json={"is_enabled": False}))
        == "alert_rule_not_found"
    )


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"threshold": None}, {("threshold", "missing")}),
        ({"threshold": 20}, {("threshold", "out_of_range")}),
        ({"comparison": "worse_than_usual"}, {("threshold", "only_with_threshold")}),
        (
            {"metric": "idle_minutes", "comparison": "worse_than_usual", "threshold": None},
            {("comparison", "has_no_history")},
        ),
        (
            {"metric": "dry_minutes", "subject_kind": "trunk", "threshold": 5},
            {("subject_kind", "not_for_this_metric")},
        ),
        ({"subject_kind": "all", "subject_id": 3}, {("subject_id", "not_for_all")}),
        ({"name": " ", "window_minutes": 0}, {("name", "empty"), ("window_minutes", "out_of_range")}),
    ],
)
async def test_a_rule_that_contradicts_itself_is_refused_with_every_problem(
    client: Client, changes: dict[str, object], problems: set[tuple[str, str]]
) -> None:
    response = await client.post("/v1/alert-rules", json={**RULE, **changes})
    assert response.status_code == 422
    assert {(item["field"], item["code"]) for item in response.json()["errors"]} == problems


async def test_an_alert_is_raised_once_kept_and_resolved_after_a_while(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=60)
    await AlertStore(pool).add_rule(rule(), NOW)
    await add_calls(pool, campaign_id, 0, 2, 18, NOW)
    await look(pool, NOW + timedelta(seconds=1))
    await look(pool, NOW + timedelta(seconds=2))
    (alert,) = await alerts(pool)
    assert (alert.subject_kind, alert.subject_id, alert.state) == ("campaign", campaign_id, "raised")
    assert (alert.value, alert.numerator, alert.denominator, alert.expected) == (0.1, 2, 20, 0.5)

    good = NOW + timedelta(minutes=20)  # the bad calls have left the window
    await add_calls(pool, campaign_id, 20, 18, 2, good)
    await look(pool, good + timedelta(seconds=1))
    (alert,) = await alerts(pool)
    assert (alert.state, alert.last_value) == ("raised", 0.9)
    await look(pool, good + timedelta(seconds=1) + CLEAR_AFTER)
    (alert,) = await alerts(pool)
    assert alert.state == "resolved"


async def test_a_campaign_is_measured_against_its_own_weeks(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=300)
    await add_calls(pool, campaign_id, 0, 2, 18, NOW)
    week = NOW - timedelta(weeks=1)
    await add_calls(pool, campaign_id, 20, 60, 40, week)
    found = await figures(pool, "answer_rate", timedelta(minutes=15), NOW + timedelta(seconds=1))
    expected = Figure(value=0.1, numerator=2, denominator=20, usual_numerator=60, usual_denominator=100)
    assert found["campaign", campaign_id] == found[EVERYTHING] == expected
    await AlertStore(pool).add_rule(rule(comparison="worse_than_usual", threshold=None), NOW)
    await look(pool, NOW + timedelta(seconds=1))
    (alert,) = await alerts(pool)
    assert alert.expected == 0.6


async def test_a_running_campaign_that_starts_no_call_is_idle_and_a_paused_one_is_not(pool: Pool) -> None:
    started = NOW - timedelta(minutes=30)
    idle = await add_campaign(pool, leads=1, started_time=started)
    await add_campaign(pool, leads=1, status="paused", started_time=started)
    await add_campaign(pool, leads=0, started_time=started)  # nobody to call
    found = await figures(pool, "idle_minutes", timedelta(minutes=15), NOW)
    assert {subject: round(figure.value or 0) for subject, figure in found.items()} == {
        ("campaign", idle): 30
    }
    await AlertStore(pool).add_rule(rule(metric="idle_minutes", comparison="above", threshold=10), NOW)
    await look(pool, NOW)
    assert [alert.subject_id for alert in await alerts(pool)] == [idle]
    await pool.execute("UPDATE campaigns SET status = 'paused'")
    await look(pool, NOW)
    assert [alert.state for alert in await alerts(pool)] == ["resolved"]


async def test_callbacks_that_nobody_made_are_counted(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=3)
    asked = Group(1, "answered", 9_000, "callback_requested")
    for index in range(2):
        await add_attempt(pool, campaign_id, index, asked, NOW - timedelta(hours=2))
    found = await figures(pool, "missed_callbacks", timedelta(minutes=60), NOW)
    assert found["campaign", campaign_id].value == 2.0
    # one of them is called back
    await add_attempt(pool, campaign_id, 2, Group(1, "busy"), NOW - timedelta(hours=1))
    await pool.execute("UPDATE attempts SET contact_id = 1 WHERE contact_id = 2")
    found = await figures(pool, "missed_callbacks", timedelta(minutes=60), NOW)
    assert found["campaign", campaign_id].value == 1.0


async def test_an_alert_is_acknowledged_once_by_name(client: Client, pool: Pool, make_key: MakeKey) -> None:
    campaign_id = await add_campaign(pool)
    store = AlertStore(pool)
    kept = await store.add_rule(rule(), NOW)
    alert_id = await store.raise_alert(
        kept.rule_id, ("campaign", campaign_id), NOW, value=0.1, numerator=2, denominator=20, expected=0.5
    )
    twice = await store.raise_alert(
        kept.rule_id, ("campaign", campaign_id), NOW, value=0.1, numerator=2, denominator=20, expected=0.5
    )
    assert twice is None
    answer = await client.post(f"/v1/alerts/{alert_id}/acknowledge")
    assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")
    assert answer.json()["acknowledged_by"].startswith("key:")
    assert datetime.fromisoformat(answer.json()["acknowledged_time"]) == API_NOW
    floor = (await client.get("/v1/floor")).json()
    assert [(alert["rule_name"], alert["state"]) for alert in floor["alerts"]] == [
        ("Answers", "acknowledged")
    ]
    await client.patch(f"/v1/alert-rules/{kept.rule_id}", json={"is_enabled": False})
    page = (await client.get("/v1/alerts", params={"is_open": "false"})).json()
    assert [alert["state"] for alert in page["items"]] == ["resolved"]
    assert code_of(await client.post(f"/v1/alerts/{alert_id}/acknowledge")) == "alert_is_resolved"
    assert code_of(await client.post("/v1/alerts/99/acknowledge")) == "alert_not_found"
