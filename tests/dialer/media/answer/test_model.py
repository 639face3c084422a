"""The trees, all nodes at once, against a walk from node to node; and a file that was trained for something else."""

from importlib.resources import files

import msgspec
import numpy as np
import pytest

from dialer.media.answer.model import DEPTH, AnswerModel, ModelFile
from dialer.media.answer.timing import NAMES


def shipped() -> ModelFile:
    return msgspec.json.decode(
        files("dialer.media.answer").joinpath("model.json").read_bytes(), type=ModelFile
    )


def walked(file: ModelFile, features: list[float]) -> float:
    """Log odds of a machine, as anyone would compute them from the file."""
    total = file.tree_base
    for names, thresholds, values in zip(
        file.tree_features, file.tree_thresholds, file.tree_values, strict=True
    ):
        node = 0
        for _ in range(DEPTH):
            node = 2 * node + (2 if features[names[node]] > np.float32(thresholds[node]) else 1)
        total += values[node - (2**DEPTH - 1)]
    return total


def test_the_trees_say_what_a_walk_through_them_says() -> None:
    file = shipped()
    rows = np.random.default_rng(5).uniform(-5, 120, (50, len(NAMES))).astype(np.float32)
    log_odds = np.array([walked(file, [float(value) for value in row]) for row in rows])
    expected = 1 / (1 + np.exp(-log_odds))
    assert AnswerModel(file).machine_probability(rows) == pytest.approx(expected, abs=1e-4)
    assert expected.max() - expected.min() > 0.5, "these rows tell nothing apart"


def test_a_file_for_other_features_is_refused() -> None:
    file = msgspec.structs.replace(shipped(), feature_names=["span"])
    with pytest.raises(ValueError, match=r"tests\.bench\.amd\.train"):
        AnswerModel(file)
