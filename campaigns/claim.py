"""
From a due lead to a committed attempt: claim -> gate -> commit, in one transaction for each shard.

Rule 1: an attempt is returned, and may be dialed, only once it is committed.
Rule 2: when nobody knows whether a begin was committed (the connection broke on COMMIT), its attempts are not returned but told of as
        not dialed: if they exist, their leads are due again, for nobody was called.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from campaigns.calling_window import possible_zones
from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.gate import Blocked, GateFacts, gate_trace, pre_dial_gate
from campaigns.live_attempt import BegunAttempt
from campaigns.numbers import mask, zones_of
from campaigns.plan import ShardPlan
from campaigns.retry import RetryAt, next_step
from campaigns.snowflake import SnowflakeIds
from campaigns.statements import columns, load_statements
from campaigns.trunk_choice import Assignment
from campaigns.trunk_lines import TrunkLines

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
IDLE_SECONDS: Final = 1.0
"""A shard without a due lead is asked again after this long."""
FLOOR_SECONDS: Final = 5.0
"""How long the floor of due times is trusted: leads that were put below it (an import) wait no longer."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ShardState(msgspec.Struct, kw_only=True):
    """What the runner remembers of a shard between ticks. Monotonic seconds."""

    idle_until: float = 0.0
    floor_time: datetime = EPOCH
    floor_until: float = 0.0
    found_nothing: bool = False
    """The last claim returned no lead: perhaps the campaign is done."""
    failovers_expected: int = 0
    """Leads that come back to the front of the line, below the floor."""


