"""A lively hour of invented calls, for pictures and for axe: nothing here is counted by a test."""

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.query import ComparedPeriod, Period, QueryRequest
from api.alert_models import NewReceiver
from api.alert_receivers import ReceiverStore
from api.report_models import NewReport, NewSchedule
from api.report_store import ReportStore
from campaigns.database import Pool
from campaigns.migrate import ensure_partitions
from campaigns.snowflake import EPOCH_MS
from tests.postgres.campaign_rows import add_campaign, add_run, number_of

NAMES = (
    ("Напоминание о визите, ноябрь", "running", 0.34),
    ("Delivery window confirmation", "running", 0.29),
    ("Продление полиса ОСАГО", "paused", 0.22),
    ("Autumn survey", "finished", 0.41),
    ("Новый год: склад и доставка", "draft", 0.0),
)
REST = (
    ("no_answer", 45),
    ("busy", 18),
    ("rejected", 12),
    ("unreachable", 8),
    ("congested", 3),
    ("invalid_number", 4),
)


async def fill(pool: Pool, rng: random.Random, now: datetime, leads: int = 1200) -> list[int]:
    """Return the ids of the campaigns, the most lively first and a draft without calls last."""
    prompt_id = await pool.fetchval(
        "INSERT INTO prompts (name, duration_ms, pcm_s16le_8khz, created_time) VALUES ('hello', 1, '\\x0000', $1) "
        "RETURNING prompt_id",
        now,
    )
    campaign_ids = []
    for name, status, answered in NAMES:
        campaign_id = await add_campaign(
            pool, leads=leads if answered else 0, name=name, status=status, prompt_id=prompt_id, max_calls_per_second=5.0,
            max_concurrent_calls=50,
        )  # fmt: skip
        campaign_ids.append(campaign_id)
        share = 1.0 if status == "finished" else 0.55
        for index in range(int(leads * share) if answered else 0):
            await add_call(pool, rng, campaign_id, index, answered, now - timedelta(seconds=index * 8 + 5))
    return campaign_ids


async def add_call(
    pool: Pool, rng: random.Random, campaign_id: int, index: int, answered: float, started_time: datetime
) -> None:
    is_answered = rng.random() < answered
    result = "answered" if is_answered else rng.choices([r for r, _ in REST], [w for _, w in REST])[0]
    talk_ms = int(rng.lognormvariate(9.4, 0.7)) if is_answered else None
    disposition = (
        rng.choices([None, "callback_requested", "refused"], [80, 14, 6])[0] if is_answered else None
    )
    # the id holds the time, by which its page finds it
    attempt_id = (int(started_time.timestamp() * 1000) - EPOCH_MS) << 22 | campaign_id << 12 | index
    ended_time = started_time + timedelta(milliseconds=6000 + (talk_ms or 12_000))
    await pool.execute(
        "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, "
        "trunk_id, caller_id, call_id, run_id, gate, settled_time, result, reason, fault, sip_status, ended_by, "
        "answered_time, ended_time, pdd_ms, talk_ms, disposition, change_number) "
        "SELECT $1, $2, $3, $4, $5, $6, 1, trunk_id, '', 'call', 1, '{}', $7, $8, 'normal', 'none', 200, 'callee', $9, "
        "$7, $10, $11, $12, 1 FROM campaign_trunks WHERE campaign_id = $4",
        campaign_id * 256, started_time, attempt_id, campaign_id, index, number_of(index), ended_time,
        result, started_time + timedelta(seconds=6) if is_answered else None, rng.randint(300, 4000), talk_ms, disposition,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO outbox SELECT * FROM attempt_facts WHERE shard_key = $1 AND attempt_id = $2",
        campaign_id * 256, attempt_id,
    )  # fmt: skip
    await pool.execute(
        "UPDATE leads SET status = 'finished', due_time = NULL, attempts_made = 1 WHERE shard_key = $1 AND contact_id = $2",
        campaign_id * 256, index,
    )  # fmt: skip


