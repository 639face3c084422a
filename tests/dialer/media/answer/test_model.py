"""The trees, all nodes at once, against a walk from node to node; and a file that was trained for something else."""

from importlib.resources import files

import msgspec
import numpy as np
import pytest

from dialer.media.answer.model import DEPTH, AnswerModel, Forest, ModelFile
from dialer.media.answer.timing import NAMES


def shipped() -> ModelFile:
    return msgspec.json.decode(
        files("dialer.media.answer").joinpath("model.json").read_bytes(), type=ModelFile
    )


def walked(forest: Forest, features: list[float]) -> float:
    """Log odds of a machine, as anyone would compute them from the file."""
    total = forest.base
    for names, thresholds, values in zip(forest.features, forest.thresholds, forest.values, strict=True):
        node = 0
        for _ in range(DEPTH):
            node = 2 * node + (2 if features[names[node]] > np.float32(thresholds[node]) else 1)
        total += values[node - (2**DEPTH - 1)]
    return total


@pytest.mark.parametrize("is_late", [False, True])
def test_the_trees_say_what_a_walk_through_them_says(*, is_late: bool) -> None:
    file = shipped()
    rows = np.random.default_rng(5).uniform(-5, 120, (50, len(NAMES))).astype(np.float32)
    forest = file.late_trees if is_late else file.trees
    log_odds = np.array([walked(forest, [float(value) for value in row]) for row in rows])
    expected = 1 / (1 + np.exp(-log_odds))
    model = AnswerModel(file)
    said = model.late_machine_probability(rows) if is_late else model.machine_probability(rows)
    assert said == pytest.approx(expected, abs=1e-4)
    assert expected.max() - expected.min() > 0.5, "these rows tell nothing apart"


def test_a_file_for_other_features_is_refused() -> None:
    file = msgspec.structs.replace(shipped(), feature_names=["span"])
    with pytest.raises(ValueError, match=r"tests\.bench\.amd\.train"):
        AnswerModel(file)
