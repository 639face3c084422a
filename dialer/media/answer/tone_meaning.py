"""
What the tones of one call mean: a beep, a fax, special information tones with their cause, a network's cadence.

Rule 1: two bursts and the pause between them make a cadence; a melody (another tone within 150 ms) makes neither a cadence nor a beep.
Rule 2: a burst that could be the first of a cadence waits for the second; after a voice it does not, because
        networks do not speak before they ring or refuse.
Rule 3: where nobody knows yet who answered, a beep stands alone: even to its end, louder than what was before it, no note of a tune in
        the seconds before it, and then quiet (docs/adr/0033). A beep of what is known to be a machine is told at once.
Rule 4: one that must wait for longer than a message may is suspected meanwhile (docs/adr/0043).
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from dialer.media.answer.tone_runs import ToneRun
from dialer.media.tones import (
    CED_HERTZ,
    CNG_HERTZ,
    CNG_ON_MS,
    SIT_CAUSES,
    SIT_HERTZ,
    SIT_LONG_MS,
    TONES,
    Cadence,
)

ToneKind = Literal["beep", "fax", "sit", "progress"]

_HERTZ_TOLERANCE: Final = 20.0
_MS_SHARE: Final = 0.1
_MS_TOLERANCE: Final = 40
"""Two frames: what noise at 10 dB takes off either end of a burst."""
_BEEP_MS: Final = (112, 1_300)
_BEEP_HERTZ: Final = (365.0, 2_350.0)
_STEADY_HERTZ: Final = 2.2
_STEADY_DB: Final = 0.8
_MELODY_MS: Final = 150
_TUNE_MS: Final = 2_500
"""Less than the pause between two calls of a fax (3 s)."""
_QUIET_MS: Final = 300
"""After a beep that follows a voice; with what hearing takes, the message still begins within 0.5 s of the beep's end."""
_CADENCE_QUIET_MS: Final = 440
"""Before what could be the first burst of a cadence is suspected: longer than the pause of Russia's busy tone (350 ms), and the message still begins within 0.5 s."""
_QUIET_DB: Final = 3.0
_FADE_DB: Final = 2.0
_CED_MS: Final = 1_000
_LONGEST_HOLD_MS: Final = 900
"""After a burst as busy and congestion have it, and after any where nobody has spoken: a tune rests for less. A second of tone may be a ringback, which needs its 4 s of pause."""
_RINGBACK_MS: Final = 700
_RINGBACK_HOLD_MS: Final = 4_700
_SIT_GAP_MS: Final = 70
_SIT_MS: Final = (220, 460)
_NEAR_HERTZ: Final = 95


class HeardTone(msgspec.Struct, frozen=True):
    """A tone that means something."""

    kind: ToneKind
    cause: str
    start_ms: int
    end_ms: int


