"""
The dial loop: claim, gate and commit (`campaigns.claim`) -> INVITE, five times a second, without a task per call.

Rule 1: an INVITE leaves only after its attempt is committed, and never twice for one attempt.
Rule 2: while the database is away nothing is claimed; calls under way go on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from campaigns.claim import Claimer, ShardState
from campaigns.database_link import DatabaseLink
from campaigns.failover import was_not_placed
from campaigns.live_attempt import BegunAttempt, LiveAttempt
from campaigns.models import AnsweringMachine
from campaigns.pacing import TokenBucket, pace
from campaigns.plan import ShardPlan
from campaigns.settle_buffer import SettleBuffer
from campaigns.settlement import Settlement
from campaigns.snowflake import SnowflakeIds
from campaigns.trunk_choice import Assignment, choose_trunks
from campaigns.trunk_lines import TrunkLines
from campaigns.verdict_sample import with_draw
from dialer.config import CallRequest
from dialer.errors import DialerError
from dialer.outcome import Outcome
from dialer.port import Engine

log = structlog.get_logger()

FAILOVER_LEAD: Final = timedelta(days=1)
"""So much earlier than its attempt a lead is due that goes on by another trunk."""

NOT_DIALED: Final = Outcome(result="failed", reason="not_dialed", fault="local", ended_by="us")


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
        self._buffer = buffer
        self._batch_size = batch_size
        self._lines = lines
        self._rng = rng
        self._wall_clock = wall_clock
        self._on_begun = on_begun
        self._on_answered = on_answered
        self._on_ended = on_ended
        self._loop = asyncio.get_running_loop()
        self._claimer = Claimer(
            link=link, ids=ids, run_id=run_id, lines=lines, rng=rng, clock=self._loop.time, wall_clock=wall_clock,
            on_not_dialed=self._settle_not_dialed,
        )  # fmt: skip
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
            begun = await self._claimer.begin(plan, state, Assignment(candidates, trunk_ids, self._rng))
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
