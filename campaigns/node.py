"""
One dialing node: a run in the database, a dialer, and the tasks between them.

    heartbeat   says that we live, keeps and takes shards, reloads what they need, recovers dead runs, ends campaigns
    dial        five times a second: claim, commit, INVITE
    settle      outcomes into the database, or into the spool
    live        wakes the live pages and publishes the calls in each stage, at most four times a second
    traces      SIP messages of calls into the database, when it has time for them
    recordings  requests to record a live call, and the rows of recordings; the sound is a thread's
    names       keeps the trunks' names resolved

Stopping is an event, not a cancellation: stop claiming, let calls finish for `drain_seconds`, hang up the rest, settle,
release. Cancellation (the second signal) skips the waiting. A crash of any of the tasks ends the node: its supervisor
starts it anew, and the run it left behind is recovered.
"""

import asyncio
import contextlib
import functools
import math
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from campaigns.call_recorder import CallRecorder
from campaigns.call_trace import CHANNEL as TRACE_CHANNEL
from campaigns.call_trace import attempt_of
from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.live_attempt import LiveAttempt
from campaigns.migrate import ensure_partitions
from campaigns.node_state import NodeState, count_stages
from campaigns.plan import PlanLoader, TrunkPlan
from campaigns.recording_rows import CHANNEL as RECORDING_CHANNEL
from campaigns.recovery import close_run, recover_dead_runs
from campaigns.runner import Runner
from campaigns.settings import TICK_SECONDS, NodeSettings
from campaigns.settle_buffer import SettleBuffer
from campaigns.settlement import Settlement
from campaigns.short_turns import answer_in_short_turns
from campaigns.snowflake import SnowflakeIds
from campaigns.spool import Spool
from campaigns.statements import load_statements
from campaigns.trace_writer import TraceWriter
from campaigns.trunk_lines import TrunkLines
from campaigns.trunk_names import TrunkNames
from dialer.net.resolve import Resolver
from dialer.port import Engine
from dialer.trunk_dialer import TrunkDialer

log = structlog.get_logger()

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
LIVE_SECONDS: Final = 0.25
STATE_SECONDS: Final = 1.0
"""Unchanged counts are said again after this long: a silent node is told from an idle one."""
RETRY_SECONDS: Final = 0.5
PARTITION_SECONDS: Final = 86_400.0
HEALTH_COLUMNS: Final = 11
MAX_IDS_PER_NOTIFY: Final = 500
"""A NOTIFY payload is shorter than 8000 bytes; ids have at most eight digits."""


class NodeDeclaredDead(Exception):
    """The run was silent for so long that another node ended it; its calls were finished and settled."""


