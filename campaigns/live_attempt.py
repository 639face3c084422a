"""
One attempt between its INVITE and its settlement: turns the dialer's events into moves of the voice message machine,
and the end of the call into a `Settlement`.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from campaigns.dispositions import AnsweredBy
from campaigns.models import AnsweringMachine
from campaigns.node_state import Stage
from campaigns.plan import ShardPlan
from campaigns.retry import RetryAt, next_step
from campaigns.settlement import AnswerFacts, Settlement
from campaigns.voice_message import MACHINES, Action, VoiceMessage, milder
from dialer.config import TrunkConfig
from dialer.events import (
    AnswerClassified,
    BeepDismissed,
    BeepEnded,
    BeepSuspected,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallRinging,
    CallTimings,
    DtmfReceived,
    GreetingEnded,
    PlaybackFinished,
)
from dialer.outcome import Outcome
from dialer.port import PlacedCall


class BegunAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A committed intent to dial."""

    plan: ShardPlan
    attempt_id: int
    contact_id: int
    number: str
    masked_number: str
    attempt_number: int
    call_id: str
    started_time: datetime
    trunk_id: int
    trunk: TrunkConfig
    caller_id: str
    tried_trunk_ids: tuple[int, ...] = ()
    """Trunks that did not place the call of this try before."""
    failover_of: int | None = None


class Clocks(Protocol):
    """What an attempt needs of its surroundings; the dialer and the runner provide it."""

    def wall_time(self, at: float) -> datetime: ...