class Claimer:
    """Claims for the dial loop, which owns it. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        *,
        link: DatabaseLink,
        ids: SnowflakeIds,
        run_id: int,
        lines: TrunkLines,
        rng: Callable[[int], bytes],
        clock: Callable[[], float],
        wall_clock: Callable[[], datetime],
        on_not_dialed: Callable[[BegunAttempt], None],
    ) -> None:
        self._link = link
        self._ids = ids
        self._run_id = run_id
        self._lines = lines
        self._rng = rng
        self._clock = clock
        self._wall_clock = wall_clock
        self._on_not_dialed = on_not_dialed

    async def begin(self, plan: ShardPlan, state: ShardState, trunks: Assignment) -> list[BegunAttempt]:
        """
        Claim a lead for each place on a trunk, gate them and commit their attempts.

        Raises:
            DatabaseAway, asyncpg.PostgresError: none was begun, or nobody knows; those have been told of.
        """
        count = len(trunks)
        monotonic_now = self._clock()
        if monotonic_now >= state.floor_until or state.failovers_expected:
            state.floor_time, state.floor_until = EPOCH, monotonic_now + FLOOR_SECONDS
        begun: list[BegunAttempt] = []

        async def claim_and_begin(connection: Connection) -> int:
            async with connection.transaction():
                now = self._wall_clock()
                leads = await connection.fetch(
                    STATEMENTS["claim_leads"], plan.shard_key, self._run_id, now, state.floor_time, count
                )
                if len(leads) == count:
                    state.floor_time = leads[0]["due_time"]
                else:
                    state.floor_until = 0.0
                allowed, blocked = _gate(plan, leads, now)
                if blocked:
                    await connection.execute(STATEMENTS["block_leads"], plan.shard_key, *columns(blocked))
                traces: list[dict[str, object]] = []
                put_off: list[tuple[int, datetime | None, bool]] = []
                for lead, trace in allowed:
                    state.failovers_expected -= lead["failover"] is not None
                    tried = tried_trunk_ids(lead)
                    trunk_id = trunks.take(exclude=tried)
                    if trunk_id is not None:
                        begun.append(self._intend(plan, lead, trunk_id, tried, now))
                        traces.append(trace)
                    elif tried:
                        put_off.append(_put_off(plan, lead, now, is_over=trunks.is_hopeless(tried)))
                if put_off:
                    await connection.execute(
                        STATEMENTS["put_off_failovers"],
                        plan.shard_key,
                        *columns(put_off),
                    )
                if begun:
                    await self._write(connection, plan, begun, traces, now)
            state.failovers_expected = max(0, state.failovers_expected)
            return len(leads)

        try:
            claimed = await self._link.run(claim_and_begin)
        except (DatabaseAway, asyncpg.PostgresError):
            for attempt in begun:
                self._on_not_dialed(attempt)
            raise
        state.found_nothing = claimed == 0
        if claimed == 0:
            state.idle_until = monotonic_now + IDLE_SECONDS
        return begun

    def _intend(
        self, plan: ShardPlan, lead: Any, trunk_id: int, tried: tuple[int, ...], now: datetime
    ) -> BegunAttempt:
        attempt_id = self._ids.next(int(now.timestamp() * 1000))
        trunk = self._lines[trunk_id].config(self._clock())
        return BegunAttempt(
            plan=plan,
            attempt_id=attempt_id,
            contact_id=lead["contact_id"],
            number=lead["number"],
            masked_number=mask(lead["number"]),
            attempt_number=lead["attempts_made"] + 1,
            # Unguessable, so that nobody can hang up our calls; and found by the attempt's id in a carrier's trace.
            call_id=f"{attempt_id}-{self._rng(8).hex()}",
            started_time=now,
            trunk_id=trunk_id,
            trunk=trunk,
            caller_id=plan.caller_id or trunk.caller_id,
            tried_trunk_ids=tried,
            failover_of=None if lead["failover"] is None else lead["failover"]["attempt_id"],
        )

    async def _write(
        self,
        connection: Connection,
        plan: ShardPlan,
        begun: list[BegunAttempt],
        traces: list[dict[str, object]],
        now: datetime,
    ) -> None:
        await connection.execute(
            STATEMENTS["begin_attempts"],
            plan.shard_key,
            now,
            plan.campaign_id,
            self._run_id,
            [attempt.trunk_id for attempt in begun],
            [attempt.caller_id for attempt in begun],
            [attempt.attempt_id for attempt in begun],
            [attempt.contact_id for attempt in begun],
            [attempt.number for attempt in begun],
            [attempt.attempt_number for attempt in begun],
            [attempt.call_id for attempt in begun],
            traces,
            [attempt.failover_of for attempt in begun],
        )


def _gate(
    plan: ShardPlan, leads: list[Any], now: datetime
) -> tuple[list[tuple[Any, dict[str, object]]], list[tuple[int, str, datetime | None]]]:
    allowed: list[tuple[Any, dict[str, object]]] = []
    blocked: list[tuple[int, str, datetime | None]] = []
    for lead in leads:
        facts = GateFacts(
            number=lead["number"],
            is_in_dnc=lead["is_in_dnc"],
            mode=plan.mode,
            purpose=plan.purpose,
            zones=_zones(plan, lead["number"]),
            window=plan.window,
            now=now,
        )
        match pre_dial_gate(facts):
            case Blocked(rule=rule, next_eligible=next_eligible):
                blocked.append((lead["contact_id"], rule, next_eligible))
            case _:
                allowed.append((lead, gate_trace(facts)))
    return allowed, blocked


def _put_off(
    plan: ShardPlan, lead: Any, now: datetime, *, is_over: bool
) -> tuple[int, datetime | None, bool]:
    """Wait for room on another trunk; where there is none to wait for, the try ends as any other does."""
    if not is_over:
        return lead["contact_id"], now + timedelta(seconds=IDLE_SECONDS), False
    step = next_step(
        result=lead["last_reason"],
        disposition=None,
        attempts_made=lead["attempts_made"] + 1,
        rules=plan.retry_rules,
        ended_time=now,
    )
    return lead["contact_id"], step.due_time if isinstance(step, RetryAt) else None, True


def tried_trunk_ids(lead: Any) -> tuple[int, ...]:
    """Return the trunks that did not place the call of this try."""
    return () if lead["failover"] is None else tuple(lead["failover"]["trunk_ids"])


def _zones(plan: ShardPlan, number: str) -> tuple[str, ...]:
    if plan.window.is_always_open:
        return ()  # not looked up, and not stored with every attempt, where no clock is asked
    return possible_zones(zones_of(number), assumed=plan.callee_time_zone, fallback=plan.time_zone)