class ToneMeaning:
    """One call. `countries` come first where two countries mean different things by one tone."""

    __slots__ = (
        "_cadences",
        "_held",
        "_hold_ms",
        "_levels",
        "_note_end_ms",
        "_runs",
        "_said_ced",
        "_suspect_ms",
        "suspected",
    )

    def __init__(self, countries: Sequence[str] = ("ru",)) -> None:
        ordered = [*countries, *(country for country in TONES if country not in countries)]
        self._cadences = [cadence for country in ordered for cadence in TONES.get(country, ())]
        self._runs: deque[ToneRun] = deque(maxlen=3)
        self._held: HeardTone | None = None
        self._hold_ms = 0
        self._suspect_ms: int | None = None
        self.suspected: HeardTone | None = None
        """A beep that is held back still, after as much quiet as those have that follow a voice."""
        self._levels: list[float] = []
        """How loud it must be no more, then how loud each frame since has been."""
        self._note_end_ms: int | None = None
        """Of the last even tone before the one that has ended."""
        self._said_ced = False

    @property
    def is_waiting(self) -> bool:
        """Whether a burst is held back."""
        return self._held is not None

    @property
    def is_confirming(self) -> bool:
        """Whether a beep that follows a voice is held back."""
        return self._held is not None and self._hold_ms == _QUIET_MS

    def take(self, run: ToneRun, *, after_voice: bool, is_machine: bool = False) -> HeardTone | None:
        """Take a tone that has ended; `is_machine`: who answered is known to be one."""
        note_end_ms = self._note_end_ms
        if run.is_network_tone:
            self._note_end_ms = run.end_ms
        self._held = self.suspected = None
        self._runs.append(run)
        if self._said_ced and _is_near(run.hertz, CED_HERTZ):
            return None
        heard = self._information_tones() or self._cadence()
        if heard is not None:
            return heard
        if run.second_hertz or run.wander_hertz > _STEADY_HERTZ or run.wander_db > _STEADY_DB:
            return None
        is_in_tune = note_end_ms is not None and run.start_ms - note_end_ms < _TUNE_MS
        is_alone = run.fade_db < _FADE_DB and run.mean_db > run.before_db and not is_in_tune
        if _is_near(run.hertz, CNG_HERTZ) and not after_voice and abs(run.ms - CNG_ON_MS) <= 40:
            if is_alone:
                self._hold(HeardTone("fax", "cng", run.start_ms, run.end_ms), run, _LONGEST_HOLD_MS)
            return None
        if not _BEEP_MS[0] <= run.ms <= _BEEP_MS[1] or not _BEEP_HERTZ[0] <= run.hertz <= _BEEP_HERTZ[1]:
            return None
        if len(self._runs) > 1 and run.start_ms - self._runs[-2].end_ms < _MELODY_MS:
            return None
        beep = HeardTone("beep", "beep", run.start_ms, run.end_ms)
        if not is_alone and not is_machine:
            return None
        if after_voice and is_machine:
            return beep
        if after_voice:
            self._hold(beep, run, _QUIET_MS)
        elif self._begins_cadence(run) and run.ms >= _RINGBACK_MS:
            self._hold(beep, run, _RINGBACK_HOLD_MS)
        elif self._begins_cadence(run):
            self._hold(beep, run, _LONGEST_HOLD_MS, _CADENCE_QUIET_MS)
        elif is_machine and not self._begins_information(run):
            return beep
        else:
            self._hold(beep, run, _LONGEST_HOLD_MS, _QUIET_MS)
        return None

    def wait(
        self, now_ms: int, *, running_ms: int, running_hertz: float, level_db: float
    ) -> HeardTone | None:
        """Tell what time alone decides: a long 2100 Hz, or a held burst that nothing followed. Called each frame."""
        if running_ms >= _CED_MS and not self._said_ced and _is_near(running_hertz, CED_HERTZ):
            self._said_ced = True
            return HeardTone("fax", "ced", now_ms - running_ms, now_ms)
        held = self._held
        if held is None or running_ms:
            return None
        self._levels.append(level_db)
        waited_ms = now_ms - held.end_ms
        if waited_ms > self._hold_ms:
            self._held = self.suspected = None
            return held if self._is_quiet() else None
        if self._suspect_ms is not None and waited_ms > self._suspect_ms and self._is_quiet():
            self.suspected, self._suspect_ms = held, None
        return None

    def _hold(self, tone: HeardTone, run: ToneRun, hold_ms: int, suspect_ms: int | None = None) -> None:
        self._held, self._hold_ms, self._suspect_ms = tone, hold_ms, suspect_ms
        self._levels = [run.mean_db - _QUIET_DB]

    def _is_quiet(self) -> bool:
        """Whether it has been quieter than the held tone, on average, since its end."""
        return sum(self._levels[1:]) <= self._levels[0] * (len(self._levels) - 1)

    def _cadence(self) -> HeardTone | None:
        if len(self._runs) < 2:
            return None
        first, second = self._runs[-2], self._runs[-1]
        intervals = (first.ms, second.start_ms - first.end_ms, second.ms)
        best: tuple[float, Cadence] | None = None
        for cadence in self._cadences:
            if not (_sounds_like(first, cadence) and _sounds_like(second, cadence)):
                continue
            misfit = _misfit(intervals, cadence.on_off_ms)
            if misfit is not None and (best is None or misfit < best[0] - 0.05):
                best = (misfit, cadence)
        return (
            None if best is None else HeardTone("progress", best[1].progress, first.start_ms, second.end_ms)
        )

    def _begins_cadence(self, run: ToneRun) -> bool:
        return any(
            _sounds_like(run, cadence)
            and any(
                _fits(run.ms, on) and (off <= _LONGEST_HOLD_MS or on >= _RINGBACK_MS)
                for on, off in zip(cadence.on_off_ms[::2], cadence.on_off_ms[1::2], strict=True)
            )
            for cadence in self._cadences
        )

    @staticmethod
    def _begins_information(run: ToneRun) -> bool:
        return _sit_letter(run, 0) is not None

    def _information_tones(self) -> HeardTone | None:
        if len(self._runs) < 3:
            return None
        runs = tuple(self._runs)
        letters = [_sit_letter(run, index) for index, run in enumerate(runs)]
        gaps = (runs[1].start_ms - runs[0].end_ms, runs[2].start_ms - runs[1].end_ms)
        if None in letters or max(gaps) > _SIT_GAP_MS:
            return None
        lengths = ["S" if run.ms < SIT_LONG_MS - 5 else "L" for run in runs]
        code = f"{letters[0]}{letters[1]}/{lengths[0]}{lengths[1]}"
        return HeardTone("sit", SIT_CAUSES.get(code, "sit"), runs[0].start_ms, runs[2].end_ms)


def _is_near(hertz: float, wanted: float) -> bool:
    return abs(hertz - wanted) <= _HERTZ_TOLERANCE


def _fits(ms: int, wanted: int) -> bool:
    return abs(ms - wanted) <= wanted * _MS_SHARE + _MS_TOLERANCE


def _sounds_like(run: ToneRun, cadence: Cadence) -> bool:
    low, high = cadence.hertz[0], cadence.hertz[-1]
    if high - low > _NEAR_HERTZ:
        return _is_near(run.hertz, low) and _is_near(run.second_hertz, high)
    return not run.second_hertz and _is_near(run.hertz, (low + high) / 2)


def _misfit(intervals: tuple[int, int, int], pattern: tuple[int, ...]) -> float | None:
    """Mean relative error of sound, pause, sound against the best place in the pattern; None = does not fit."""
    best: float | None = None
    for start in range(0, len(pattern), 2):
        wanted = [pattern[(start + index) % len(pattern)] for index in range(3)]
        if all(_fits(ms, want) for ms, want in zip(intervals, wanted, strict=True)):
            misfit = sum(abs(ms - want) / want for ms, want in zip(intervals, wanted, strict=True)) / 3
            best = misfit if best is None else min(best, misfit)
    return best


def _sit_letter(run: ToneRun, index: int) -> str | None:
    """L(ow), I(TU) or H(igh) for the place of this tone in the three; None = is none of them."""
    if run.second_hertz or not _SIT_MS[0] <= run.ms <= _SIT_MS[1]:
        return None
    wanted = SIT_HERTZ[index]
    nearest = min(range(len(wanted)), key=lambda place: abs(run.hertz - wanted[place]))
    if abs(run.hertz - wanted[nearest]) > _HERTZ_TOLERANCE:
        return None
    return "LIH"[nearest] if len(wanted) == 3 else "-"
