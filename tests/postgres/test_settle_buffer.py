from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from campaigns.database import Pool
from campaigns.database_link import DatabaseLink
from campaigns.settle_buffer import SettleBuffer
from campaigns.settlement import AnswerFacts, Settlement
from campaigns.spool import Spool
from dialer.events import MediaQuality
from tests.campaigns.settlements import settlement
from tests.postgres.campaign_rows import NOW, add_campaign, add_run, begin_attempt
from tests.postgres.outage import database_away

RUN = 77


def of(campaign_id: int, attempt_id: int, **changes: object) -> Settlement:
    return settlement(
        attempt_id, campaign_id=campaign_id, shard_key=campaign_id * 256, started_time=NOW, **changes
    )


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, "node")


@pytest.fixture
async def link(database: str) -> AsyncIterator[DatabaseLink]:
    opened = DatabaseLink(database, application_name="test settle", timeout_seconds=5.0)
    yield opened
    await opened.close()


@pytest.fixture
def buffer(link: DatabaseLink, spool: Spool) -> SettleBuffer:
    return SettleBuffer(link, spool, wall_clock=lambda: NOW + timedelta(seconds=30))


@pytest.fixture
async def campaign_id(pool: Pool) -> int:
    """A campaign with three leads under way: attempts 10, 11 and 12."""
    campaign_id = await add_campaign(pool, leads=3)
    await add_run(pool, RUN)
    for index in range(3):
        await begin_attempt(pool, campaign_id, index, run_id=RUN, attempt_id=10 + index)
    return campaign_id


async def lead(pool: Pool, contact_id: int) -> tuple[object, ...]:
    row = await pool.fetchrow(
        "SELECT status, due_time, open_attempt_id, last_reason FROM leads WHERE contact_id = $1", contact_id
    )
    assert row is not None
    return tuple(row.values())


async def results(pool: Pool) -> dict[int, str | None]:
    rows = await pool.fetch("SELECT attempt_id, result FROM attempts")
    return {row["attempt_id"]: row["result"] for row in rows}


async def test_a_settled_attempt_has_its_outcome_and_its_lead_is_finished(
    pool: Pool, buffer: SettleBuffer, campaign_id: int
) -> None:
    buffer.add(
        of(
            campaign_id,
            10,
            result="answered",
            reason="normal",
            fault="none",
            sip_status=200,
            ended_by="us",
            answered_time=NOW + timedelta(seconds=2),
            pdd_ms=120,
            talk_ms=4000,
            digits="1",
            message_played_ms=3900,
            disposition="callback_requested",
        )
    )
    assert await buffer.flush()
    row = await pool.fetchrow("SELECT * FROM attempts WHERE attempt_id = 10")
    assert row is not None
    assert (row["result"], row["ended_by"], row["digits"], row["disposition"]) == (
        "answered",
        "us",
        "1",
        "callback_requested",
    )
    assert (row["pdd_ms"], row["talk_ms"], row["message_played_ms"]) == (120, 4000, 3900)
    assert row["settled_time"] == NOW + timedelta(seconds=30)
    assert await lead(pool, 0) == ("finished", None, None, "answered")
    assert await lead(pool, 1) == ("dialing", None, 11, None)


async def test_how_well_a_call_was_heard_is_kept_with_it_also_through_the_spool(
    pool: Pool, buffer: SettleBuffer, spool: Spool, campaign_id: int
) -> None:
    heard = MediaQuality(
        packets_expected=500, packets_received=496, packets_lost=5, packets_late=2, packets_duplicated=1,
        packets_sent=480, jitter_ms=1.25, round_trip_ms=None, reported_loss=0.5, is_one_way=False,
    )  # fmt: skip
    spool.append([of(campaign_id, 10, result="answered", media=heard)])
    buffer.add(of(campaign_id, 11))
    assert await buffer.flush()
    figures = "media_packets_expected, media_packets_received, media_packets_lost, media_packets_late,"
    figures += " media_packets_duplicated, media_packets_sent, media_jitter_ms, media_round_trip_ms,"
    figures += " media_reported_loss, media_is_one_way, media_mos_hundredths, media_sent_mos_hundredths"
    rows = await pool.fetch(
        f"SELECT {figures} FROM attempts WHERE settled_time IS NOT NULL ORDER BY attempt_id"
    )
    assert tuple(rows[0].values()) == (500, 496, 5, 2, 1, 480, 1.25, None, 0.5, False, 430, 157)
    assert tuple(rows[1].values()) == (None,) * 12


