"""
Generated histories of calls: after every step, `stats_now` says what a slow recount of the facts says, to the last digit.

Steps are the product's own statements: begin, settle (late, twice, after the node was lost), a disposition set by hand, a
verdict judged by a listener or never heard, a person erased, the roller adding up everything or killed after a part of it, a repair with nothing to repair.
"""

import asyncio
import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.attribution import attributed_numbers
from analytics.callbacks import callback_groups
from analytics.distinct import KINDS, distinct_numbers
from analytics.kept_seals import KeptSeals
from analytics.known import known_numbers
from campaigns import attribution_seals, rollup_statements
from campaigns.callback_seals import seal_callbacks
from campaigns.claim import STATEMENTS as BEGIN
from campaigns.database import Connection, open_pool, prepare_connection
from campaigns.errors import Conflict
from campaigns.late_changes import SQL as LATE
from campaigns.late_changes import erase
from campaigns.number_seals import seal_days, seal_months
from campaigns.numbers import E164
from campaigns.recovery import close_run
from campaigns.rollups import Slice, check_slice, fold_outbox
from campaigns.settle_buffer import _COLUMNS
from campaigns.settle_buffer import STATEMENTS as SETTLE
from campaigns.settlement import AnswerFacts
from campaigns.snowflake import EPOCH_MS
from campaigns.verdict_audits import SQL as AUDIT
from dialer.events import MediaQuality
from tests.campaigns.settlements import settlement
from tests.conftest import run_apart
from tests.postgres.campaign_rows import add_campaign, number_of
from tests.postgres.slow_recount import (
    attributed_recount,
    by_month,
    callback_recount,
    distinct_recount,
    known_recount,
    recount,
    told,
    told_of_months,
)

ZONES = (
    "Europe/Moscow",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
)
"""+03:00, +05:30, +05:45, an hour of DST, half an hour of DST, -03:30 with DST."""
MOMENTS = (
    datetime(2026, 10, 24, 21, 50, tzinfo=UTC),
    # Berlin's clocks go back at 01:00 UTC: two hours of one name
    datetime(2026, 10, 25, 0, 20, tzinfo=UTC),
    # Lord Howe goes half an hour ahead at 15:30 UTC of the 3rd
    datetime(2026, 10, 3, 15, 10, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 50, tzinfo=UTC),
    # Kolkata and Kathmandu begin their days at 18:30 and 18:15
    datetime(2026, 11, 30, 18, 10, tzinfo=UTC),
    datetime(2026, 12, 31, 20, 55, tzinfo=UTC),
)
CONTACTS = 4
RUNS = (1, 2)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
ANSWERED = datetime(2026, 12, 31, 12, tzinfo=UTC)
SEALING = datetime(2027, 2, 1, tzinfo=UTC)
RANGES = (
    (date(2026, 1, 1), date(2028, 1, 1)),
    (date(2026, 10, 25), date(2026, 10, 26)),
    (date(2026, 10, 4), date(2026, 12, 1)),
)

results = st.sampled_from(
    ["busy", "no_answer", "rejected", "invalid_number", "congested", "abandoned", "failed"]
)
talks = st.sampled_from([0, 999, 5_999, 6_000, 29_999, 30_000, 3_600_000, 3_600_001])
dispositions = st.sampled_from(
    ["order", "meeting", "offer_requested", "callback_requested", "refused", "voicemail_left"]
)
picks = st.integers(0, 30)

heard = st.builds(
    MediaQuality,
    packets_expected=st.sampled_from([0, 50, 3_333]),
    packets_received=st.just(0),
    packets_lost=st.integers(-2, 9),
    packets_late=st.just(0),
    packets_duplicated=st.just(0),
    packets_sent=st.just(0),
    # eighths, which a float4 holds exactly; none of them lies halfway between two millionths
    jitter_ms=st.none() | st.integers(0, 9_000).map(lambda eighths: eighths / 8),
    round_trip_ms=st.none(),
    reported_loss=st.none(),
    is_one_way=st.booleans(),
)