async def add_history(pool: Pool, campaign_id: int, now: datetime) -> None:
    """Six weeks of working days behind a campaign: tries, sources, results, talks and prices that differ by hour and day."""
    async with pool.acquire() as connection, connection.transaction():
        for days in (0, 30, 60):
            await ensure_partitions(connection, now - timedelta(days=days), months_ahead=0)
        await connection.execute("SELECT setseed(0.7)")
        await connection.execute(HISTORY, campaign_id, now)
        await connection.execute(
            "INSERT INTO outbox SELECT * FROM attempt_facts WHERE shard_key = $1 AND attempt_id < 2000000",
            campaign_id * 256,
        )


HISTORY = """
INSERT INTO attempts (
    shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id, run_id,
    gate, settled_time, result, reason, fault, sip_status, ended_by, answered_time, ended_time, pdd_ms, talk_ms, disposition,
    answered_by, source, is_target, cost_micros, utc_offset_minutes, change_number
)
SELECT
    $1 * 256, at, 1000000 + i, $1, i % 1200, '+7916' || lpad((i % 1200)::text, 7, '0'), 1 + i / 1200 % 3,
    (SELECT min(trunk_id) FROM campaign_trunks WHERE campaign_id = $1), '+7495000000' || i % 3, 'call', 1,
    '{}', at + interval '20 s', result, 'normal', 'none',
    CASE result WHEN 'answered' THEN 200 WHEN 'busy' THEN 486 WHEN 'rejected' THEN 603 ELSE 480 END, 'callee',
    CASE WHEN result = 'answered' THEN at + interval '6 s' END, at + interval '20 s', 600 + (random() * 3000)::integer,
    talk_ms,
    CASE WHEN talk_ms > 6000 THEN (ARRAY['order', 'meeting', 'offer_requested', 'refused', 'callback_requested', NULL, NULL, NULL])
        [1 + (random() * 7)::integer] END,
    CASE WHEN result = 'answered' THEN CASE WHEN random() < 0.12 THEN 'machine' ELSE 'human' END END,
    (ARRAY['site', 'tv', 'search', NULL])[1 + i % 4], coalesce(talk_ms BETWEEN 30000 AND 3600000, false),
    coalesce(talk_ms, 0) * 25, 180, 1
FROM (
    SELECT i, at, result, CASE WHEN result = 'answered' THEN (exp(9.3 + random() * 2) )::integer END AS talk_ms
    FROM (
        SELECT
            i, at,
            CASE
                WHEN luck < 0.28 + 0.15 * sin(extract(HOUR FROM at) / 3.0) THEN 'answered'
                WHEN luck < 0.6 THEN 'no_answer' WHEN luck < 0.82 THEN 'busy' ELSE 'rejected'
            END AS result
        FROM (
            SELECT
                i, random() AS luck,
                date_trunc('day', $2::timestamptz) - i % 62 * interval '1 day' - interval '1 day' + interval '6 hours'
                + random() * interval '11 hours' AS at
            FROM generate_series(1, 16000) AS i
        ) AS tries
        WHERE extract(ISODOW FROM at) < 6 AND random() < 0.5 + i % 62 / 124.0
    ) AS ended
) AS told
"""