async def test_what_was_heard_of_the_answer_is_kept_with_it_also_through_the_spool(
    pool: Pool, buffer: SettleBuffer, spool: Spool, campaign_id: int
) -> None:
    answer = AnswerFacts(
        cause="short_greeting",
        speech_started_ms=620,
        greeting_ended_time=NOW + timedelta(seconds=2.5),
        verdict_time=NOW + timedelta(seconds=3.25),
    )
    spool.append([of(campaign_id, 10, result="answered", answered_by="human", answer=answer)])
    buffer.add(of(campaign_id, 11, answer=AnswerFacts(cause="busy")))
    assert await buffer.flush()
    rows = await pool.fetch(
        "SELECT answered_by, answered_by_cause, speech_started_ms, greeting_ended_time, verdict_time"
        " FROM attempts WHERE settled_time IS NOT NULL ORDER BY attempt_id"
    )
    assert tuple(rows[0].values()) == (
        "human", "short_greeting", 620, NOW + timedelta(seconds=2.5), NOW + timedelta(seconds=3.25),
    )  # fmt: skip
    assert tuple(rows[1].values()) == (None, "busy", None, None, None)


async def test_a_retry_makes_the_lead_due_again(pool: Pool, buffer: SettleBuffer, campaign_id: int) -> None:
    due = NOW + timedelta(hours=1)
    buffer.add(of(campaign_id, 11, next_due_time=due))
    await buffer.flush()
    assert await lead(pool, 1) == ("pending", due, None, "busy")


async def test_a_refusal_puts_the_number_into_dnc_with_the_settle(
    pool: Pool, buffer: SettleBuffer, campaign_id: int
) -> None:
    for attempt_id in (12, 11):
        buffer.add(of(campaign_id, attempt_id, result="answered", digits="9", disposition="refused"))
    await buffer.flush()
    rows = await pool.fetch("SELECT number, source, attempt_id FROM dnc_numbers ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [
        ("+79160000001", "key_press", 11),
        ("+79160000002", "key_press", 12),
    ]


async def test_the_second_settlement_of_an_attempt_changes_nothing(
    pool: Pool, buffer: SettleBuffer, campaign_id: int
) -> None:
    buffer.add(of(campaign_id, 10))
    await buffer.flush()
    buffer.add(of(campaign_id, 10, result="answered", disposition="refused", next_due_time=NOW))
    await buffer.flush()
    assert (await results(pool))[10] == "busy"
    assert await lead(pool, 0) == ("finished", None, None, "busy")
    assert await pool.fetchval("SELECT count(*) FROM dnc_numbers") == 0


async def test_two_campaigns_are_settled_by_one_flush(
    pool: Pool, buffer: SettleBuffer, campaign_id: int
) -> None:
    other = await add_campaign(pool, leads=1)
    await begin_attempt(pool, other, 0, run_id=RUN, attempt_id=20)
    buffer.add(of(campaign_id, 10))
    buffer.add(of(other, 20, result="rejected"))
    await buffer.flush()
    assert await results(pool) == {10: "busy", 11: None, 12: None, 20: "rejected"}


async def test_the_real_outcome_replaces_unknown_but_the_lost_lead_is_not_dialed_again(
    pool: Pool, buffer: SettleBuffer, campaign_id: int
) -> None:
    await pool.execute(
        "UPDATE attempts SET settled_time = $1, result = 'unknown', reason = 'node_lost', fault = 'indeterminate' "
        "WHERE attempt_id = 10",
        NOW,
    )
    await pool.execute(
        "UPDATE leads SET status = 'finished', open_attempt_id = NULL, last_reason = 'unknown' WHERE contact_id = 0"
    )
    buffer.add(of(campaign_id, 10, next_due_time=NOW))
    await buffer.flush()
    assert (await results(pool))[10] == "busy"
    assert await lead(pool, 0) == ("finished", None, None, "busy")


