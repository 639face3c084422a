"""
Hears who answered, for many calls at once: frames in, verdicts out. No clock but the number of frames.

    spectrum -> tone runs -> meaning of tones ----+
        +-----> speech or not -> rhythm -> model -+-> verdict, end of the greeting, end of the beep

Rule 1: silence is never a person. Rule 2: a person, a fax, a tone and music are final; `silence` and `unsure` go to a person
and may still become a machine when one is heard. Rule 3: a beep never turns a person into a machine: who was taken for
a person is not hung up on.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.media.answer.model import AnswerModel, load_model
from dialer.media.answer.spectrum import FRAME_MS, FRAME_SAMPLES, Floats, Spectrum, analyse
from dialer.media.answer.timing import NAMES, Timing
from dialer.media.answer.tone_meaning import HeardTone, ToneMeaning
from dialer.media.answer.tone_runs import ToneRun, ToneRuns
from dialer.media.answer.verdict import (
    AnsweredBy,
    AnswerVerdict,
    BeepEnd,
    DismissedBeep,
    GreetingEnd,
    Heard,
    SuspectedBeep,
)
from dialer.media.answer.voice_activity import VoiceActivity

_BLOCK: Final = 200
"""Calls at once: more make arrays above 128 kB (spectrum.py), and products that the linear algebra library gives to threads, which wait for each other."""
DECIDE_EVERY_FRAMES: Final = 5
TALKING_FRAMES: Final = 5
"""Who fell silent for longer is a machine as little as before: the trees are asked again when a person may be believed."""
_SILENCE_FRAMES: Final = 200
"""Nothing for 4 s after the answer: `silence`, so that somebody says hello."""
UNSURE_FRAMES: Final = 350
"""7 s of talk without a verdict."""
_UNSURE_SILENCE_FRAMES: Final = 100
"""2 s of silence without one, of what is rather a person: who waits so long has waited long enough."""
MACHINE_FRAMES: Final = 60
"""No machine is told by less than 1.2 s, so that nobody asks the trees before."""
LEAST_VOICED_FRAMES: Final = 8
"""Less is no greeting."""
_LEAST_VOICED_BESIDE_TONE_FRAMES: Final = 45
_DEAF_FRAMES: Final = 8
"""The end of a tone in noise sounds like a voice for 160 ms."""
_TONE_LEAD_FRAMES: Final = 3
_NOISE_DB: Final = 2.0
_NEW_LINE_MS: Final = 2_000
"""So long does voice_activity.py need to know a line's floor."""
_VOICE_FRAMES: Final = 20
"""400 ms of voice make a beep after it a beep at once."""
_GREETING_END_FRAMES: Final = 75
"""1.5 s: greetings pause for less, and most beeps come sooner and need no end of the greeting."""
_SCREENING_FRAMES: Final = 250
"""A machine that stopped talking 5 s ago, without a beep, waits for the caller's name."""
_SCREENING_TALK_FRAMES: Final = (120, 600)
_MUSIC_SHARE: Final = np.float32(0.01)
_MUSIC_LEVEL: Final = np.float32(0.8)
_MUSIC_PURITY: Final = np.float32(0.25)
_MUSIC_DB: Final = np.float32(-45)
_SILENCE: Final = NAMES.index("silence")
_DOUBT: Final = NAMES.index("doubt")
_VOICED: Final = NAMES.index("voiced")


class _State:
    """
    Where a call stands. Plain integers: they are compared many times a frame, and those of an IntEnum cost half a
    microsecond each time.
    """

    FREE: Final = 0
    LISTENING: Final = 1
    PROVISIONAL: Final = 2
    """`silence` or `unsure` was said."""
    MACHINE: Final = 3
    """Waits for the end of the greeting and the beep."""
    GREETED: Final = 4
    """The machine has stopped talking."""
    DONE: Final = 5


