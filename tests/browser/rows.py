"""A campaign in the database whose figures are known by counting the table below."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from campaigns.database import Pool
from tests.postgres.analytics.facts import count_again
from tests.postgres.campaign_rows import add_campaign, number_of


class Group(NamedTuple):
    """Some attempts that ended alike."""

    size: int
    result: str
    talk_ms: int | None = None
    disposition: str | None = None


GROUPS = (
    Group(9, "answered", 4_000),
    Group(3, "answered", 10_000, "callback_requested"),
    Group(2, "answered", 2_000, "refused"),
    Group(4, "busy"),
    Group(5, "no_answer"),
    Group(2, "rejected"),
)
"""25 attempts to 25 numbers, 14 of them answered: 9*4 + 3*10 + 2*2 = 70 s of talk, mean 5, median 4."""
LEADS = 40
PDD_MS = 120


def just_now() -> datetime:
    """Not `campaign_rows.NOW`: pages show the last minutes, and a long session imports its tests long before it runs them."""
    return datetime.now(UTC).replace(microsecond=0)


async def add_known_campaign(pool: Pool, *, name: str = "Autumn reminder", status: str = "running") -> int:
    now = just_now()
    prompt_id = await pool.fetchval(
        "INSERT INTO prompts (name, duration_ms, pcm_s16le_8khz, created_time) VALUES ('hello', 1, '\\x0000', $1) "
        "RETURNING prompt_id",
        now,
    )
    campaign_id = await add_campaign(pool, leads=LEADS, name=name, status=status, prompt_id=prompt_id)
    index = 0
    for group in GROUPS:
        for _ in range(group.size):
            await add_attempt(pool, campaign_id, index, group, now - timedelta(seconds=600 - 10 * index))
            index += 1
    return campaign_id


async def add_attempt(pool: Pool, campaign_id: int, index: int, group: Group, started_time: datetime) -> None:
    """Settle one attempt for the lead of this index, and finish the lead."""
    answered_time = started_time + timedelta(seconds=3) if group.result == "answered" else None
    await pool.execute(
        "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, "
        "trunk_id, caller_id, call_id, run_id, gate, settled_time, result, reason, fault, ended_by, answered_time, "
        "ended_time, pdd_ms, talk_ms, disposition, change_number) "
        "SELECT $1, $2, $3, $4, $5, $6, 1, trunk_id, '', 'call', 1, '{}', $2::timestamptz + interval '20 s', $7, "
        "'normal', 'none', 'callee', $8, $2::timestamptz + interval '20 s', $9, $10, $11, 1 "
        "FROM campaign_trunks WHERE campaign_id = $4",
        campaign_id * 256,
        started_time,
        1_000 + index,
        campaign_id,
        index,
        number_of(index),
        group.result,
        answered_time,
        PDD_MS,
        group.talk_ms,
        group.disposition,
    )
    await pool.execute(
        "INSERT INTO outbox SELECT * FROM attempt_facts WHERE shard_key = $1 AND attempt_id = $2",
        campaign_id * 256,
        1_000 + index,
    )
    await pool.execute(
        "UPDATE leads SET status = 'finished', due_time = NULL, attempts_made = 1 WHERE shard_key = $1 AND contact_id = $2",
        campaign_id * 256,
        index,
    )


async def hear_answers(pool: Pool) -> None:
    """Give every answered call its sound: 9 of 450 packets lost, a MOS of 4.12."""
    await pool.execute(
        "UPDATE attempts SET media_packets_expected = 450, media_packets_received = 441, media_packets_lost = 9,"
        " media_jitter_ms = 2, media_is_one_way = false, media_mos_hundredths = 412 WHERE result = 'answered'"
    )
    await count_again(pool)


async def tell_live(pool: Pool, campaign_id: int) -> None:
    """As a node does after it settled."""
    await pool.execute("SELECT pg_notify('live', $1)", f"[{campaign_id}]")