settle_facts = st.one_of(
    st.fixed_dictionaries(
        {
            "result": results,
            "fault": st.sampled_from(["callee", "trunk"]),
            "sip_status": st.sampled_from([None, 404, 486, 503]),
            "q850_cause": st.sampled_from([None, 17, 34]),
            "pdd_ms": st.sampled_from([None, 0, 99, 100, 2_345]),
        }
    ),
    st.fixed_dictionaries(
        {
            "result": st.just("answered"),
            "fault": st.just("none"),
            "sip_status": st.just(200),
            "pdd_ms": st.sampled_from([None, 150]),
            "talk_ms": talks,
            "disposition": st.one_of(st.none(), dispositions),
            "answered_by": st.sampled_from([None, "human", "machine", "fax"]),
            "answered_time": st.sampled_from([None, ANSWERED]),
            "answer": st.builds(
                AnswerFacts,
                cause=st.just("short_greeting"),
                verdict_time=st.none()
                | st.integers(-150, 9_999).map(lambda ms: ANSWERED + timedelta(milliseconds=ms)),
            ),
            "audit_share": st.sampled_from([None, 1.0, 0.05, 0.3]),
            "media": st.none() | heard,
        }
    ),
)

steps = st.one_of(
    st.tuples(
        st.just("begin"),
        st.integers(0, len(ZONES) - 1),
        st.sampled_from(MOMENTS),
        st.integers(0, 60),
        st.integers(0, CONTACTS - 1),
    ),
    st.tuples(st.just("settle"), picks, settle_facts),
    st.tuples(st.just("lose"), st.sampled_from(RUNS)),
    st.tuples(st.just("set_disposition"), picks, st.one_of(st.none(), dispositions)),
    st.tuples(st.just("judge"), picks, st.sampled_from(["human", "machine", "cannot_tell"])),
    st.tuples(st.just("leave_queue"), picks),
    st.tuples(st.just("erase"), st.integers(0, CONTACTS - 1)),
    st.tuples(st.just("fold")),
    st.tuples(st.just("fold_a_part"), st.integers(2, 4), st.integers(0, 1)),
    st.tuples(st.just("repair")),
    st.tuples(st.just("seal"), st.integers(1, 20)),
)