class Node:
    """Runs until `stop` is set. One per process."""

    def __init__(
        self,
        settings: NodeSettings,
        *,
        stop: asyncio.Event,
        rng: Callable[[int], bytes],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._rng = rng
        self._wall_clock = wall_clock
        self._control = self._link("control", on_connect=self._listen)
        self._claims = self._link("claim", on_connect=answer_in_short_turns)
        self._plans = PlanLoader()
        self._lines = TrunkLines(rng)
        self._names = TrunkNames(Resolver.of(settings.dialer).resolve)
        self._changed: set[int] = set()
        self._wake = asyncio.Event()
        self._declared_dead = False
        self._on_trace_request: Callable[[int], None] = lambda _attempt_id: None
        self._on_recording_request: Callable[[], None] = lambda: None
        self._run_id = 0
        self._ids = SnowflakeIds(0)

    async def run(self) -> None:
        """
        Dial until told to stop, then drain.

        Raises:
            SpoolBusy: a node of this name runs already on this machine.
            NodeDeclaredDead: after draining; the process should be started again.
            DatabaseAway, asyncpg.PostgresError: at the start only; later the database may go and come.
        """
        settings = self._settings
        spool = Spool(settings.spool_dir, settings.node_name)
        try:
            await self._control.run(self._start_run)
            log.info(
                "node.started", node=settings.node_name, run_id=self._run_id, spool_is_empty=spool.is_empty()
            )
            settle_link = self._link("settle", on_connect=answer_in_short_turns)
            trace_link = self._link("traces")
            recording_link = self._link("recordings")
            recorder = self._recorder(recording_link)
            buffer = SettleBuffer(
                settle_link, spool, wall_clock=self._wall_clock, on_settled=self._changed.add
            )
            # What the last life could not write comes first: it must not be taken for lost.
            await buffer.flush()
            runner: Runner | None = None
            try:
                async with TrunkDialer(settings.dialer, rng=self._rng) as dialer:
                    traces = self._trace_writer(trace_link, dialer)
                    runner = self._runner(dialer, buffer, traces, recorder)
                    await self._work(dialer, runner, buffer, traces, recorder)
            finally:
                # Also after a crash or the second signal: what is known about ended calls is kept.
                if runner is not None:
                    runner.abandon_all()
                await recorder.close()  # every call is over, and has told its tap so
                await self._leave(buffer)
                await settle_link.close()
                await trace_link.close()
                await recording_link.close()
        finally:
            spool.close()
            await self._claims.close()
            await self._control.close()
        log.info("node.stopped", node=settings.node_name, run_id=self._run_id)
        if self._declared_dead:
            raise NodeDeclaredDead

    def _trace_writer(self, link: DatabaseLink, dialer: TrunkDialer) -> TraceWriter:
        return TraceWriter(
            link,
            self._settings.traces,
            rng=self._rng,
            wall_clock=self._wall_clock,
            wall_time=dialer.wall_time,
            local_address=dialer.local_address,
        )

    def _recorder(self, link: DatabaseLink) -> CallRecorder:
        recorder = CallRecorder(
            link,
            self._settings.recordings,
            node_name=self._settings.node_name,
            ids=self._ids,
            rng=self._rng,
            wall_clock=self._wall_clock,
        )
        self._on_recording_request = recorder.wake
        return recorder

    def _runner(
        self, dialer: Engine, buffer: SettleBuffer, traces: TraceWriter, recorder: CallRecorder
    ) -> Runner:
        def end(live: LiveAttempt, settlement: Settlement) -> None:
            traces.offer_ended(live, settlement)
            recorder.call_ended(live, settlement)

        runner = Runner(
            dialer=dialer,
            link=self._claims,
            buffer=buffer,
            ids=self._ids,
            run_id=self._run_id,
            batch_size=self._settings.batch_size,
            lines=self._lines,
            rng=self._rng,
            wall_clock=self._wall_clock,
            on_begun=self._changed.add,
            on_answered=recorder.call_answered,
            on_ended=end,
        )

        def offer_live(attempt_id: int) -> None:
            for live in runner.live:
                if live.begun.attempt_id == attempt_id:
                    traces.offer_live(live)

        self._on_trace_request = offer_live
        return runner

    async def _work(
        self,
        dialer: Engine,
        runner: Runner,
        buffer: SettleBuffer,
        traces: TraceWriter,
        recorder: CallRecorder,
    ) -> None:
        async with asyncio.TaskGroup() as tasks:
            settle = tasks.create_task(buffer.run(), name="settle")
            live = tasks.create_task(self._live_loop(runner), name="live")
            trace = tasks.create_task(traces.run(), name="traces")
            recordings = tasks.create_task(recorder.run(), name="recordings")
            names = tasks.create_task(self._names.run(self._wake.set), name="names")
            heartbeat = tasks.create_task(self._heartbeat_loop(runner, dialer), name="heartbeat")
            await self._dial_loop(runner)
            log.info("node.draining", run_id=self._run_id, live_attempts=len(runner.live))
            await dialer.drain(self._settings.drain_seconds)
            dialer.hang_up_all()
            await dialer.drain(self._settings.dialer.close_timeout_seconds)
            for task in (heartbeat, live, names, settle, trace, recordings):
                task.cancel()
        await traces.flush(until=math.inf)

    async def _leave(self, buffer: SettleBuffer) -> None:
        """Settle what is left and end the run; if the database is away, the spool and recovery will."""
        await buffer.flush()

        async def end(connection: Connection) -> None:
            async with connection.transaction():
                await close_run(connection, self._run_id, self._wall_clock())
            await self._notify_live(connection)

        try:
            await self._control.run(end)
        except DatabaseAway as error:
            log.warning("node.left_unsaid", run_id=self._run_id, error=str(error))

    # The tasks

    async def _dial_loop(self, runner: Runner) -> None:
        loop = asyncio.get_running_loop()
        next_tick, is_away = loop.time(), False
        while not self._stop.is_set():
            try:
                await runner.tick()
            except DatabaseAway as error:
                if not is_away:
                    log.warning("database.lost", application="claim", error=str(error))
                is_away, next_tick = True, loop.time() + RETRY_SECONDS
            else:
                if is_away:
                    log.info("database.returned", application="claim")
                # A late tick is not made up for by a crowd of them: the token bucket holds what is owed.
                is_away, next_tick = False, max(next_tick + TICK_SECONDS, loop.time())
            await self._wait(next_tick - loop.time())

    async def _heartbeat_loop(self, runner: Runner, dialer: Engine) -> None:
        loop = asyncio.get_running_loop()
        settings = self._settings
        beating_since: float | None = None
        partitions_at = loop.time() + PARTITION_SECONDS
        while True:
            try:
                async with asyncio.timeout(settings.dead_after_seconds / 2):
                    await self._control.run(lambda connection: self._beat(connection, runner, dialer))
                    beating_since = loop.time() if beating_since is None else beating_since
                    # After an outage everybody looks dead: let them beat before anyone is judged.
                    if loop.time() - beating_since >= settings.dead_after_seconds:
                        await self._control.run(self._recover)
                    if loop.time() >= partitions_at:
                        partitions_at += PARTITION_SECONDS
                        await self._control.run(
                            lambda connection: ensure_partitions(connection, self._wall_clock())
                        )
            except (DatabaseAway, TimeoutError) as error:
                if beating_since is not None:
                    log.warning("database.lost", application="control", error=str(error))
                beating_since = None
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.heartbeat_seconds):
                    await self._wake.wait()

    async def _live_loop(self, runner: Runner) -> None:
        link = self._link("live")
        loop = asyncio.get_running_loop()
        told, told_at = NodeState(), 0.0
        try:
            while True:
                await asyncio.sleep(LIVE_SECONDS)
                state = count_stages(attempt.place for attempt in runner.live)
                with contextlib.suppress(DatabaseAway):
                    if state != told or loop.time() - told_at >= STATE_SECONDS:
                        await link.run(functools.partial(self._publish, state))
                        told, told_at = state, loop.time()
                    await link.run(self._notify_live)
        finally:
            link.drop()

    # What they do on a connection

    async def _start_run(self, connection: Connection) -> None:
        now = self._wall_clock()
        await ensure_partitions(connection, now)
        while True:
            id_node = await connection.fetchval(STATEMENTS["find_free_id_node"])
            run_id = SnowflakeIds(id_node).next(int(now.timestamp() * 1000))
            # Nothing comes back when somebody else took these bits in the meantime.
            if await connection.fetchval(
                STATEMENTS["start_run"], run_id, self._settings.node_name, id_node, now
            ):
                self._run_id, self._ids = run_id, SnowflakeIds(id_node)
                return

    async def _beat(self, connection: Connection, runner: Runner, dialer: Engine) -> None:
        now = self._wall_clock()
        if await connection.fetchval(STATEMENTS["beat"], self._run_id, now) is None:
            if not self._declared_dead:
                log.error("node.declared_dead", run_id=self._run_id)
            self._declared_dead = True
            self._stop.set()
            return
        lease_until = now + timedelta(seconds=self._settings.dead_after_seconds)
        await connection.execute(STATEMENTS["renew_shards"], self._run_id, lease_until)
        await connection.execute(STATEMENTS["release_idle_shards"], self._run_id)
        if not self._stop.is_set():
            for row in await connection.fetch(STATEMENTS["take_shards"], self._run_id, now, lease_until):
                log.info("shard.taken", campaign_id=row["campaign_id"], shard_key=row["shard_key"])
        plan = await self._plans.load(connection, self._run_id, runner.campaigns_with_calls)
        await self._use_trunks(connection, plan.trunks, dialer)
        runner.use(plan.shards, plan.policies)
        for campaign_id in runner.idle_campaigns():
            if await connection.fetchval(STATEMENTS["finish_campaign"], campaign_id, now):
                log.info("campaign.finished", campaign_id=campaign_id)
                self._changed.add(campaign_id)

    async def _use_trunks(self, connection: Connection, plans: list[TrunkPlan], dialer: Engine) -> None:
        """Take up the trunks' settings, have them watched, and say what is known of them."""
        lines, now = self._lines, dialer.now()
        lines.use(plans, now)
        self._names.want(place for line in lines.present for place in (line.place, *line.registrars()))
        for line in lines.present:
            line.resolve(*self._names.targets(line.place))
        dialer.watch(lines.watched(self._names), lambda event: lines.note(event, dialer.now()))
        rows = lines.health(now, dialer.wall_time)
        columns = [[row[index] for row in rows] for index in range(HEALTH_COLUMNS)]
        await connection.execute(STATEMENTS["say_trunk_health"], self._run_id, self._wall_clock(), *columns)
        await connection.execute(STATEMENTS["forget_trunks"], self._run_id, columns[0])

    async def _recover(self, connection: Connection) -> None:
        now = self._wall_clock()
        silent_since = now - timedelta(seconds=self._settings.dead_after_seconds)
        self._changed |= await recover_dead_runs(connection, silent_since=silent_since, now=now)

    async def _publish(self, state: NodeState, connection: Connection) -> None:
        await connection.execute(
            STATEMENTS["publish_state"],
            self._run_id,
            self._wall_clock(),
            msgspec.to_builtins(state, str_keys=True),
        )

    async def _notify_live(self, connection: Connection) -> None:
        while self._changed:
            ids = [self._changed.pop() for _ in range(min(len(self._changed), MAX_IDS_PER_NOTIFY))]
            await connection.execute(STATEMENTS["notify_live"], msgspec.json.encode(ids).decode())

    async def _listen(self, connection: Connection) -> None:
        await connection.add_listener("campaign_control", lambda *_: self._wake.set())
        await connection.add_listener(TRACE_CHANNEL, self._trace_requested)
        await connection.add_listener(RECORDING_CHANNEL, lambda *_: self._on_recording_request())

    def _trace_requested(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if (attempt_id := attempt_of(str(payload))) is not None:
            self._on_trace_request(attempt_id)

    # Small things

    def _link(
        self, purpose: str, on_connect: Callable[[Connection], Awaitable[None]] | None = None
    ) -> DatabaseLink:
        return DatabaseLink(
            self._settings.database_url,
            application_name=f"obzvon dial {self._settings.node_name} {purpose}",
            timeout_seconds=self._settings.database_timeout_seconds,
            on_connect=on_connect,
        )

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()
