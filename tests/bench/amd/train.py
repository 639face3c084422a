"""
Trains the answer classifier and writes dialer/media/answer/model.json; its card is docs/answer_model.md.

    python -m tests.bench.amd.train [--clips 6000] [--seed 1] [--voices dev|many] [--cross-validate] [--check]

Only voices of the split "dev" are heard (tests/bench/amd/voices.py), or with `--voices many` of that one, over noisier lines (docs/adr/0034: not what ships). With --cross-validate each source or language is left
out once and judged by trees that have not heard it. The same arguments on the same machine give the same file. It stands
beside the benchmark, because both build the same clips. It takes about three minutes of one core.
"""

import argparse
import hashlib
import math
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from dialer.media.answer.model import DEPTH, AnswerModel, Forest, ModelFile, Thresholds
from dialer.media.answer.spectrum import FRAME_MS, FRAME_SAMPLES, Floats, analyse
from dialer.media.answer.timing import NAMES, Timing
from dialer.media.answer.tone_runs import ToneRuns
from dialer.media.answer.voice_activity import FEATURES, VoiceActivity
from tests.bench.amd.corpus import Clip, build_clip, build_music
from tests.bench.amd.language import Split
from tests.bench.amd.voices import ROOT, fetch_sounds

MODEL: Final = ROOT / "dialer/media/answer/model.json"
MUSIC_SHARE: Final = 20
"""One clip of music for so many calls; only the network that tells speech hears them."""
HIDDEN: Final = 64
ROUNDS: Final = 16
NETWORK_FRAMES: Final = 1_500_000
ASKS_AGAIN_FRAMES: Final = 85
"""In the corpus nobody asks again sooner than after 1.8 s."""
TREES: Final = 120
LEAF_ROWS: Final = 600
"""Moments a leaf must hold; with 240 trees and 200 of them the order of the surest people was that of chance."""
LATE_TREES: Final = 60
LATE_LEAF_ROWS: Final = 200
LATE_SILENCE_FRAMES: Final = 34
LATE_FRAMES: Final = 300
"""The trees for silences after seven seconds learn from six on, as there are few."""
_BEEP_FRAMES: Final = 10
"""Before a beep's end: beeps last 150 ms and more."""
MONOTONIC: Final = {"span": 1, "voiced": 1, "silence": -1}
"""More talk cannot make a machine less likely, more silence cannot make it more likely, whatever the sample says."""
THRESHOLDS: Final = Thresholds(
    machine=0.997,
    late_machine=0.75,
    late_silent_machine=0.5,
    quick_human=0.942,
    quick_doubt=0.2,
    quick_silence_frames=36,
    slow_human=0.68,
    slow_silence_frames=61,
)
"""Chosen by tests/bench/amd/choose.py on development voices that the judging models had not heard (docs/answer_model.md)."""


class Heard(msgspec.Struct, frozen=True):
    """What the front end makes of clips: the frames of all, one clip after the other."""

    clips: list[Clip]
    frames: NDArray[np.intp]
    """Of each clip."""
    starts: NDArray[np.intp]
    features: Floats
    level_db: Floats
    purity: Floats
    steady: NDArray[np.bool_]


