"""What the classifier says of talk, tones and silence; its figures on real voices are tests/bench/amd's business."""

from importlib.resources import files

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dialer.media.answer.classifier import AnswerClassifier
from dialer.media.answer.model import AnswerModel, Forest, ModelFile
from dialer.media.answer.spectrum import FRAME_SAMPLES
from dialer.media.answer.verdict import (
    AnswerVerdict,
    BeepEnd,
    DismissedBeep,
    GreetingEnd,
    Heard,
    SuspectedBeep,
)
from tests.dialer.media.answer.sounds import Part, coded, pause, talk, tones

BEEP = 0.2 * np.sin(2 * np.pi * 1000 * np.arange(3_200) / 8_000)


def hear(
    samples: NDArray[np.int16], *, is_early: bool = False, model: AnswerModel | None = None
) -> list[Heard]:
    classifier = AnswerClassifier(1, model)
    slot = classifier.open(is_early=is_early)
    assert slot is not None
    told: list[Heard] = []
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        told += [
            heard
            for _, heard in classifier.take(np.array([slot]), samples[None, start : start + FRAME_SAMPLES])
        ]
    return told


def model_with(late_odds: float | None = None, **thresholds: float) -> AnswerModel:
    """Give the model with other thresholds, and with late trees that always say the same, if asked."""
    data = files("dialer.media.answer").joinpath("model.json").read_bytes()
    file = msgspec.json.decode(data, type=ModelFile)
    if late_odds is not None:
        always = Forest(base=late_odds, features=[[0] * 7], thresholds=[[0.0] * 7], values=[[0.0] * 8])
        file = msgspec.structs.replace(file, late_trees=always)
    limits = msgspec.structs.replace(file.thresholds, **thresholds)
    return AnswerModel(msgspec.structs.replace(file, thresholds=limits))


def verdicts(told: list[Heard]) -> list[AnswerVerdict]:
    return [heard for heard in told if isinstance(heard, AnswerVerdict)]


def with_noise(signal: NDArray[np.float64], dbfs: float = -55.0) -> NDArray[np.int16]:
    return coded(signal + np.random.default_rng(3).standard_normal(len(signal)) * 10 ** (dbfs / 20))


def test_a_word_and_silence_is_a_person() -> None:
    (verdict,) = verdicts(hear(with_noise(np.concatenate([pause(600), talk([600]), pause(3000)]))))
    assert verdict.answered_by == "human"
    assert verdict.speech_start_ms == pytest.approx(600, abs=100)
    assert verdict.greeting_end_ms == pytest.approx(1200, abs=150)
    assert verdict.verdict_ms - 1200 < 1500


@pytest.mark.parametrize(
    ("quick_human", "quick_doubt", "waits_frames"), [(0.0, 1.0, 36), (2.0, 1.0, 60), (0.0, -1.0, 60)]
)
def test_a_person_is_believed_at_the_quick_look_or_not_before_the_slow_one(
    quick_human: float, quick_doubt: float, waits_frames: int
) -> None:
    model = model_with(
        quick_human=quick_human,
        quick_doubt=quick_doubt,
        quick_silence_frames=36,
        slow_human=0.0,
        slow_silence_frames=60,
        machine=2.0,
    )
    (verdict,) = verdicts(
        hear(with_noise(np.concatenate([pause(600), talk([600]), pause(3000)])), model=model)
    )
    assert verdict.answered_by == "human"
    assert verdict.greeting_end_ms is not None
    waited_frames = (verdict.verdict_ms - verdict.greeting_end_ms) // 20
    assert waited_frames == waits_frames


def test_nobody_is_believed_while_the_beep_sounds() -> None:
    model = model_with(quick_human=0.0, quick_silence_frames=36, slow_human=0.0, slow_silence_frames=60)
    beep = 0.2 * np.sin(2 * np.pi * 1000 * np.arange(5_600) / 8_000)
    told = hear(
        with_noise(np.concatenate([pause(600), talk([800]), pause(450), beep, pause(2000)])), model=model
    )
    assert [(verdict.answered_by, verdict.cause) for verdict in verdicts(told)] == [("machine", "beep")]