class History:
    """One database, one history: knows what was begun, and nothing of the figures."""

    def __init__(self, connection: Connection, zones: dict[int, str]) -> None:
        self.connection = connection
        self.zones = zones
        self.campaigns = list(zones)
        self.attempts: list[tuple[int, datetime, int]] = []
        """shard, started_time, attempt_id"""
        self.tries: dict[tuple[int, int], int] = {}
        self.ids = itertools.count(1)
        self.kept = KeptSeals()
        """What a process that lives as long has read."""

    async def clear(self) -> None:
        await self.connection.execute(
            "TRUNCATE attempts, outbox, stats, leads, contacts, dnc_numbers, rollup_checks, "
            "number_seals, number_month_seals, attribution_seals, numbers, verdict_audits, callback_seals"
        )
        for campaign_id, contact_id in itertools.product(self.campaigns, range(CONTACTS)):
            # the same persons in every campaign; the last of them came without a word on where from
            source, keyword = ("site", f"word {contact_id}") if contact_id < CONTACTS - 1 else (None, None)
            await self.connection.execute(
                "INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id, source, keyword) "
                "VALUES ($1, $2, $3, $4, '{}', 7, $5, $6)",
                campaign_id * 256, contact_id, campaign_id, number_of(contact_id), source, keyword,
            )  # fmt: skip
            await self.connection.execute(
                "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made) "
                "VALUES ($1, $2, $3, $4, 'pending', 0)",
                campaign_id * 256, contact_id, campaign_id, number_of(contact_id),
            )  # fmt: skip

    async def do(self, step: Sequence[Any]) -> None:
        name, *arguments = step
        await getattr(self, name)(*arguments)

    async def begin(self, campaign: int, moment: datetime, minutes: int, contact_id: int) -> None:
        campaign_id = self.campaigns[campaign]
        started = moment + timedelta(minutes=minutes)
        # as the node makes them: the id holds the time
        attempt_id = (int(started.timestamp() * 1000) - EPOCH_MS) << 22 | next(self.ids)
        tries = self.tries[campaign_id, contact_id] = self.tries.get((campaign_id, contact_id), 0) + 1
        await self.connection.execute(
            BEGIN["begin_attempts"], campaign_id * 256, started, campaign_id, RUNS[minutes % 2], [campaign + 1],
            ["+74950000000"], [attempt_id], [contact_id], [number_of(contact_id)], [tries], ["a call"], [{}],
            [None if minutes % 7 else attempt_id - 1],
        )  # fmt: skip
        self.attempts.append((campaign_id * 256, started, attempt_id))

    async def settle(self, pick: int, facts: dict[str, Any]) -> None:
        if not self.attempts:
            return
        shard_key, started, attempt_id = self.attempts[pick % len(self.attempts)]
        settled = settlement(attempt_id, shard_key=shard_key, started_time=started, **facts)
        columns = [[getattr(settled, name)] for name in _COLUMNS]
        await self.connection.fetch(SETTLE["settle_attempts"], shard_key, LATER, started, started, *columns)

    async def lose(self, run_id: int) -> None:
        async with self.connection.transaction():
            await close_run(self.connection, run_id, LATER)

    async def set_disposition(self, pick: int, disposition: str | None) -> None:
        if self.attempts:
            shard_key, started, attempt_id = self.attempts[pick % len(self.attempts)]
            await self.connection.execute(
                LATE["set_disposition"], shard_key, started, attempt_id, disposition, LATER
            )

    async def judge(self, pick: int, judgement: str) -> None:
        if self.attempts:
            shard_key, started, attempt_id = self.attempts[pick % len(self.attempts)]
            is_waiting = await self.connection.fetchval(
                "SELECT unheard_why IS NULL FROM verdict_audits WHERE attempt_id = $1", attempt_id
            )
            if is_waiting:
                await self.connection.execute(
                    AUDIT["judge_audit"], shard_key, attempt_id, started, judgement, "Anna", LATER
                )

    async def leave_queue(self, pick: int) -> None:
        if self.attempts:
            shard_key, started, attempt_id = self.attempts[pick % len(self.attempts)]
            await self.connection.fetch(
                AUDIT["leave_queue"], shard_key, [attempt_id], [started], ["expired"], LATER
            )

    async def erase(self, contact_id: int) -> None:
        try:
            async with self.connection.transaction():
                await erase(
                    self.connection, E164(number_of(contact_id)), f"erased-{uuid.UUID(int=next(self.ids))}"
                )
        except Conflict:
            pass

    async def fold(self) -> None:
        await fold_outbox(self.connection)

    async def fold_a_part(self, slices: int, number: int) -> None:
        await self.connection.fetchval(rollup_statements.FOLD_OUTBOX, slices, number)

    async def seal(self, limit: int) -> None:
        await seal_days(self.connection, SEALING, limit)
        await seal_months(self.connection, SEALING, limit)
        await attribution_seals.seal_days(self.connection, SEALING, limit)
        await attribution_seals.seal_months(self.connection, SEALING, limit)
        await seal_callbacks(self.connection, SEALING, limit)

    async def assert_exact(self) -> None:
        """What is told now, of every figure and of distinct numbers in some ranges, is what the facts say."""
        recounted = await recount(self.connection, self.zones)
        assert await told(self.connection) == recounted
        assert await told_of_months(self.connection) == by_month(recounted)
        for shard_key in (None, self.campaigns[0] * 256, self.campaigns[3] * 256):
            for from_day, to_day in RANGES:
                counted = await distinct_numbers(
                    self.connection,
                    None if shard_key is None else [shard_key],
                    from_day,
                    to_day,
                    kept=self.kept,
                )
                assert counted.counts == await distinct_recount(
                    self.connection, self.zones, shard_key, from_day, to_day
                )
                callbacks = await callback_groups(
                    self.connection, [shard_key or 0], from_day, to_day, SEALING, lambda _: ()
                )
                assert callbacks.get((), {}) == await callback_recount(
                    self.connection, self.zones, shard_key, from_day, to_day, SEALING
                )

        for (from_day, to_day), shard_key, name, dim in (
            (RANGES[0], None, "source", 6),
            (RANGES[2], None, "keyword", 8),
            (RANGES[0], self.campaigns[3] * 256, "keyword", 8),
            (RANGES[2], self.campaigns[0] * 256, "source", 6),
        ):
            attributed = await attributed_numbers(
                self.connection, [shard_key or 0], from_day, to_day, KINDS, dim, lambda _, value: (value,), takes_months=True, kept=self.kept
            )  # fmt: skip
            assert {value: counts for (value,), counts in attributed.items()} == await attributed_recount(
                self.connection, self.zones, shard_key, from_day, to_day, name
            )

        for (from_day, to_day), shard_key in ((RANGES[1], None), (RANGES[2], self.campaigns[0] * 256)):
            known = await known_numbers(
                self.connection, [shard_key or 0], from_day, to_day, ["dialed", "answered"], lambda _: (), takes_months=True
            )  # fmt: skip
            assert known.get((), {"dialed": 0, "answered": 0}) == await known_recount(
                self.connection, self.zones, shard_key, from_day, to_day
            )

    async def repair(self) -> None:
        for shard_key in (*(campaign_id * 256 for campaign_id in self.campaigns), 0):
            for month in {started.date() for _, started, _ in self.attempts}:
                part = Slice(shard_key=shard_key, month=month)
                assert (await check_slice(self.connection, part, LATER, repair=True)).differences == 0