async def test_outcomes_wait_on_disk_while_the_database_is_away_and_arrive_when_it_returns(
    pool: Pool, database: str, buffer: SettleBuffer, spool: Spool, campaign_id: int
) -> None:
    buffer.add(of(campaign_id, 10))
    assert await buffer.flush()
    async with database_away(database):
        buffer.add(of(campaign_id, 11))
        assert not await buffer.flush()
        buffer.add(of(campaign_id, 12, result="answered", disposition="refused"))
        assert not await buffer.flush()
        assert len(buffer) == 0
        assert [line.attempt_id for chunk in spool.chunks() for line in chunk] == [11, 12]
    assert await buffer.flush()
    assert spool.is_empty()
    await pool.expire_connections()
    assert await results(pool) == {10: "busy", 11: "busy", 12: "answered"}
    assert await pool.fetchval("SELECT number FROM dnc_numbers") == "+79160000002"


async def test_a_spool_that_was_replayed_but_not_cleared_is_replayed_without_harm(
    pool: Pool, buffer: SettleBuffer, spool: Spool, campaign_id: int
) -> None:
    spool.append([of(campaign_id, 10)])
    await buffer.flush()
    spool.append([of(campaign_id, 10), of(campaign_id, 11)])
    assert await buffer.flush()
    assert await results(pool) == {10: "busy", 11: "busy", 12: None}


async def test_what_the_database_refuses_for_good_is_set_aside_and_the_rest_is_settled(
    pool: Pool, buffer: SettleBuffer, spool: Spool, campaign_id: int, tmp_path: Path
) -> None:
    buffer.add(of(campaign_id, 10, result="no such result"))
    buffer.add(of(campaign_id, 11))
    assert await buffer.flush()
    assert await results(pool) == {10: None, 11: "busy", 12: None}
    assert spool.is_empty()
    assert b'"attempt_id":10' in (tmp_path / "node.rejected.jsonl").read_bytes()


async def test_settling_reads_the_attempts_by_their_key_even_in_a_large_campaign(
    pool: Pool, campaign_id: int
) -> None:
    await pool.execute(
        "INSERT INTO attempts SELECT shard_key, started_time - i * interval '1 second', 1000 + i, campaign_id, "
        "1000 + i, number, 1, trunk_id, '', '', run_id, '{}', started_time, 'busy' "
        "FROM attempts, generate_series(1, 20000) AS i WHERE attempt_id = 10"
    )
    await pool.execute("ANALYZE attempts")
    from campaigns.settle_buffer import _COLUMNS, STATEMENTS  # noqa: PLC0415

    arguments = [[getattr(of(campaign_id, 10), name)] for name in _COLUMNS]
    async with pool.acquire() as connection, connection.transaction():
        # a generic plan is what the node's prepared statement ends with
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        plan = await connection.fetch(
            "EXPLAIN (FORMAT TEXT) " + STATEMENTS["settle_attempts"],
            campaign_id * 256,
            NOW,
            NOW,
            NOW,
            *arguments,
        )
    lines = [row[0] for row in plan]
    assert not any("Seq Scan on attempts" in line for line in lines), "\n".join(lines)


async def test_a_drawn_verdict_enters_the_listening_queue_with_the_settlement_and_once(
    pool: Pool, buffer: SettleBuffer, spool: Spool, campaign_id: int
) -> None:
    drawn = of(campaign_id, 10, result="answered", answered_by="machine", audit_share=0.05)
    buffer.add(drawn)
    buffer.add(of(campaign_id, 11, result="answered", answered_by="machine"))
    assert await buffer.flush()
    spool.append([drawn])  # as after a crash between the commit and the clearing of the spool
    assert await buffer.flush()
    queue = await pool.fetch("SELECT shard_key, attempt_id, started_time, judgement FROM verdict_audits")
    assert [tuple(row) for row in queue] == [(campaign_id * 256, 10, NOW, None)]
    shares = await pool.fetch("SELECT attempt_id, audit_share FROM attempts WHERE audit_share IS NOT NULL")
    assert [tuple(row) for row in shares] == [(10, 0.05)]