def test_two_seconds_of_silence_without_a_decision_are_enough() -> None:
    model = model_with(
        quick_human=2.0, slow_human=2.0, machine=2.0, late_machine=2.0, late_silent_machine=2.0
    )
    (verdict,) = verdicts(
        hear(with_noise(np.concatenate([pause(600), talk([600]), pause(3000)])), model=model)
    )
    assert verdict.answered_by == "unsure"
    assert verdict.greeting_end_ms is not None
    assert 2_000 <= verdict.verdict_ms - verdict.greeting_end_ms < 2_100


@pytest.mark.parametrize(("words", "said"), [(4, "unsure"), (9, "machine")])
def test_who_is_silent_after_seven_seconds_is_judged_more_mildly_than_who_still_talks(
    words: int, said: str
) -> None:
    model = model_with(
        quick_human=2.0, slow_human=2.0, machine=2.0, late_machine=0.0, late_silent_machine=2.0
    )
    told = verdicts(
        hear(with_noise(np.concatenate([pause(600), talk([900, 200] * words), pause(6000)])), model=model)
    )
    assert told[0].answered_by == said  # a machine that then waits is `screening`


@pytest.mark.parametrize(("late_odds", "said"), [(5.0, ["unsure", "machine"]), (-5.0, ["unsure"])])
def test_trees_of_their_own_judge_a_silence_after_seven_seconds(late_odds: float, said: list[str]) -> None:
    model = model_with(
        late_odds, quick_human=2.0, slow_human=2.0, machine=2.0, late_machine=2.0, late_silent_machine=0.9
    )
    told = verdicts(hear(with_noise(np.concatenate([pause(600), talk([900]), pause(8000)])), model=model))
    assert [verdict.answered_by for verdict in told][: len(said)] == said
    assert len(told) >= len(said)
    assert "machine" in said or len(told) == 1
    if "machine" in said:
        assert told[1].speech_start_ms is not None
        assert 7_000 <= told[1].verdict_ms - told[1].speech_start_ms <= 7_100


def test_the_clock_starts_at_speech_and_not_at_the_answer() -> None:
    late = verdicts(hear(with_noise(np.concatenate([pause(3500), talk([600]), pause(3000)]))))
    assert [verdict.answered_by for verdict in late] == ["human"]


def test_long_talk_is_a_machine_whose_end_and_beep_are_told() -> None:
    signal = np.concatenate([pause(500), talk([900, 200] * 7 + [850]), pause(1900), BEEP, pause(1500)])
    # the buzz of the test is less of a greeting than real ones are: what is tested is what follows the verdict
    verdict, end, beep = hear(with_noise(signal), model=model_with(machine=0.8))
    assert isinstance(verdict, AnswerVerdict)
    assert verdict.answered_by == "machine"
    assert isinstance(end, GreetingEnd)
    assert end.end_ms == pytest.approx(9050, abs=200)
    assert isinstance(beep, BeepEnd)
    beep_end_ms = 9050 + 1900 + 400
    assert beep.end_ms == pytest.approx(beep_end_ms, abs=60)
    assert beep.heard_ms - beep_end_ms <= 200


def test_a_beep_with_no_word_before_it_is_a_machine() -> None:
    suspected, end, verdict = hear(with_noise(np.concatenate([pause(900), BEEP, pause(1500)])))
    assert isinstance(suspected, SuspectedBeep)
    assert suspected.end_ms == pytest.approx(1300, abs=60)
    assert suspected.heard_ms - 1300 <= 340  # a message may begin, on trial
    assert isinstance(end, BeepEnd)
    assert (end.end_ms, isinstance(verdict, AnswerVerdict) and verdict.cause) == (suspected.end_ms, "beep")
    assert end.heard_ms - 1300 > 900