class LiveAttempt:
    """Lives as long as its call; events arrive on the loop, one after the other."""

    __slots__ = (
        "_answer",
        "_answered_by",
        "_call",
        "_clocks",
        "_loop",
        "_message",
        "_on_answered",
        "_on_done",
        "_on_ringing",
        "_policy",
        "_timer",
        "begun",
        "outcome",
        "stage",
        "timings",
    )

    def __init__(
        self,
        begun: BegunAttempt,
        *,
        clocks: Clocks,
        loop: asyncio.AbstractEventLoop,
        on_done: Callable[["LiveAttempt", Settlement], None],
        on_ringing: Callable[["LiveAttempt"], None] = lambda _live: None,
        on_answered: Callable[["LiveAttempt"], None] = lambda _live: None,
    ) -> None:
        self.begun = begun
        self.stage: Stage = "dialing"
        self._clocks = clocks
        self._loop = loop
        self._on_done = on_done
        self._on_ringing = on_ringing
        self._on_answered = on_answered
        self.outcome: Outcome | None = None
        """How the call ended, and when its steps were, once it has."""
        self.timings: CallTimings | None = None
        self._call: PlacedCall | None = None
        self._message: VoiceMessage | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._answered_by: AnsweredBy | None = None
        self._answer: AnswerFacts | None = None
        self._policy = begun.plan.answering_machine

    @property
    def call(self) -> PlacedCall | None:
        """None where the dialer would not place it."""
        return self._call

    @property
    def answered_by(self) -> AnsweredBy | None:
        """What the classifier said last of who answered."""
        return self._answered_by

    @property
    def place(self) -> tuple[int, int, Stage]:
        """Campaign, trunk and stage of the call."""
        return self.begun.plan.campaign_id, self.begun.trunk_id, self.stage

    def attach(self, call: PlacedCall) -> None:
        """Know the call; comes before its first event."""
        self._call = call

    def follow(self, policies: Mapping[int, AnsweringMachine]) -> None:
        """Know what campaigns say of machines now: a milder policy of its own holds from here on to the end of this call."""
        policy = milder(self._policy, policies.get(self.begun.plan.campaign_id, self._policy))
        if policy == self._policy:
            return
        self._policy = policy
        if self._message is not None:
            self._message.follow(policy, self._loop.time())
            self._obey()

    def on_event(self, event: CallEvent) -> None:
        match event:
            case CallRinging():
                self.stage = "ringing"
                self._on_ringing(self)
            case CallAnswered():
                self.stage = "talking"
                self._on_answered(self)  # before the first word
                self._begin_message(event.at)
            case DtmfReceived() if self._message is not None:
                self._message.receive_digit(event.digit, event.at)
                self._obey()
            case PlaybackFinished() if self._message is not None:
                self._message.playback_finished(event.at)
                self._obey()
            case AnswerClassified():
                self._note_answer(event)
            case GreetingEnded() if self._message is not None:
                self._message.greeting_ended(event.at)
                self._obey()
            case BeepSuspected() if self._message is not None:
                self._message.beep_suspected(event.at)
                self._obey()
            case BeepDismissed() if self._message is not None:
                self._message.beep_dismissed(event.at)
                self._obey()
            case BeepEnded() if self._message is not None:
                self._message.beep_ended(event.at)
                self._obey()
            case CallEnded():
                self._end(event)
            case _:
                pass

    def give_up(self, reason: str, now: datetime) -> Settlement:
        """Settle without an end of the call: nobody will tell us any more. Never redialed."""
        return self.settlement(
            Outcome(result="unknown", reason=reason, fault="local", ended_by="us"), ended_time=now
        )

    def settlement(self, outcome: Outcome, *, ended_time: datetime) -> Settlement:
        """Build what settles this attempt when its call has no timings."""
        begun, message = self.begun, self._message
        disposition = message.disposition if message is not None else None
        step = next_step(
            result="machine" if self._answered_by in MACHINES else outcome.result,
            disposition=disposition,
            attempts_made=begun.attempt_number,
            rules=begun.plan.retry_rules,
            ended_time=ended_time,
            retry_after_seconds=outcome.retry_after_seconds,
        )
        return Settlement(
            shard_key=begun.plan.shard_key,
            started_time=begun.started_time,
            attempt_id=begun.attempt_id,
            campaign_id=begun.plan.campaign_id,
            call_id=begun.call_id,
            trunk=begun.trunk.name,
            masked_number=begun.masked_number,
            result=outcome.result,
            reason=outcome.reason,
            fault=outcome.fault,
            sip_status=outcome.sip_status,
            q850_cause=outcome.q850_cause,
            ended_by=outcome.ended_by,
            ended_time=ended_time,
            digits=message.digits if message is not None else None,
            message_played_ms=self._call.played_ms
            if message is not None and self._call is not None
            else None,
            disposition=disposition,
            answered_by=self._answered_by,
            answer=self._answer,
            next_due_time=step.due_time if isinstance(step, RetryAt) else None,
        )

    def _begin_message(self, now: float) -> None:
        key_wait_seconds = self.begun.plan.key_wait_seconds
        self._message = VoiceMessage(now, key_wait_seconds=key_wait_seconds, answering_machine=self._policy)
        self._obey()

    def _note_answer(self, event: AnswerClassified) -> None:
        """Keep the last verdict; of early media only its cause, since nobody has answered."""
        if self._policy == "ignore":
            return
        end = event.greeting_ended_at
        self._answer = AnswerFacts(
            cause=event.cause,
            speech_started_ms=None if event.is_early else event.speech_started_ms,
            greeting_ended_time=None if end is None or event.is_early else self._clocks.wall_time(end),
            verdict_time=self._clocks.wall_time(event.at),
        )
        if event.is_early or self._message is None:
            return
        self._answered_by = event.answered_by
        self._message.classified(event.answered_by, event.at)
        self._obey()

    def _obey(self) -> None:
        """Do what the machine wants, after each of its inputs."""
        assert self._message is not None
        for action in self._message.take_actions():
            self._do(action)
        self._disarm()
        deadline = self._message.get_timer()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._time_over)

    def _do(self, action: Action) -> None:
        assert self._message is not None
        prompt = self.begun.plan.prompt
        if action is Action.PLAY and prompt is None:
            self._message.playback_finished(self._loop.time())
            self._obey()
        elif self._call is None:
            return
        elif action is Action.PLAY and prompt is not None:
            self._call.play(prompt)
        elif action is Action.STOP_PLAYING:
            self._call.stop_playing()
        elif action is Action.HANG_UP:
            self._call.hang_up()

    def _time_over(self) -> None:
        self._timer = None
        if self._message is not None:
            # The loop may call a hair early; the deadline is reached all the same.
            self._message.handle_timer(self._message.get_timer() or 0.0)
            self._obey()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, event: CallEnded) -> None:
        self._disarm()
        timings = event.timings
        self.outcome, self.timings = event.outcome, timings
        ended_at = timings.ended_at if timings.ended_at is not None else event.at
        ended_time = self._clocks.wall_time(ended_at)

        def wall_time(at: float | None) -> datetime | None:
            # Counted back from one reading of the clock, so that the order of the steps survives.
            return None if at is None else ended_time - timedelta(seconds=ended_at - at)

        settlement = msgspec.structs.replace(
            self.settlement(event.outcome, ended_time=ended_time),
            ringing_time=wall_time(timings.ringing_at),
            early_media_time=wall_time(timings.early_media_at),
            answered_time=wall_time(timings.answered_at),
            pdd_ms=timings.pdd_ms,
            talk_ms=timings.talk_ms,
            media=event.media,
        )
        self._on_done(self, settlement)