async def make_campaigns(dsn: str) -> dict[int, str]:
    pool = await open_pool(dsn)
    zones = {await add_campaign(pool, time_zone=zone): zone for zone in ZONES}
    # prices of every kind: none, per minute, per connection, both
    await pool.execute("UPDATE trunks SET price_per_minute_micros = 1_333_333 WHERE trunk_id IN (2, 4)")
    await pool.execute(
        "UPDATE trunks SET price_per_connection_micros = 70_001, billing_increment_seconds = 1 WHERE trunk_id IN (3, 4)"
    )
    await pool.close()
    return zones


async def live_through(dsn: str, zones: dict[int, str], history: list[tuple[Any, ...]]) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    await prepare_connection(connection)
    try:
        life = History(connection, zones)
        await life.clear()
        for step in history:
            await life.do(step)
            await life.assert_exact()
        await fold_outbox(connection)
        await life.assert_exact()
        await life.lose(1)
        await life.lose(2)
        await fold_outbox(connection)
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
        assert await told(connection, "stats") == await recount(connection, zones)
        while await seal_days(connection, SEALING) or await seal_callbacks(connection, SEALING):
            pass
        while await attribution_seals.seal_days(connection, SEALING):
            pass
        assert (
            await connection.fetchval(
                "SELECT count(*) FROM callback_days((SELECT array_agg(shard_key) FROM shards) || 0, NULL, NULL) WHERE done IS NULL"
            )
            == 0
        )
        await life.assert_exact()
        while await seal_months(connection, SEALING):
            pass
        while await attribution_seals.seal_months(connection, SEALING):
            pass
        await life.assert_exact()
        # every day, and every month, in each of three dimensions
        for seals, days in (("number_seals", "dim < 100"), ("number_month_seals", "dim > 100")):
            assert await connection.fetchval(
                f"SELECT count(*) FROM attribution_seals WHERE {days}"
            ) == 3 * await connection.fetchval(f"SELECT count(*) FROM {seals}")
        # the clocks of some have not left January
        every = await connection.fetchval(
            "SELECT count(*) FROM stats WHERE dim = 101 AND attempts > 0 AND bucket_time < '2027-01-01'"
        )
        assert await connection.fetchval("SELECT count(*) FROM number_month_seals") >= every
        for from_day, to_day in RANGES:
            assert (await distinct_numbers(connection, None, from_day, to_day)).fact_days == 0
    finally:
        await connection.close()


@pytest.mark.timeout(400)
def test_figures_are_a_recount_of_the_facts_at_every_step_of_any_history(database: str) -> None:
    zones = run_apart(make_campaigns(database))

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(steps, min_size=4, max_size=18))
    def every_history(history: list[tuple[Any, ...]]) -> None:
        asyncio.run(live_through(database, zones, history))

    every_history()