class AnswerClassifier:
    """`capacity` calls at most are heard at once. Not for several threads."""

    def __init__(self, capacity: int, model: AnswerModel | None = None) -> None:
        self._model = load_model() if model is None else model
        self._voice = VoiceActivity(capacity)
        self._timing = Timing(capacity)
        self._runs = ToneRuns(capacity)
        self._meanings = [ToneMeaning() for _ in range(capacity)]
        self._holds_tone = np.zeros(capacity, bool)
        """Whether a burst waits for its second; kept beside the meanings to ask all calls at once."""
        self._holds_beep = np.zeros(capacity, bool)
        """Whether a beep after a voice waits for the quiet after it."""
        self._suspects_beep = np.zeros(capacity, bool)
        """Whether that was said."""
        self._state = np.full(capacity, _State.FREE, np.int64)
        self._is_early = np.zeros(capacity, bool)
        self._last = np.zeros((capacity, FRAME_SAMPLES), np.int16)
        self._music = np.zeros(capacity, np.float32)
        self._said_unsure = np.zeros(capacity, bool)
        self._deaf_until = np.zeros(capacity, np.int64)
        self._free = list(range(capacity - 1, -1, -1))

    def open(self, *, is_early: bool = False, countries: Sequence[str] = ("ru",)) -> int | None:
        """
        Begin to hear a call; return its slot, None when all are taken (the call is then `unsure`).

        Early media is a run of its own: only tones are told of it, since nobody has answered.
        """
        if not self._free:
            return None
        slot = self._free.pop()
        self._voice.restart(slot)
        self._timing.restart(slot)
        self._runs.restart(slot)
        self._meanings[slot] = ToneMeaning(countries)
        self._holds_tone[slot] = self._holds_beep[slot] = self._suspects_beep[slot] = False
        self._state[slot] = _State.LISTENING
        self._is_early[slot] = is_early
        self._last[slot] = 0
        self._music[slot] = 0.0
        self._said_unsure[slot] = False
        self._deaf_until[slot] = 0
        return slot

    def close(self, slot: int) -> None:
        if self._state[slot] != _State.FREE:
            self._state[slot] = _State.FREE
            self._free.append(slot)

    def is_done(self, slot: int) -> bool:
        """Whether nothing more will be said of this call; its slot can be closed."""
        return bool(self._state[slot] == _State.DONE)

    def take(self, slots: NDArray[np.intp], frames: NDArray[np.int16]) -> list[tuple[int, Heard]]:
        """Take one frame of 20 ms, (slots, 160) samples, of each of these different slots; return what was heard."""
        heard: list[tuple[int, Heard]] = []
        for start in range(0, len(slots), _BLOCK):
            self._take(slots[start : start + _BLOCK], frames[start : start + _BLOCK], heard)
        return heard

    def _take(
        self, slots: NDArray[np.intp], frames: NDArray[np.int16], heard: list[tuple[int, Heard]]
    ) -> None:
        spectrum = analyse(np.concatenate([self._last[slots], frames], axis=1))
        self._last[slots] = frames
        ended = self._runs.take(slots, spectrum)
        speech = self._model.speech_probability(self._voice.features(slots, frames, spectrum))
        no_voice = self._runs.is_steady(slots) | (self._timing.frames[slots] < self._deaf_until[slots])
        speech = np.where(no_voice, 0, speech)
        self._timing.take(slots, speech, spectrum.level_db, spectrum.purity)
        self._hear_tones(slots, ended, spectrum.level_db, heard)
        self._hear_music(slots, spectrum, speech, heard)
        self._decide(slots, heard)
        self._follow_machines(slots, heard)

    def _now_ms(self, slot: int) -> int:
        return int(self._timing.frames[slot]) * FRAME_MS

    def _hear_tones(
        self,
        slots: NDArray[np.intp],
        ended: list[tuple[int, ToneRun]],
        level_db: Floats,
        heard: list[tuple[int, Heard]],
    ) -> None:
        for slot, run in ended:
            # the tone's own first frames may have been taken for a voice; so may the noise be that goes on beside it
            if run.is_network_tone:
                since = 0 if self._was_noise(slot, run) else run.start_ms // FRAME_MS - _TONE_LEAD_FRAMES
                self._timing.forget_since(slot, since)
                self._deaf_until[slot] = self._timing.frames[slot] + _DEAF_FRAMES
            after_voice = (
                0 <= self._timing.onset[slot] * FRAME_MS < run.start_ms - 2 * FRAME_MS
                and self._timing.voiced[slot] >= _VOICE_FRAMES
            )
            is_machine = self._state[slot] in {_State.MACHINE, _State.GREETED}
            tone = self._meanings[slot].take(run, after_voice=bool(after_voice), is_machine=is_machine)
            if tone is not None:
                self._obey_tone(slot, tone, heard)
            self._note_hold(slot, heard)
        running = self._runs.running_ms(slots)
        waiting = (running >= 1_000) | self._holds_tone[slots]
        rows = zip(
            slots[waiting].tolist(), running[waiting].tolist(), level_db[waiting].tolist(), strict=True
        )
        for slot, running_ms, level in rows:
            tone = self._meanings[slot].wait(
                self._now_ms(slot),
                running_ms=running_ms,
                running_hertz=float(self._runs.hertz[slot]),
                level_db=level,
            )
            if tone is not None:
                self._obey_tone(slot, tone, heard)
            self._note_hold(slot, heard)

    def _note_hold(self, slot: int, heard: list[tuple[int, Heard]]) -> None:
        meaning = self._meanings[slot]
        self._holds_tone[slot] = meaning.is_waiting
        self._holds_beep[slot] = meaning.is_confirming
        if self._is_early[slot] or self._state[slot] == _State.DONE:
            return
        beep = meaning.suspected
        is_open = self._state[slot] in {_State.LISTENING, _State.PROVISIONAL}
        if beep is not None and is_open and not self._has_spoken_since(slot, beep.end_ms):
            if not self._suspects_beep[slot]:
                self._suspects_beep[slot] = True
                heard.append((slot, SuspectedBeep(end_ms=beep.end_ms, heard_ms=self._now_ms(slot))))
        elif self._suspects_beep[slot]:
            self._suspects_beep[slot] = False
            heard.append((slot, DismissedBeep(heard_ms=self._now_ms(slot))))

    def _was_noise(self, slot: int, run: ToneRun) -> bool:
        """
        Whether what was heard before a tone was the noise of a new line, whose floor is not known yet.

        It is, if it is no louder than the noise beside the tone; the tone's first frames count as heard before it.
        """
        if run.start_ms > _NEW_LINE_MS or not run.is_in_noise:
            return False
        lead_db = _TONE_LEAD_FRAMES * (run.level_db - run.noise_db) / max(int(self._timing.voiced[slot]), 1)
        return self._timing.speech_level_db(slot) < run.noise_db + lead_db + _NOISE_DB

    def _obey_tone(self, slot: int, tone: HeardTone, heard: list[tuple[int, Heard]]) -> None:
        state = self._state[slot]
        if state == _State.DONE:
            return
        if tone.kind == "beep":
            if self._is_early[slot]:
                return
            is_open = state in {_State.LISTENING, _State.PROVISIONAL}
            if is_open and self._has_spoken_since(slot, tone.end_ms):
                return
            # first, so that a message on trial goes on: the verdict alone would stop it until the beep
            heard.append((slot, BeepEnd(end_ms=tone.end_ms, heard_ms=self._now_ms(slot))))
            if is_open:
                self._say(slot, "machine", "beep", 0.99, heard, then=_State.DONE)
            self._state[slot] = _State.DONE
        elif state in {_State.LISTENING, _State.PROVISIONAL} or tone.kind == "sit":
            kind: AnsweredBy = "fax" if tone.kind == "fax" else "tone"
            self._say(slot, kind, tone.cause, 0.99, heard, then=_State.DONE)

    def _has_spoken_since(self, slot: int, end_ms: int) -> bool:
        """Whether the first voice of a call came after this tone: a machine that has beeped is silent."""
        spoke = self._timing.onset[slot] * FRAME_MS >= end_ms
        return bool(spoke and self._timing.voiced[slot] >= LEAST_VOICED_FRAMES)

    def _hear_music(
        self, slots: NDArray[np.intp], spectrum: Spectrum, speech: Floats, heard: list[tuple[int, Heard]]
    ) -> None:
        sounds = (spectrum.level_db > _MUSIC_DB) & (spectrum.purity > _MUSIC_PURITY) & (speech < 0.5)
        self._music[slots] += _MUSIC_SHARE * (sounds - self._music[slots])
        for slot in slots[self._music[slots] > _MUSIC_LEVEL].tolist():
            if self._state[slot] in {_State.LISTENING, _State.PROVISIONAL} and not self._is_early[slot]:
                self._say(slot, "music", "music", 0.8, heard, then=_State.DONE)

    def _decide(self, slots: NDArray[np.intp], heard: list[tuple[int, Heard]]) -> None:
        frames = self._timing.frames[slots]
        state = self._state[slots]
        is_open = ((state == _State.LISTENING) | (state == _State.PROVISIONAL)) & ~self._is_early[slots]
        onset = self._timing.onset[slots]
        is_silent = is_open & (onset < 0) & (frames >= _SILENCE_FRAMES)
        for slot in slots[is_silent & (state == _State.LISTENING)].tolist():
            self._say(slot, "silence", "no_speech", 0.9, heard, then=_State.PROVISIONAL)
        limits = self._model.thresholds
        silent = self._timing.silence[slots]
        at_once = (silent == limits.quick_silence_frames) | (silent == limits.slow_silence_frames)
        regular = (
            (frames % DECIDE_EVERY_FRAMES == 0)
            & (frames - onset >= MACHINE_FRAMES)
            & ((silent < TALKING_FRAMES) | (silent > limits.slow_silence_frames))
        )
        talking = slots[is_open & (onset >= 0) & (at_once | regular)]
        if not len(talking):
            return
        features = self._timing.features(talking)
        machine = self._model.machine_probability(features)
        silence, human = features[:, _SILENCE], 1 - machine
        # what noise sounds like while a burst waits for its second is no greeting; a real one is longer
        least_voiced = np.where(
            self._holds_tone[talking], _LEAST_VOICED_BESIDE_TONE_FRAMES, LEAST_VOICED_FRAMES
        )
        # and while a steady tone sounds nobody is believed: it is the beep, as a rule
        is_steady = self._runs.is_steady(talking) | self._holds_beep[talking]
        can_be_human = (features[:, _VOICED] >= least_voiced) & ~is_steady
        is_quick = (silence == limits.quick_silence_frames) & (features[:, _DOUBT] <= limits.quick_doubt)
        is_slow = silence >= limits.slow_silence_frames
        is_human = can_be_human & (
            (is_quick & (human >= limits.quick_human)) | (is_slow & (human >= limits.slow_human))
        )
        is_late = self._timing.frames[talking] - self._timing.onset[talking] >= UNSURE_FRAMES
        least = np.where(is_late, limits.late_machine, limits.machine)
        is_late_silence = is_late & (silence >= TALKING_FRAMES)
        if is_late_silence.any():
            machine[is_late_silence] = self._model.late_machine_probability(features[is_late_silence])
            least[is_late_silence] = limits.late_silent_machine
        is_machine = ~is_human & (machine >= least)
        waits = (silence >= _UNSURE_SILENCE_FRAMES) & (human > machine)
        is_unsure = (is_late | waits) & ~is_human & ~is_machine & ~is_steady
        for row in np.flatnonzero(is_human).tolist():
            self._say(
                int(talking[row]), "human", "short_greeting", float(human[row]), heard, then=_State.DONE
            )
        for row in np.flatnonzero(is_machine).tolist():
            slot = int(talking[row])
            self._say(slot, "machine", "long_greeting", float(machine[row]), heard, then=_State.MACHINE)
        for slot in talking[is_unsure].tolist():
            if not self._said_unsure[slot]:
                self._said_unsure[slot] = True
                self._say(slot, "unsure", "no_decision", 0.5, heard, then=_State.PROVISIONAL)

    def _follow_machines(self, slots: NDArray[np.intp], heard: list[tuple[int, Heard]]) -> None:
        silence = self._timing.silence[slots]
        state = self._state[slots]
        for slot in slots[(state == _State.MACHINE) & (silence >= _GREETING_END_FRAMES)].tolist():
            self._state[slot] = _State.GREETED
            heard.append((slot, GreetingEnd(end_ms=self._last_speech_ms(slot))))
        for slot in slots[(state == _State.GREETED) & (silence == 0)].tolist():
            self._state[slot] = _State.MACHINE  # it goes on, as a menu does
        for slot in slots[(state == _State.GREETED) & (silence >= _SCREENING_FRAMES)].tolist():
            talk = self._last_speech_ms(slot) // FRAME_MS - self._timing.onset[slot]
            if _SCREENING_TALK_FRAMES[0] <= talk <= _SCREENING_TALK_FRAMES[1]:
                self._say(slot, "screening", "waits_without_beep", 0.5, heard, then=_State.DONE)

    def _last_speech_ms(self, slot: int) -> int:
        return int(self._timing.frames[slot] - self._timing.silence[slot]) * FRAME_MS

    def _say(
        self,
        slot: int,
        answered_by: AnsweredBy,
        cause: str,
        confidence: float,
        heard: list[tuple[int, Heard]],
        *,
        then: int,
    ) -> None:
        onset = int(self._timing.onset[slot])
        is_quiet = onset >= 0 and self._timing.silence[slot] > 0
        self._state[slot] = then
        heard.append(
            (
                slot,
                AnswerVerdict(
                    answered_by=answered_by,
                    cause=cause,
                    speech_start_ms=None if onset < 0 else onset * FRAME_MS,
                    greeting_end_ms=self._last_speech_ms(slot) if is_quiet else None,
                    verdict_ms=self._now_ms(slot),
                    confidence=round(confidence, 3),
                ),
            )
        )
