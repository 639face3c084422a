"""That model.json is what its script makes: here on a few clips of synthetic talk; `train.py --check` does it with the voices."""

import hashlib
import random
import re
from importlib.resources import files
from typing import get_args

import msgspec
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from dialer.media.answer.model import AnswerModel, ModelFile
from tests.bench.amd import train as script
from tests.bench.amd.channel import Noise, draw_line, draw_training_line, noise_like
from tests.bench.amd.corpus import Clip, Label
from tests.bench.amd.many_voices import READERS, VOICES_PER_LANGUAGE, drawn_voices, fold_of
from tests.bench.amd.many_voices import VARIANTS as MANY_VARIANTS
from tests.bench.amd.phrases import LANGUAGES, VARIANTS
from tests.bench.amd.train import (
    HIDDEN,
    LATE_TREES,
    THRESHOLDS,
    TREES,
    digest,
    listen,
    model_file,
    rhythms,
    train,
)
from tests.bench.amd.voices import ROOT
from tests.dialer.media.answer.sounds import coded, pause, talk

SHIPPED = files("dialer.media.answer").joinpath("model.json").read_bytes()


def clip(index: int) -> Clip:
    """A word and silence, or talk for 2.5 s."""
    label: Label = "machine" if index % 2 else "human"
    said_ms = 2_500 + 40 * index if index % 2 else 400 + 40 * index
    sound = np.concatenate([pause(400), talk([said_ms], seed=index), pause(8_000)])
    noise = np.random.default_rng(index).standard_normal(len(sound)) * 0.001
    samples = coded(sound + noise)
    frame = np.arange(len(samples) // 160)
    return Clip(
        name=f"talk-{index}",
        label=label,
        kind="talk",
        voice="synthetic",
        group="synthetic",
        line=draw_line(random.Random(index)),
        samples=samples,
        speech=(frame >= 20) & (frame < 20 + said_ms // 20),
        speech_start_ms=400,
        greeting_end_ms=400 + said_ms,
    )


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return [clip(index) for index in range(8)]


def test_the_same_clips_make_the_same_file_and_it_says_what_the_trees_say(
    clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "ROUNDS", 3)
    monkeypatch.setattr(script, "TREES", 5)
    monkeypatch.setattr(script, "LEAF_ROWS", 40)
    monkeypatch.setattr(script, "LATE_TREES", 4)
    monkeypatch.setattr(script, "LATE_LEAF_ROWS", 20)
    with threadpool_limits(1):
        once = msgspec.json.encode(model_file(*train(clips, []), thresholds=THRESHOLDS))
        network, trees, late_trees = train(clips, [])
        model = AnswerModel(msgspec.json.decode(once, type=ModelFile))
        heard = listen(clips)
        rows = rhythms(heard, model)
        said = model.machine_probability(rows[:, 2:])
        assert said == pytest.approx(trees.predict_proba(rows[:, 2:])[:, 1], abs=1e-3)
        late = model.late_machine_probability(rows[:, 2:])
        assert late == pytest.approx(late_trees.predict_proba(rows[:, 2:])[:, 1], abs=1e-3)
        voiced = model.speech_probability(heard.features)
        assert voiced == pytest.approx(network.predict_proba(heard.features)[:, 1], abs=1e-3)
    assert once == msgspec.json.encode(model_file(network, trees, late_trees, thresholds=THRESHOLDS))
    assert said.max() - said.min() > 0.3, "these trees tell nothing apart"


def test_the_digest_tells_other_sounds(clips: list[Clip]) -> None:
    other = msgspec.structs.replace(clips[0], samples=clips[0].samples + np.int16(1))
    assert digest(clips) == digest(list(clips))
    assert digest(clips) != digest([other, *clips[1:]])


def test_the_shipped_file_is_the_one_of_the_card_and_of_the_script() -> None:
    card = (ROOT / "docs/answer_model.md").read_text()
    assert re.findall(r"`model\.json` ([0-9a-f]{64})", card) == [hashlib.sha256(SHIPPED).hexdigest()]
    file = msgspec.json.decode(SHIPPED, type=ModelFile)
    assert file.thresholds == THRESHOLDS
    grown = [len(forest.values) for forest in (file.trees, file.late_trees)]
    assert [len(file.hidden_bias), *grown] == [HIDDEN, TREES, LATE_TREES]


def test_a_language_and_a_variant_stand_in_one_split_only() -> None:
    readers = [voice for voices in READERS.values() for voice in dict.fromkeys(voices)]
    languages = [language.voice for language in LANGUAGES if language.split != "dev"]
    splits = [*(names for split, names in VARIANTS.items() if split != "dev"), *MANY_VARIANTS]
    variants = [variant for of_split in splits for variant in of_split]
    assert len({*readers, *languages}) == len(readers) + len(languages)
    assert len(set(variants)) == len(variants)
    assert not set(VARIANTS["dev"]) & {
        name for split, names in VARIANTS.items() if split != "dev" for name in names
    }
    assert set(READERS) == {language.voice for language in LANGUAGES if language.split == "dev"}


def test_a_fold_shares_no_voice_with_another_and_its_draw_is_the_same_each_time() -> None:
    voices: dict[int, set[str]] = {}
    for language in READERS:
        drawn = drawn_voices(language)
        assert drawn == drawn_voices(language)
        assert len(set(drawn)) == VOICES_PER_LANGUAGE
        fold = fold_of(f"espeak-{language}")
        voices.setdefault(fold, set()).update(
            f"{kind} {name}" for pair in drawn for kind, name in zip(("reads", "sounds"), pair, strict=True)
        )
    assert not voices[0] & voices[1]
    assert not voices[0] & voices[2]
    assert not voices[1] & voices[2]


def test_a_line_to_learn_from_is_never_louder_than_its_voice() -> None:
    lines = [draw_training_line(random.Random(seed), is_noisy=seed % 2 == 0) for seed in range(400)]
    levels = [(line.level_dbfs, line.noise_dbfs) for line in lines if line.noise_dbfs is not None]
    assert all(-60 <= noise <= min(level, -30) for level, noise in levels)
    assert 200 < len(levels) < 400
    assert {line.noise for line in lines} == set(get_args(Noise))
    assert all(line.noise_dbfs is not None for line in lines[::2])


@pytest.mark.parametrize("kind", ["pink", "brown", "hum", "street", "white"])
def test_noise_is_as_long_as_the_call_and_another_with_another_seed(kind: Noise) -> None:
    none = np.zeros(8_000, np.float32)
    one, same, other = (noise_like(kind, 8_000, none, random.Random(seed)) for seed in (1, 1, 2))
    assert one.shape == (8_000,)
    assert (one == same).all()
    assert not (one == other).all()
