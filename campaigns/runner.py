"""
The dial loop: claim -> gate -> commit -> INVITE, five times a second, without a task per call.

Rule 1: an INVITE leaves only after its attempt is committed, and never twice for one attempt.
Rule 2: when nobody knows whether a begin was committed (the connection broke on COMMIT), its INVITEs do not leave, and
        its attempts, if they exist, are settled as not dialed: their leads are due again, for nobody was called.
Rule 3: while the database is away nothing is claimed; calls under way go on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from campaigns.calling_window import possible_zones
from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.failover import was_not_placed
from campaigns.gate import Blocked, GateFacts, gate_trace, pre_dial_gate
from campaigns.live_attempt import BegunAttempt, LiveAttempt
from campaigns.models import AnsweringMachine
from campaigns.numbers import mask, zones_of
from campaigns.pacing import TokenBucket, pace
from campaigns.plan import ShardPlan
from campaigns.retry import RetryAt, next_step
from campaigns.settle_buffer import SettleBuffer
from campaigns.settlement import Settlement
from campaigns.snowflake import SnowflakeIds
from campaigns.statements import columns, load_statements
from campaigns.trunk_choice import Assignment, choose_trunks
from campaigns.trunk_lines import TrunkLines
from campaigns.verdict_sample import with_draw
from dialer.config import CallRequest
from dialer.errors import DialerError
from dialer.outcome import Outcome
from dialer.port import Engine

log = structlog.get_logger()

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
IDLE_SECONDS: Final = 1.0
"""A shard without a due lead is asked again after this long."""
FLOOR_SECONDS: Final = 5.0
"""How long the floor of due times is trusted: leads that were put below it (an import) wait no longer."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FAILOVER_LEAD: Final = timedelta(days=1)
"""So much earlier than its attempt a lead is due that goes on by another trunk."""

NOT_DIALED: Final = Outcome(result="failed", reason="not_dialed", fault="local", ended_by="us")


class ShardState(msgspec.Struct, kw_only=True):
    """What the runner remembers of a shard between ticks. Monotonic seconds."""

    idle_until: float = 0.0
    floor_time: datetime = EPOCH
    floor_until: float = 0.0
    found_nothing: bool = False
    """The last claim returned no lead: perhaps the campaign is done."""
    failovers_expected: int = 0
    """Leads that come back to the front of the line, below the floor."""


