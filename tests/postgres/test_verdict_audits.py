import asyncio
from datetime import timedelta

import pytest

from campaigns.audit import list_audit
from campaigns.database import Pool
from campaigns.errors import Conflict, NotFound
from campaigns.rollups import fold_outbox
from campaigns.verdict_audits import CLAIM, WAIT_FOR_SOUND, QueueCounts, VerdictAudits
from tests.postgres.audits import draw_verdict
from tests.postgres.campaign_rows import NOW, add_campaign
from tests.postgres.slow_recount import recount, told

ANNA, BORIS = "session:anna", "session:boris"


async def id_before(audits: VerdictAudits, actor: str, **asked: int) -> int | None:
    item = await audits.claim(actor, NOW, **asked)
    return None if item is None else item.attempt_id


async def test_the_newest_comes_first_and_is_before_one_person_at_a_time(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    for attempt_id in (1, 2, 3):
        await draw_verdict(pool, campaign_id, attempt_id)
    audits = VerdictAudits(pool)
    first = await audits.claim(ANNA, NOW)
    assert first is not None
    assert (first.attempt_id, first.answered_by, first.verdict_ms, first.recording_id) == (
        3,
        "machine",
        2310,
        3,
    )
    assert await id_before(audits, BORIS) == 2
    assert await audits.counts(ANNA, NOW) == QueueCounts(waiting=2, with_others=1, without_sound=0)
    held = await audits.held(ANNA, NOW)
    assert held is not None
    assert held.attempt_id == 3, "the same call after the page is loaded again"
    # who asks for another one gives back what they had
    assert await id_before(audits, ANNA) == 1
    assert await id_before(audits, BORIS) == 3


async def test_many_listeners_at_once_get_a_call_each(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    for attempt_id in range(1, 21):
        await draw_verdict(pool, campaign_id, attempt_id)
    audits = VerdictAudits(pool)
    found = await asyncio.gather(*(id_before(audits, f"session:{index}") for index in range(20)))
    # one that met a row locked by another may have passed it over; nobody shares one
    given = [attempt_id for attempt_id in found if attempt_id is not None]
    assert len(given) == len(set(given))
    assert len(given) == 20


async def test_a_claim_ends_by_itself(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await draw_verdict(pool, campaign_id, 1)
    audits = VerdictAudits(pool)
    assert await id_before(audits, ANNA) == 1
    assert await id_before(audits, BORIS) is None
    later = await audits.claim(BORIS, NOW + CLAIM)
    assert later is not None
    assert later.attempt_id == 1
    with pytest.raises(Conflict, match="audit_not_yours"):
        await audits.judge(1, "human", NOW + CLAIM, actor=ANNA)


async def test_only_what_can_be_heard_is_given_and_only_of_the_campaign_that_is_asked_for(pool: Pool) -> None:
    one, other = await add_campaign(pool), await add_campaign(pool)
    await draw_verdict(pool, one, 1)
    await draw_verdict(pool, one, 2, has_sound=False)
    await draw_verdict(pool, other, 3)
    audits = VerdictAudits(pool)
    assert await id_before(audits, ANNA, campaign_id=one) == 1
    assert await audits.counts(ANNA, NOW, one) == QueueCounts(waiting=1, with_others=0, without_sound=1)
    await pool.execute("UPDATE recordings SET state = 'deleted' WHERE attempt_id = 3")
    assert await id_before(audits, BORIS) is None


async def test_a_judgement_stands_with_the_call_and_in_the_audit_log_with_its_author(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await draw_verdict(pool, campaign_id, 1)
    audits = VerdictAudits(pool)
    await audits.claim(ANNA, NOW)
    judged = await audits.judge(1, "human", NOW, actor=ANNA)
    assert judged.judgement == "human"
    # the same person may correct themselves, also when the time of the claim is over
    await audits.judge(1, "machine", NOW + 2 * CLAIM, actor=ANNA)
    assert await pool.fetchval("SELECT audit_judgement FROM attempts") == "machine"
    row = await pool.fetchrow("SELECT judgement, judged_by, judged_time FROM verdict_audits")
    assert row is not None
    assert tuple(row) == ("machine", ANNA, NOW + 2 * CLAIM)
    correction, first = await list_audit(pool, 10, 10)
    assert (first.actor, first.action, first.subject_kind, first.subject_id) == (
        ANNA,
        "judge_verdict",
        "attempt",
        1,
    )
    assert (first.old, first.new) == ({"judgement": None}, {"judgement": "human"})
    assert (correction.old, correction.new) == ({"judgement": "human"}, {"judgement": "machine"})
    assert await id_before(audits, BORIS) is None, "it is done"


async def test_what_somebody_else_judged_or_nobody_drew_cannot_be_judged(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await draw_verdict(pool, campaign_id, 1)
    audits = VerdictAudits(pool)
    with pytest.raises(NotFound):
        await audits.judge(9, "human", NOW, actor=ANNA)
    with pytest.raises(Conflict, match="audit_not_yours"):
        await audits.judge(1, "human", NOW, actor=ANNA)
    await audits.claim(ANNA, NOW)
    await audits.judge(1, "cannot_tell", NOW + timedelta(minutes=1), actor=ANNA)
    with pytest.raises(Conflict, match="audit_not_yours"):
        await audits.judge(1, "human", NOW + timedelta(minutes=2), actor=BORIS)


async def test_a_judgement_and_its_correction_reach_the_sums(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await draw_verdict(pool, campaign_id, 1)
    audits = VerdictAudits(pool)
    await audits.claim(ANNA, NOW)

    async def counted() -> dict[str, int]:
        async with pool.acquire() as connection:
            zones = {campaign_id: "Europe/Moscow"}
            assert await told(connection) == await recount(connection, zones)
            await fold_outbox(connection)
            assert await told(connection, "stats") == await recount(connection, zones)
            (figures,) = (
                row for key, row in (await told(connection)).items() if key[:2] == (0, "answered_by")
            )
        names = ("audits_waiting", "audited_verdicts", "audited_persons", "represented_persons")
        return {name: figures[name] for name in names if name in figures}

    await pool.execute("UPDATE attempts SET utc_offset_minutes = 180")
    await pool.execute("UPDATE outbox SET utc_offset_minutes = 180")
    assert await counted() == {"audits_waiting": 1}
    await audits.judge(1, "human", NOW, actor=ANNA)
    assert await counted() == {"audited_verdicts": 1, "audited_persons": 1, "represented_persons": 20_000}
    await audits.judge(1, "human", NOW, actor=ANNA)
    await audits.judge(1, "cannot_tell", NOW, actor=ANNA)
    assert await counted() == {}
    await audits.judge(1, "machine", NOW, actor=ANNA)
    assert await counted() == {"audited_verdicts": 1}


async def test_what_nobody_can_ever_hear_leaves_the_queue_with_its_reason(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    for attempt_id in range(1, 10):
        await draw_verdict(pool, campaign_id, attempt_id, has_sound=attempt_id != 5)
    for attempt_id, change in (
        (1, "state = 'deleted', deleted_why = 'expired', deleted_time = now()"),
        (2, "deleted_why = 'erased'"),  # decided; its disk is away
        (3, "state = 'broken', cause = 'disk_full'"),
        (4, "state = 'writing'"),
        (6, "deleted_why = 'erased', is_held = true"),  # for a court: that is what it is held for
        (7, "state = 'deleted', deleted_why = 'asked'"),
        (9, "state = 'deleted', deleted_why = 'asked'"),
    ):
        await pool.execute(f"UPDATE recordings SET {change} WHERE attempt_id = $1", attempt_id)
    await pool.execute(
        "UPDATE verdict_audits SET claimed_by = $1, claimed_until = $2 WHERE attempt_id = 7",
        ANNA,
        NOW + CLAIM,
    )
    await pool.execute(
        "UPDATE verdict_audits SET judgement = 'human', judged_by = $1, judged_time = $2 WHERE attempt_id = 9",
        ANNA,
        NOW,
    )
    audits = VerdictAudits(pool)
    assert await audits.counts(BORIS, NOW) == QueueCounts(waiting=2, with_others=0, without_sound=6)
    assert await audits.leave_unheard(NOW) == 2
    assert await audits.unheard(NOW) == {"expired": 1, "erased": 1}
    # somebody may still be listening, and a dead node may come back with what it has recorded
    assert await audits.leave_unheard(NOW + CLAIM) == 1
    assert await audits.leave_unheard(NOW + WAIT_FOR_SOUND) == 0
    assert await audits.leave_unheard(NOW + WAIT_FOR_SOUND + timedelta(seconds=1)) == 2
    assert await audits.unheard(NOW) == {"asked": 1, "broken": 1, "erased": 1, "expired": 1, "none": 1}
    assert await audits.unheard(NOW, campaign_id + 1) == {}
    assert await audits.unheard(NOW + timedelta(days=31)) == {}
    facts = await pool.fetch(
        "SELECT attempt_id, audit_unheard FROM attempts WHERE audit_unheard IS NOT NULL ORDER BY 1"
    )
    assert [tuple(row) for row in facts] == [
        (1, "expired"),
        (2, "erased"),
        (3, "broken"),
        (5, "none"),
        (7, "asked"),
    ]
    assert await audits.counts(BORIS, NOW) == QueueCounts(waiting=2, with_others=0, without_sound=1)
    assert [await id_before(audits, ANNA), await id_before(audits, BORIS)] == [8, 6]
    with pytest.raises(Conflict, match="audit_not_yours"):
        await audits.judge(1, "human", NOW, actor=ANNA)


async def test_many_processes_take_each_out_once(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    for attempt_id in range(1, 31):
        await draw_verdict(pool, campaign_id, attempt_id, has_sound=False)
    later = NOW + 2 * WAIT_FOR_SOUND
    left = await asyncio.gather(*(VerdictAudits(pool).leave_unheard(later) for _ in range(4)))
    assert sum(left) == 30
    assert await VerdictAudits(pool).unheard(NOW) == {"none": 30}
