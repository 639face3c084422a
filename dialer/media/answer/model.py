"""
The trained numbers (`model.json`) and their use in numpy: a network of one hidden layer that tells speech from noise, and
trees of depth three that tell a machine's rhythm from a person's.

`tests/bench/amd/train.py` writes the file; `docs/answer_model.md` is its card.
"""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np

from dialer.media.answer.spectrum import Floats
from dialer.media.answer.timing import NAMES
from dialer.media.answer.voice_activity import FEATURES

DEPTH: Final = 3
_BLOCK: Final = 16
"""Calls at once: larger arrays than 128 kB are slow to get, as in spectrum.py."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Where the model's probability becomes a verdict; chosen on the development voices."""

    machine: float
    """P(machine) from which a machine is said."""
    late_machine: float
    """The same after seven seconds while somebody talks: a person would have waited for us long ago."""
    late_silent_machine: float
    """The same after seven seconds in a silence: a person who said a long sentence is waiting for us just then."""
    quick_human: float
    """P(human) from which a person is believed after just `quick_silence_frames` of silence."""
    quick_doubt: float
    """And only with so little speech probability in that silence: in noise its beginning is heard late, and the person has waited longer."""
    quick_silence_frames: int
    slow_human: float
    """The same from `slow_silence_frames` on; between the two nobody is believed, since a recorded hello goes on there."""
    slow_silence_frames: int


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """`model.json`."""

    feature_names: list[str]
    thresholds: Thresholds
    hidden_weights: list[list[float]]
    hidden_bias: list[float]
    output_weights: list[float]
    output_bias: float
    tree_base: float
    tree_features: list[list[int]]
    """Of the 7 inner nodes of each tree, breadth first."""
    tree_thresholds: list[list[float]]
    """Greater goes right."""
    tree_values: list[list[float]]
    """Of the 8 leaves, log odds of a machine."""


class AnswerModel:
    """Ready to multiply."""

    def __init__(self, file: ModelFile) -> None:
        if tuple(file.feature_names) != NAMES or len(file.hidden_weights) != FEATURES:
            raise ValueError("model.json was trained for other features; run python -m tests.bench.amd.train")
        self.thresholds = file.thresholds
        self._hidden = np.array(file.hidden_weights, np.float32)
        self._hidden_bias = np.array(file.hidden_bias, np.float32)
        self._output = np.array(file.output_weights, np.float32)
        self._output_bias = np.float32(file.output_bias)
        self._base = np.float32(file.tree_base)
        # node by node, so that one comparison of all trees lies together
        self._features = np.array(file.tree_features, np.intp).T.ravel()
        self._thresholds = np.array(file.tree_thresholds, np.float32).T
        self._values = np.array(file.tree_values, np.float32).ravel()
        self._first_leaves = np.arange(len(file.tree_values)) * 2**DEPTH

    def speech_probability(self, features: Floats) -> Floats:
        """From (calls, voice_activity.FEATURES)."""
        hidden = np.maximum(features @ self._hidden + self._hidden_bias, 0)
        return _sigmoid(hidden @ self._output + self._output_bias)

    def machine_probability(self, features: Floats) -> Floats:
        """From (calls, len(timing.NAMES)). Every node is asked, which numpy does faster than walking down."""
        blocks = [
            self._log_odds(features[start : start + _BLOCK]) for start in range(0, len(features), _BLOCK)
        ]
        return _sigmoid(np.concatenate(blocks))

    def _log_odds(self, features: Floats) -> Floats:
        asked = features.take(self._features, axis=1).reshape(len(features), *self._thresholds.shape)
        right = asked > self._thresholds
        top = right[:, 0]
        middle = np.where(top, right[:, 2], right[:, 1])
        bottom = np.where(
            top, np.where(middle, right[:, 6], right[:, 5]), np.where(middle, right[:, 4], right[:, 3])
        )
        leaves = self._first_leaves + 4 * top + 2 * middle + bottom
        log_odds: Floats = self._base + self._values.take(leaves).sum(axis=1)
        return log_odds


@cache
def load_model() -> AnswerModel:
    data = files("dialer.media.answer").joinpath("model.json").read_bytes()
    return AnswerModel(msgspec.json.decode(data, type=ModelFile))


def _sigmoid(log_odds: Floats) -> Floats:
    odds_against = np.exp(-np.maximum(log_odds, np.float32(-30)))  # exp(89) would be too much
    probability: Floats = (1 / (1 + odds_against)).astype(np.float32, copy=False)
    return probability