class Runner:
    """Dials the shards it is given. Owned by the node's loop; not thread-safe."""

    def __init__(
        self,
        *,
        dialer: Engine,
        link: DatabaseLink,
        buffer: SettleBuffer,
        ids: SnowflakeIds,
        run_id: int,
        batch_size: int,
        lines: TrunkLines,
        rng: Callable[[int], bytes],
        wall_clock: Callable[[], datetime],
        on_begun: Callable[[int], None] = lambda _campaign_id: None,
        on_answered: Callable[[LiveAttempt], None] = lambda _live: None,
        on_ended: Callable[[LiveAttempt, Settlement], None] = lambda _live, _settlement: None,
    ) -> None:
        self._dialer = dialer
        self._link = link
        self._buffer = buffer
        self._ids = ids
        self._run_id = run_id
        self._batch_size = batch_size
        self._lines = lines
        self._rng = rng
        self._wall_clock = wall_clock
        self._on_begun = on_begun
        self._on_answered = on_answered
        self._on_ended = on_ended
        self._loop = asyncio.get_running_loop()
        self._plans: dict[int, ShardPlan] = {}
        self._policies: Mapping[int, AnsweringMachine] = {}
        self._shards: dict[int, ShardState] = {}
        self._campaign_buckets: dict[int, TokenBucket] = {}
        self._campaign_calls: Counter[int] = Counter()
        self._live: dict[int, LiveAttempt] = {}
        self._turn = 0

    @property
    def live(self) -> Collection[LiveAttempt]:
        return self._live.values()

    @property
    def campaigns_with_calls(self) -> set[int]:
        """Those whose calls are under way, or about to be."""
        return {plan.campaign_id for plan in self._plans.values()} | (+self._campaign_calls).keys()

    def use(self, plans: list[ShardPlan], policies: Mapping[int, AnsweringMachine]) -> None:
        """Work on these shards from now on; calls of others go on, and follow what their campaigns say of machines, too."""
        now = self._loop.time()
        self._plans = {plan.shard_key: plan for plan in plans}
        self._shards = {key: self._shards.get(key) or ShardState() for key in self._plans}
        for plan in plans:
            rate = plan.calls_per_second
            self._campaign_buckets.setdefault(plan.campaign_id, TokenBucket(rate, now)).rate = rate
        self._policies = policies
        for live in list(self._live.values()):
            live.follow(policies)

    def idle_campaigns(self) -> set[int]:
        """Give the campaigns that may be finished: no lead was due and no call of theirs is under way."""
        planned = {plan.campaign_id for plan in self._plans.values()}
        due = {plan.campaign_id for key, plan in self._plans.items() if not self._shards[key].found_nothing}
        return planned - due - (+self._campaign_calls).keys()

    async def tick(self) -> None:
        """
        Start as many calls as every limit allows.

        Raises:
            DatabaseAway: no call was started for the shard in hand and those after it.
        """
        for plan in self._in_turn():
            state = self._shards.get(plan.shard_key)
            now = self._loop.time()
            if state is None or now < state.idle_until:
                continue
            campaign_bucket = self._campaign_buckets[plan.campaign_id]
            count = pace(
                campaign_tokens=campaign_bucket.available(now),
                campaign_free=plan.concurrent_calls - self._campaign_calls[plan.campaign_id],
                batch_size=self._batch_size,
            ).count
            candidates = self._lines.candidates(plan.trunks, now)
            trunk_ids = choose_trunks(candidates, count, self._rng)
            if not trunk_ids:
                continue
            begun = await self._begin(plan, state, Assignment(candidates, trunk_ids, self._rng))
            campaign_bucket.take(len(begun))
            for attempt in begun:
                self._place(attempt)
            if begun:
                self._on_begun(plan.campaign_id)

    def _in_turn(self) -> list[ShardPlan]:
        """Give all plans, each tick beginning with another one, so that campaigns share a scarce trunk fairly."""
        plans = list(self._plans.values())
        self._turn += 1
        first = self._turn % len(plans) if plans else 0
        return plans[first:] + plans[:first]

    def abandon_all(self) -> None:
        """Settle as unknown what the dialer never ended: the last resort of a stopping node."""
        for live in list(self._live.values()):
            self._done(live, live.give_up("drain_timeout", self._wall_clock()))

    async def _begin(self, plan: ShardPlan, state: ShardState, trunks: Assignment) -> list[BegunAttempt]:
        """Claim a lead for each place on a trunk, gate them and commit their attempts."""
        count = len(trunks)
        monotonic_now = self._loop.time()
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
                allowed, blocked = self._gate(plan, leads, now)
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
                        put_off.append(self._put_off(plan, lead, now, is_over=trunks.is_hopeless(tried)))
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
                self._settle_not_dialed(attempt)
            raise
        state.found_nothing = claimed == 0
        if claimed == 0:
            state.idle_until = monotonic_now + IDLE_SECONDS
        return begun

    def _gate(
        self, plan: ShardPlan, leads: list[Any], now: datetime
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
        self, plan: ShardPlan, lead: Any, now: datetime, *, is_over: bool
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

    def _intend(
        self, plan: ShardPlan, lead: Any, trunk_id: int, tried: tuple[int, ...], now: datetime
    ) -> BegunAttempt:
        attempt_id = self._ids.next(int(now.timestamp() * 1000))
        trunk = self._lines[trunk_id].config(self._loop.time())
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

    def _place(self, begun: BegunAttempt) -> None:
        plan = begun.plan
        live = LiveAttempt(
            begun, clocks=self._dialer, loop=self._loop, on_done=self._done, on_ringing=self._rings,
            on_answered=self._on_answered,
        )  # fmt: skip
        self._live[begun.attempt_id] = live
        live.follow(self._policies)  # as of now, not of when it was claimed
        self._campaign_calls[plan.campaign_id] += 1
        self._lines.begin_call(begun)
        try:
            call = self._dialer.place_call(
                CallRequest(
                    number=begun.number,
                    trunk=begun.trunk,
                    caller_id=begun.caller_id,
                    call_id=begun.call_id,
                    ring_timeout_seconds=plan.ring_timeout_seconds,
                    max_talk_seconds=plan.max_talk_seconds,
                    classify=plan.answering_machine != "ignore",
                ),
                live.on_event,
            )
        except DialerError as error:
            log.error("attempt.not_placed", attempt_id=begun.attempt_id, error=str(error))  # noqa: TRY400 - said by the error
            outcome = Outcome(result="failed", reason="not_placed", fault="local", ended_by="us")
            self._done(live, live.settlement(outcome, ended_time=self._wall_clock()))
        else:
            live.attach(call)

    def _rings(self, live: LiveAttempt) -> None:
        self._lines.note_ringing(live.begun, self._loop.time())

    def _done(self, live: LiveAttempt, settlement: Settlement) -> None:
        begun = live.begun
        if self._live.pop(begun.attempt_id, None) is None:
            return
        now = self._loop.time()
        self._campaign_calls[begun.plan.campaign_id] -= 1
        self._lines.end_call(begun, live.outcome, now, has_rung=settlement.ringing_time is not None)
        if (
            live.outcome is not None
            and live.timings is not None
            and was_not_placed(live.outcome, live.timings)
        ):
            settlement = self._go_on(begun, settlement, now)
        settlement = with_draw(settlement, begun.plan.audit_share, self._rng)
        self._buffer.add(settlement)
        self._on_ended(live, settlement)

    def _go_on(self, begun: BegunAttempt, settlement: Settlement, now: float) -> Settlement:
        """Let the same try go on by another trunk, if there is one (docs/adr/0010): claimed and gated as any lead is."""
        tried = self._lines.tried_after(begun, now)
        if not self._lines.can_take_over(begun.plan.trunks, tried, now):
            return settlement
        state = self._shards.get(begun.plan.shard_key)
        if state is not None:
            state.failovers_expected += 1
            state.idle_until = 0.0
        log.info(
            "attempt.failed_over", attempt_id=begun.attempt_id, campaign_id=begun.plan.campaign_id,
            trunk=begun.trunk.name, reason=settlement.reason,
        )  # fmt: skip
        # Before everybody who is due: this person's turn has begun.
        first_in_line = begun.started_time - FAILOVER_LEAD
        return msgspec.structs.replace(settlement, next_due_time=first_in_line, failover_trunk_ids=tried)

    def _settle_not_dialed(self, begun: BegunAttempt) -> None:
        live = LiveAttempt(begun, clocks=self._dialer, loop=self._loop, on_done=self._done)
        now = self._wall_clock()
        settlement = live.settlement(NOT_DIALED, ended_time=now)
        # Nobody was called: whatever the retry rules say, the lead is as due as it was.
        self._buffer.add(msgspec.structs.replace(settlement, next_due_time=now))


def tried_trunk_ids(lead: Any) -> tuple[int, ...]:
    """Return the trunks that did not place the call of this try."""
    return () if lead["failover"] is None else tuple(lead["failover"]["trunk_ids"])


def _zones(plan: ShardPlan, number: str) -> tuple[str, ...]:
    if plan.window.is_always_open:
        return ()  # not looked up, and not stored with every attempt, where no clock is asked
    return possible_zones(zones_of(number), assumed=plan.callee_time_zone, fallback=plan.time_zone)
