"""The listening queue through the API, and the guard that switches a classifier off for what was heard."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from analytics.classifier_guard import MIN_JUDGED
from api.alert_watch import look
from api.classifier_guard import guard_classifiers
from campaigns.alerts import AlertStore
from campaigns.audit import list_audit
from campaigns.classifier_stops import ClassifierStops
from campaigns.database import Pool
from campaigns.plan import PlanLoader
from tests.api.conftest import Client, MakeKey, code_of
from tests.postgres.analytics.facts import count_again
from tests.postgres.audits import draw_verdict
from tests.postgres.campaign_rows import NOW, add_campaign


async def judged(pool: Pool, campaign_id: int, *, humans: int, machines: int, first: int = 1) -> None:
    """Draw and judge verdicts, the people among them last."""
    for index in range(humans + machines):
        await draw_verdict(pool, campaign_id, first + index)
    await pool.execute(
        "UPDATE verdict_audits SET judgement = CASE WHEN attempt_id < $1 THEN 'machine' ELSE 'human' END,"
        " judged_by = 'key:1', judged_time = $2 WHERE judgement IS NULL",
        first + machines,
        NOW,
    )
    await pool.execute(
        "UPDATE attempts a SET audit_judgement = v.judgement FROM verdict_audits v WHERE v.attempt_id = a.attempt_id"
    )
    await count_again(pool)


async def policy(pool: Pool, run_id: int) -> dict[int, str]:
    """What a node reads."""
    async with pool.acquire() as connection:
        plan = await PlanLoader().load(connection, run_id)
    return {shard.campaign_id: shard.answering_machine for shard in plan.shards}


async def owned(pool: Pool, run_id: int = 5) -> int:
    campaign_id = await add_campaign(pool, answering_machine="hang_up")
    await pool.execute("UPDATE shards SET run_id = $1 WHERE campaign_id = $2", run_id, campaign_id)
    return campaign_id


async def test_a_verdict_is_claimed_heard_and_judged(client: Client, pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await draw_verdict(pool, campaign_id, 1)
    queue = (await client.post("/v1/verdict-audits/next", json={})).json()
    assert (queue["item"]["attempt_id"], queue["item"]["recording_id"], queue["waiting"]) == ("1", "1", 1)
    assert (await client.get("/v1/verdict-audits")).json()["item"] == queue["item"]
    answer = await client.post("/v1/verdict-audits/1/judgement", json={"judgement": "human"})
    assert (answer.status_code, answer.json()["judgement"]) == (200, "human")
    assert (await client.post("/v1/verdict-audits/next", json={})).json()["item"] is None
    figures = (
        await client.post("/v1/query", json={"metrics": ["audited_persons", "false_positive_share"]})
    ).json()["totals"]
    assert figures["audited_persons"]["value"] == 1
    share = figures["false_positive_share"]
    assert (share["value"], share["numerator"], share["denominator"]) == (1.0, 1, 1)


async def test_problems_are_named(client: Client, anonymous: Client, make_key: MakeKey, pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await draw_verdict(pool, campaign_id, 1)
    refused = await client.post("/v1/verdict-audits/1/judgement", json={"judgement": "human"})
    assert (refused.status_code, code_of(refused)) == (409, "audit_not_yours")
    wrong = await client.post("/v1/verdict-audits/1/judgement", json={"judgement": "dog"})
    assert wrong.status_code == 422
    unknown = await client.post("/v1/verdict-audits/77/judgement", json={"judgement": "human"})
    assert (unknown.status_code, code_of(unknown)) == (404, "verdict_audit_not_found")
    on = await client.post(f"/v1/campaigns/{campaign_id}/classifier/resume")
    assert (on.status_code, code_of(on)) == (409, "classifier_is_on")
    reader = await make_key("reports:read", "campaigns:read")
    assert (await anonymous.get("/v1/verdict-audits", headers=reader)).status_code == 403


async def test_the_settings_of_a_campaign_are_checked(client: Client, campaign_id: int) -> None:
    address = f"/v1/campaigns/{campaign_id}"
    changed = await client.patch(address, json={"audit_share": 0.2, "false_positive_limit": 0.01})
    assert (changed.json()["audit_share"], changed.json()["false_positive_limit"]) == (0.2, 0.01)
    assert (await client.patch(address, json={"audit_share": 0})).json()["audit_share"] == 0
    refused = await client.patch(address, json={"audit_share": 1.5, "false_positive_limit": 0})
    assert {(item["field"], item["code"]) for item in refused.json()["errors"]} == {
        ("audit_share", "out_of_range"),
        ("false_positive_limit", "out_of_range"),
    }


async def test_the_last_judgement_switches_the_classifier_off_and_a_person_switches_it_on_again(
    client: Client, pool: Pool
) -> None:
    campaign_id = await owned(pool)
    await judged(pool, campaign_id, humans=3, machines=MIN_JUDGED - 4)
    await draw_verdict(pool, campaign_id, 100)
    assert await guard_classifiers(pool, NOW) == []
    await client.post("/v1/verdict-audits/next", json={})
    assert await policy(pool, 5) == {campaign_id: "hang_up"}
    await client.post("/v1/verdict-audits/100/judgement", json={"judgement": "human"})
    assert await policy(pool, 5) == {campaign_id: "ignore"}, "calls go to a person"

    state = (await client.get(f"/v1/campaigns/{campaign_id}/classifier")).json()
    assert (state["is_off"], state["answering_machine"]) == (True, "hang_up")
    assert (state["stop"]["humans"], state["stop"]["judged"]) == (4, MIN_JUDGED)
    assert (await client.get(f"/v1/campaigns/{campaign_id}")).json()["answering_machine"] == "hang_up"
    stopped = next(entry for entry in await list_audit(pool, 2**60, 10) if entry.action == "stop_classifier")
    assert (stopped.actor, stopped.subject_id, stopped.new["classifier"]) == ("system", campaign_id, "off")

    on = await client.post(f"/v1/campaigns/{campaign_id}/classifier/resume")
    assert (on.status_code, on.json()["is_off"]) == (200, False)
    assert await policy(pool, 5) == {campaign_id: "hang_up"}
    resumed = (await list_audit(pool, 2**60, 1))[0]
    assert (resumed.action, resumed.actor[:4]) == ("resume_classifier", "key:")
    await pool.execute("UPDATE classifier_stops SET resumed_time = $1", NOW + timedelta(seconds=1))
    assert await guard_classifiers(pool, NOW + timedelta(seconds=2)) == [], "the old judgements are forgiven"


async def test_it_is_switched_off_once_however_many_look(pool: Pool) -> None:
    campaign_id = await owned(pool)
    await judged(pool, campaign_id, humans=10, machines=20)
    found = await asyncio.gather(*(guard_classifiers(pool, NOW) for _ in range(8)))
    assert sorted(map(len, found)) == [0] * 7 + [1]
    assert await pool.fetchval("SELECT count(*) FROM classifier_stops") == 1
    assert await pool.fetchval("SELECT count(*) FROM audit_log WHERE action = 'stop_classifier'") == 1


async def test_an_alert_is_raised_while_it_is_off(pool: Pool) -> None:
    campaign_id = await owned(pool)
    await judged(pool, campaign_id, humans=10, machines=20)

    async def alerts() -> list[tuple[Any, ...]]:
        found = await AlertStore(pool).list_alerts(2**63 - 1, 10, is_open=None)
        return [(alert.subject_id, alert.state, alert.numerator, alert.denominator) for alert in found]

    # whichever process looks first: nothing but the rows is remembered
    await look(pool, NOW)
    await look(pool, NOW + timedelta(minutes=1))
    assert await alerts() == [(campaign_id, "raised", 10, 30)]
    await ClassifierStops(pool).resume(campaign_id, NOW + timedelta(minutes=2), actor="key:1")
    await look(pool, NOW + timedelta(minutes=3))
    assert await alerts() == [(campaign_id, "resolved", 10, 30)]


@pytest.mark.parametrize(
    ("settings", "humans", "machines"),
    [
        ({"answering_machine": "ignore"}, 10, 10),
        ({"answering_machine": "hang_up"}, 1, 40),
        ({"answering_machine": "hang_up", "false_positive_limit": 0.5}, 12, 18),
    ],
    ids=["does not listen", "within the limit", "within a limit of its own"],
)
async def test_a_classifier_within_its_limit_stays_on(
    pool: Pool, settings: dict[str, Any], humans: int, machines: int
) -> None:
    campaign_id = await add_campaign(pool, **settings)
    await judged(pool, campaign_id, humans=humans, machines=machines)
    assert await guard_classifiers(pool, NOW) == []


async def test_a_campaign_is_judged_by_its_own_verdicts(pool: Pool) -> None:
    bad, good = await owned(pool), await owned(pool)
    await judged(pool, bad, humans=10, machines=20)
    await judged(pool, good, humans=0, machines=30, first=100)
    assert await guard_classifiers(pool, NOW) == [bad]
    stop = await ClassifierStops(pool).open_stop(bad)
    assert stop is not None
    assert (stop.humans, stop.judged, stop.false_positive_limit) == (10, 30, 0.03)
    assert isinstance(stop.stopped_time, datetime)
    assert await ClassifierStops(pool).open_stop(good) is None