def test_a_beep_that_sounds_like_the_first_burst_of_busy_is_suspected_after_its_pause() -> None:
    beep = 0.14 * np.sin(2 * np.pi * 425 * np.arange(2_800) / 8_000)
    suspected = hear(with_noise(np.concatenate([pause(900), beep, pause(1500)])))[0]
    assert isinstance(suspected, SuspectedBeep)
    assert 350 < suspected.heard_ms - 1250 < 500


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("a voice", [pause(400), talk([600])]),
        ("another note", [pause(500), 0.2 * np.sin(2 * np.pi * 700 * np.arange(2_400) / 8_000)]),
        ("what is as loud", [pause(330), 0.3 * np.random.default_rng(1).standard_normal(6_000)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_suspected_beep_is_dismissed_by_what_follows_it(
    name: str, after: list[NDArray[np.float64]]
) -> None:
    told = hear(with_noise(np.concatenate([pause(900), BEEP, *after, pause(1500)])))
    assert [type(heard) for heard in told[:2]] == [SuspectedBeep, DismissedBeep], name
    assert not [heard for heard in told if isinstance(heard, BeepEnd)]
    assert {verdict.answered_by for verdict in verdicts(told)} <= {"human", "silence", "unsure"}


@pytest.mark.parametrize("hertz", [425.0, 440.0])
def test_what_may_be_a_ringback_is_not_suspected(hertz: float) -> None:
    ring = 0.14 * np.sin(2 * np.pi * hertz * np.arange(8_000) / 8_000)
    told = hear(with_noise(np.concatenate([pause(900), ring, pause(3000)])))
    assert not [heard for heard in told if isinstance(heard, SuspectedBeep)]


@pytest.mark.parametrize(
    "parts",
    [
        [((425.0,), 350), ((), 350)] * 4,
        [((425.0,), 175), ((), 175)] * 4,
        [((950.0,), 330), ((1400.0,), 330), ((1800.0,), 330)],
    ],
)
def test_no_message_begins_to_a_tone_of_russias_network(parts: list[Part]) -> None:
    assert [type(heard) for heard in hear(tones(parts))] == [AnswerVerdict]


def test_nothing_is_suspected_in_early_media() -> None:
    assert hear(with_noise(np.concatenate([pause(900), BEEP, pause(1500)])), is_early=True) == []


def tune(notes: int, gap_ms: int, *, seed: int = 4) -> NDArray[np.float64]:
    """Even notes of a scale, each with all that a beep has."""
    rng = np.random.default_rng(seed)
    parts = []
    for hertz in rng.permutation([523, 587, 659, 698, 784, 880, 988, 1047])[:notes]:
        parts += [0.2 * np.sin(2 * np.pi * hertz * np.arange(2_400) / 8_000), pause(gap_ms)]
    return np.concatenate(parts)


@pytest.mark.parametrize("gap_ms", [0, 100, 300, 600])
@pytest.mark.parametrize("lead_ms", [0, 500])
def test_a_tune_is_no_machine(gap_ms: int, lead_ms: int) -> None:
    told = hear(with_noise(np.concatenate([pause(lead_ms), tune(8, gap_ms), pause(2000)]), -50))
    assert {verdict.answered_by for verdict in verdicts(told)} <= {"music", "silence", "unsure"}
    assert [heard for heard in told if isinstance(heard, BeepEnd)] == []


@pytest.mark.parametrize("notes", [1, 3])
def test_who_speaks_after_the_end_of_a_tune_is_a_person(notes: int) -> None:
    """A ring-back tune that is still heard after the answer."""
    signal = np.concatenate([pause(100), tune(notes, 50), pause(200), talk([600]), pause(3000)])
    assert [verdict.answered_by for verdict in verdicts(hear(with_noise(signal)))] == ["human"]


def test_silence_is_said_and_is_no_person() -> None:
    assert [v.answered_by for v in verdicts(hear(with_noise(pause(6000))))] == ["silence"]


def test_after_silence_a_person_may_still_speak() -> None:
    signal = np.concatenate([pause(5000), talk([600]), pause(2000)])
    assert [v.answered_by for v in verdicts(hear(with_noise(signal)))] == ["silence", "human"]


def test_a_crackle_is_no_word() -> None:
    signal = pause(6000)
    signal[16_000:16_020] = 0.8
    assert [v.answered_by for v in verdicts(hear(with_noise(signal)))] == ["silence"]


def test_busy_after_the_answer_is_a_tone() -> None:
    (verdict,) = verdicts(hear(tones([((425.0,), 350), ((), 350)] * 4)))
    assert (verdict.answered_by, verdict.cause) == ("tone", "busy")


@pytest.mark.parametrize("seed", [0, 16, 18])
@pytest.mark.parametrize(
    ("cause", "hertz", "on_ms", "off_ms"), [("ringback", 440.0, 1_500, 3_500), ("busy", 425.0, 350, 350)]
)
def test_the_noise_of_a_new_line_before_a_tone_is_no_voice(
    cause: str, hertz: float, on_ms: int, off_ms: int, seed: int
) -> None:
    """At 10 dB, before the detector knows the line's noise; with these seeds it took some of it for a word."""
    tone = 0.14 * np.sin(2 * np.pi * hertz * np.arange(on_ms * 8) / 8_000)
    signal = np.concatenate([pause(700), tone, pause(off_ms), tone, pause(500)])
    noise = np.random.default_rng(seed).standard_normal(len(signal)) * 0.0316
    final = [
        told
        for told in verdicts(hear(coded(signal + noise)))
        if told.answered_by not in {"silence", "unsure"}
    ]
    assert [verdict.cause for verdict in final] == [cause]


def test_a_voice_in_noise_before_a_beep_is_a_voice() -> None:
    """The beep sounds like the first burst of busy, which after a voice it cannot be."""
    beep = 0.14 * np.sin(2 * np.pi * 425 * np.arange(2_800) / 8_000)
    told = hear(with_noise(np.concatenate([pause(400), talk([1500]), pause(300), beep, pause(800)]), -36))
    ends = [heard for heard in told if isinstance(heard, BeepEnd)]
    assert [end.end_ms for end in ends] == [pytest.approx(2550, abs=60)]
    assert ends[0].heard_ms - ends[0].end_ms <= 340


def test_early_media_tells_of_tones_only() -> None:
    speech = with_noise(np.concatenate([talk([600]), pause(3000), BEEP, pause(3000)]))
    assert hear(speech, is_early=True) == []
    sit = tones([((950.0,), 330), ((1400.0,), 330), ((1800.0,), 330)])
    assert [verdict.cause for verdict in verdicts(hear(sit, is_early=True))] == ["sit"]


def test_calls_heard_together_do_not_disturb_each_other() -> None:
    person = with_noise(np.concatenate([pause(600), talk([600]), pause(3000)]))
    busy = tones([((425.0,), 350), ((), 350)] * 4)[: len(person)]
    alone = [verdicts(hear(person)), verdicts(hear(busy))]
    classifier = AnswerClassifier(4)
    slots = [classifier.open(), classifier.open()]
    together: list[list[AnswerVerdict]] = [[], []]
    both = np.stack([person, busy[: len(person)]])
    for start in range(0, len(busy) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        for slot, heard in classifier.take(np.array(slots), both[:, start : start + FRAME_SAMPLES]):
            if isinstance(heard, AnswerVerdict):
                together[slots.index(slot)].append(heard)
    assert together == alone


def test_a_full_classifier_takes_no_call_until_one_is_closed() -> None:
    classifier = AnswerClassifier(1)
    first = classifier.open()
    assert first is not None
    assert classifier.open() is None
    classifier.close(first)
    classifier.close(first)
    assert classifier.open() == first
    assert classifier.open() is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 30, 300, 3_000, 32_000]))
def test_whatever_is_heard_there_is_at_most_one_final_verdict(seed: int, loudness: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 2, 400).repeat(FRAME_SAMPLES) * rng.integers(
        -loudness, loudness + 1, 400 * FRAME_SAMPLES
    )
    told = hear(blocks.astype(np.int16))
    said = verdicts(told)
    final = [v for v in said if v.answered_by not in {"silence", "unsure", "screening"}]
    assert len(final) <= 1
    assert all(0 <= v.confidence <= 1 and v.verdict_ms > 0 for v in said)
    trials = [type(heard) for heard in told if isinstance(heard, SuspectedBeep | DismissedBeep)]
    assert trials[::2] == [SuspectedBeep] * len(trials[::2])
    assert trials[1::2] == [DismissedBeep] * len(trials[1::2])