async def keep_a_node_alive(
    pool: Pool, campaign_ids: list[int], rng: random.Random, stop: asyncio.Event
) -> None:
    """Write what a dialing node would, until told to stop: the first two campaigns have calls in all stages."""
    await add_run(pool, 1, heartbeat_time=datetime.now(UTC))
    for tick in itertools.count():
        if stop.is_set():
            break
        if tick % 8 == 0 and tick // 8 < 500:
            for campaign_id in campaign_ids[:2]:  # behind those of `fill`
                await add_call(pool, rng, campaign_id, 680 + tick // 8, 0.3, datetime.now(UTC))
        stages = {
            str(campaign_id): {
                "dialing": rng.randint(1, 5),
                "ringing": rng.randint(8, 19),
                "talking": rng.randint(3, 12),
            }
            for campaign_id in campaign_ids[:2]
        }
        now = datetime.now(UTC)
        await pool.execute("UPDATE node_runs SET heartbeat_time = $1", now)
        await pool.execute(
            "INSERT INTO node_state (run_id, time, state) VALUES (1, $1, $2) "
            "ON CONFLICT (run_id) DO UPDATE SET time = excluded.time, state = excluded.state",
            now, {"campaigns": stages, "trunks": stages},
        )  # fmt: skip
        await asyncio.sleep(0.25)


async def add_alert(pool: Pool, campaign_id: int, now: datetime) -> int:
    """Raise an alert of a rule of its own; return the alert's id."""
    rule_id = await pool.fetchval(
        "INSERT INTO alert_rules (name, metric, subject_kind, comparison, window_minutes, min_count, is_enabled, created_time) "
        "VALUES ('Answer rate', 'answer_rate', 'campaign', 'worse_than_usual', 15, 50, true, $1) RETURNING rule_id",
        now,
    )
    return int(
        await pool.fetchval(
            "INSERT INTO alerts (rule_id, subject_kind, subject_id, state, raised_time, value, numerator, denominator, "
            "expected, last_value, last_time) VALUES ($1, 'campaign', $2, 'raised', $3, 0.193, 21, 109, 0.342, 0.193, $3) "
            "RETURNING alert_id",
            rule_id, campaign_id, now,
        )
    )  # fmt: skip


async def add_saved_report(pool: Pool, now: datetime) -> int:
    """Keep a report that is sent to two places, one of which could not be reached; return its id."""
    store = ReportStore(pool)
    query = QueryRequest(
        metrics=["attempts", "answered_attempts", "talks", "successes"],
        dimensions=["day"],
        period=Period(name="last_30_days"),
        compare=ComparedPeriod(name="previous_period"),
    )
    report = await store.add(NewReport(name="Итоги для владельца", query=query), "key:1", now)
    ways: tuple[dict[str, Any], ...] = (
        {"recipients": ["owner@example.org", "head@example.org"]},
        {"webhook_url": "https://crm.example.org/hooks/reports"},
    )
    for index, way in enumerate(ways):
        schedule = await store.add_schedule(
            report.report_id,
            NewSchedule(every="week", weekday=1, minute=540, time_zone="Europe/Moscow", **way),
            now,
        )
        for week in (1, 2):
            await pool.execute(
                "INSERT INTO report_deliveries (schedule_id, due_time, status, tries, next_try_time, error_code, last_error, sent_time) "
                "VALUES ($1, $2, $3, $4, $2, $5, $6, $7)",
                schedule.schedule_id, now - timedelta(weeks=week), "failed" if index else "sent", 9 if index else 1,
                "webhook_refused" if index else None, "HTTP 503" if index else None, None if index else now - timedelta(weeks=week),
            )  # fmt: skip
    return report.report_id


async def add_receivers(pool: Pool, alert_id: int, now: datetime) -> None:
    """Tell two receivers of an alert: one has it, the other does not."""
    store = ReceiverStore(pool)
    mail = await store.add(NewReceiver(recipients=["lead@example.org", "duty@example.org"]), now)
    hook = await store.add(NewReceiver(webhook_url="https://hooks.example.org/obzvon/alerts"), now)
    for receiver, status in ((mail, "sent"), (hook, "waiting")):
        await pool.execute(
            "INSERT INTO alert_deliveries (receiver_id, alert_id, event, status, tries, next_try_time, error_code, last_error, "
            "sent_time) VALUES ($1, $2, 'raised', $3, $4, $5, $6, $7, $8)",
            receiver.receiver_id, alert_id, status, 1 if status == "sent" else 3, now + timedelta(days=1),
            None if status == "sent" else "webhook_no_answer", None if status == "sent" else "15 s", now if status == "sent" else None,
        )  # fmt: skip
