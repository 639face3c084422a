"""A lively hour of invented calls, for pictures and for axe: nothing here is counted by a test."""

import random
from datetime import datetime, timedelta

from campaigns.database import Pool
from tests.postgres.campaign_rows import add_campaign, number_of

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
    ended_time = started_time + timedelta(milliseconds=6000 + (talk_ms or 12_000))
    await pool.execute(
        "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, "
        "trunk_id, caller_id, call_id, run_id, gate, settled_time, result, reason, fault, sip_status, ended_by, "
        "answered_time, ended_time, pdd_ms, talk_ms, disposition) "
        "SELECT $1, $2, $3, $4, $5, $6, 1, trunk_id, '', 'call', 1, '{}', $7, $8, 'normal', 'none', 200, 'callee', $9, "
        "$7, $10, $11, $12 FROM campaigns WHERE campaign_id = $4",
        campaign_id * 256, started_time, campaign_id * 100_000 + index, campaign_id, index, number_of(index), ended_time,
        result, started_time + timedelta(seconds=6) if is_answered else None, rng.randint(300, 4000), talk_ms, disposition,
    )  # fmt: skip
    await pool.execute(
        "UPDATE leads SET status = 'finished', due_time = NULL, attempts_made = 1 WHERE shard_key = $1 AND contact_id = $2",
        campaign_id * 256, index,
    )  # fmt: skip