def listen(clips: Sequence[Clip]) -> Heard:
    """Run the product's own front end over all clips at once."""
    frames = np.array([len(clip.samples) // FRAME_SAMPLES for clip in clips])
    starts, total = np.cumsum(frames) - frames, int(frames.sum())
    voice, runs = VoiceActivity(len(clips)), ToneRuns(len(clips))
    for row in range(len(clips)):
        voice.restart(row)
        runs.restart(row)
    samples = np.concatenate(
        [clip.samples[: count * FRAME_SAMPLES] for clip, count in zip(clips, frames, strict=True)]
    ).reshape(-1, FRAME_SAMPLES)
    features = np.zeros((total, FEATURES), np.float32)
    level_db, purity, steady = np.zeros(total, np.float32), np.zeros(total, np.float32), np.zeros(total, bool)
    for frame in range(int(frames.max())):
        slots = np.flatnonzero(frames > frame)
        at = starts[slots] + frame
        last = samples[at - 1] if frame else np.zeros_like(samples[at])
        spectrum = analyse(np.concatenate([last, samples[at]], axis=1))
        runs.take(slots, spectrum)
        features[at] = voice.features(slots, samples[at], spectrum)
        level_db[at], purity[at] = spectrum.level_db, spectrum.purity
        steady[at] = runs.is_steady(slots)
    return Heard(list(clips), frames, starts, features, level_db, purity, steady)


def fit_network(heard: Heard) -> MLPClassifier:
    """Learn from frames whose truth is known: not from a person who asks again, whom the corpus does not mark."""
    of_clip = np.repeat(np.arange(len(heard.clips)), heard.frames)
    frame = np.arange(len(of_clip)) - heard.starts[of_clip]
    ends = [
        (clip.greeting_end_ms or 0) // FRAME_MS if clip.label == "human" else math.inf for clip in heard.clips
    ]
    known = np.flatnonzero((frame < np.array(ends)[of_clip] + ASKS_AGAIN_FRAMES) & ~heard.steady)
    chosen = np.random.default_rng(0).permutation(known)[:NETWORK_FRAMES]
    speech = np.concatenate(
        [clip.speech[:count] for clip, count in zip(heard.clips, heard.frames, strict=True)]
    )
    network = MLPClassifier((HIDDEN,), max_iter=ROUNDS, random_state=0, batch_size=512)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many rounds are enough, and always the same
        return network.fit(heard.features[chosen], speech[chosen])


def rhythms(heard: Heard, model: AnswerModel, every: int = 3) -> NDArray[np.float32]:
    """Give rows of (clip, frame, timing.NAMES...) from the onset on."""
    timing = Timing(len(heard.clips))
    for row in range(len(heard.clips)):
        timing.restart(row)
    speech = model.speech_probability(heard.features)
    speech[heard.steady] = 0.0
    parts = []
    for frame in range(int(heard.frames.max())):
        slots = np.flatnonzero(heard.frames > frame)
        at = heard.starts[slots] + frame
        timing.take(slots, speech[at], heard.level_db[at], heard.purity[at])
        begun = slots[timing.onset[slots] >= 0]
        if (frame + 1) % every == 0 and len(begun):
            head = np.stack([begun, np.full(len(begun), frame)], axis=1)
            parts.append(np.concatenate([head, timing.features(begun)], axis=1, dtype=np.float32))
    return np.concatenate(parts)


def fit_trees(
    rows: NDArray[np.float32], clips: Sequence[Clip], without: str | None = None
) -> HistGradientBoostingClassifier:
    """Learn P(machine) at every moment until 2 s after the talk, or its eighth second."""
    of_clip = rows[:, 0].astype(int)
    silence, span = rows[:, 2 + NAMES.index("silence")], rows[:, 2 + NAMES.index("span")]
    groups = np.array([clip.group for clip in clips])
    kept = (silence <= 100) & (span <= 400) & (groups[of_clip] != without)
    return _grown(rows[kept], clips, TREES, LEAF_ROWS)


def fit_late_trees(rows: NDArray[np.float32], clips: Sequence[Clip]) -> HistGradientBoostingClassifier:
    """Learn the same of a silence late in the call, of what has not beeped yet: a beep tells a machine by itself."""
    beeps = np.array(
        [
            math.inf if clip.beep_end_ms is None else clip.beep_end_ms / FRAME_MS - _BEEP_FRAMES
            for clip in clips
        ]
    )
    frame, onset = rows[:, 1], rows[:, 2 + NAMES.index("onset")]
    is_silent = rows[:, 2 + NAMES.index("silence")] >= LATE_SILENCE_FRAMES
    kept = is_silent & (frame - onset >= LATE_FRAMES) & (frame < beeps[rows[:, 0].astype(int)])
    return _grown(rows[kept], clips, LATE_TREES, LATE_LEAF_ROWS)


def _grown(
    rows: NDArray[np.float32], clips: Sequence[Clip], trees: int, leaf_rows: int
) -> HistGradientBoostingClassifier:
    of_clip = rows[:, 0].astype(int)
    labels = np.array([clip.label == "machine" for clip in clips])
    weights = 1 / np.sqrt(np.bincount(of_clip, minlength=len(clips))[of_clip])
    grower = HistGradientBoostingClassifier(
        max_iter=trees,
        max_depth=DEPTH,
        learning_rate=0.1,
        min_samples_leaf=leaf_rows,
        monotonic_cst=[MONOTONIC.get(name, 0) for name in NAMES],
        random_state=0,
        early_stopping=False,
    )
    return grower.fit(rows[:, 2:], labels[of_clip], sample_weight=weights)


def model_file(
    network: MLPClassifier,
    trees: HistGradientBoostingClassifier | None,
    late_trees: HistGradientBoostingClassifier | None,
    *,
    thresholds: Thresholds,
) -> ModelFile:
    return ModelFile(
        feature_names=list(NAMES),
        thresholds=thresholds,
        hidden_weights=_rounded(network.coefs_[0]),
        hidden_bias=_rounded(network.intercepts_[0]),
        output_weights=_rounded(network.coefs_[1][:, 0]),
        output_bias=round(float(network.intercepts_[1][0]), 5),
        trees=_forest(trees),
        late_trees=_forest(late_trees),
    )


def _forest(trees: HistGradientBoostingClassifier | None) -> Forest:
    full = [] if trees is None else [_full_tree(predictor[0].nodes) for predictor in trees._predictors]
    return Forest(
        base=0.0 if trees is None else round(float(trees._baseline_prediction[0, 0]), 5),
        features=[tree[0] for tree in full],
        thresholds=[tree[1] for tree in full],
        values=[tree[2] for tree in full],
    )


def _rounded(numbers: NDArray[np.float64]) -> Any:
    return np.round(numbers, 5).tolist()


def _full_tree(nodes: Any) -> tuple[list[int], list[float], list[float]]:
    """Lay a grown tree out as a full one: a leaf that came early is repeated below."""
    inner, leaves = 2**DEPTH - 1, 2**DEPTH
    features, thresholds, values = [0] * inner, [0.0] * inner, [0.0] * leaves

    def fill(place: int, node: int) -> None:
        if place >= inner:
            values[place - inner] = round(float(nodes[node]["value"]), 5)
            return
        leaf = bool(nodes[node]["is_leaf"])
        if not leaf:
            features[place] = int(nodes[node]["feature_idx"])
            thresholds[place] = round(float(nodes[node]["num_threshold"]), 5)
        fill(2 * place + 1, node if leaf else int(nodes[node]["left"]))
        fill(2 * place + 2, node if leaf else int(nodes[node]["right"]))

    fill(0, 0)
    return features, thresholds, values


def cross_validate(rows: NDArray[np.float32], clips: Sequence[Clip]) -> None:
    """Print, per group left out, how well P(machine) orders its moments (area under the curve; 0.5 = chance)."""
    of_clip = rows[:, 0].astype(int)
    groups = np.array([clip.group for clip in clips])
    labels = np.array([clip.label == "machine" for clip in clips])
    for group in sorted(set(groups)):
        held_out = rows[groups[of_clip] == group]
        trees = fit_trees(rows, clips, without=group)
        probability = trees.predict_proba(held_out[:, 2:])[:, 1]
        area = roc_auc_score(labels[held_out[:, 0].astype(int)], probability)
        print(f"without {group:16} area under the curve {area:.4f}")


def train(
    clips: Sequence[Clip], tunes: Sequence[Clip], *, with_cross_validation: bool = False
) -> tuple[MLPClassifier, HistGradientBoostingClassifier, HistGradientBoostingClassifier]:
    """Learn from calls, and from music, which only the network hears: the network, the trees, those for late silences."""
    heard = listen([*clips, *tunes])
    network = fit_network(heard)
    rows = rhythms(heard, AnswerModel(model_file(network, None, None, thresholds=THRESHOLDS)))
    rows = rows[rows[:, 0] < len(clips)]
    if with_cross_validation:
        cross_validate(rows, clips)
    return network, fit_trees(rows, clips), fit_late_trees(rows, clips)


def digest(clips: Sequence[Clip]) -> str:
    """Give the SHA-256 of all samples and their truth, so that a rebuild can tell other sounds from another training."""
    total = hashlib.sha256()
    for clip in clips:
        total.update(f"{clip.name} {clip.voice} {clip.greeting_end_ms}".encode())
        total.update(clip.samples.astype("<i2").tobytes())
        total.update(clip.speech.tobytes())
    return total.hexdigest()


def main(clip_count: int, seed: int, split: Split, *, with_cross_validation: bool, is_check: bool) -> int:
    fetch_sounds()
    clips = [build_clip(split, index, seed, is_training=split == "many") for index in range(clip_count)]
    tunes = [build_music("dev", index, seed) for index in range(clip_count // MUSIC_SHARE)]
    print(f"sounds of {clip_count} clips: sha256 {digest([*clips, *tunes])}")
    learnt = train(clips, tunes, with_cross_validation=with_cross_validation)
    made = msgspec.json.encode(model_file(*learnt, thresholds=THRESHOLDS)) + b"\n"
    print(f"{MODEL.relative_to(ROOT)}: {len(made)} bytes, sha256 {hashlib.sha256(made).hexdigest()}")
    if not is_check:
        MODEL.write_bytes(made)
        return 0
    is_same = made == MODEL.read_bytes()
    print("the same file, bit for bit" if is_same else "ANOTHER file than the one that is there")
    return 0 if is_same else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--voices", choices=["dev", "many"], default="dev")
    parser.add_argument("--cross-validate", action="store_true")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; say whether the file that is there comes out"
    )
    options = parser.parse_args()
    with threadpool_limits(1):  # sums in another order would be another file
        sys.exit(
            main(
                options.clips,
                options.seed,
                options.voices,
                with_cross_validation=options.cross_validate,
                is_check=options.check,
            )
        )
