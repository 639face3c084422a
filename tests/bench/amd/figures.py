"""
Errors of a classifier over labelled clips, counted the stricter way.

To a person goes: human, unsure, silence (and Asterisk's NOTSURE and HANGUP). So an unsure person is right, and an unsure
machine is wrong: it counts in `machine_to_human`, and is also shown apart.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from tests.bench.amd.corpus import Clip

TO_A_PERSON: Final = frozenset({"human", "unsure", "silence", "HUMAN", "NOTSURE", "HANGUP"})


class Errors(msgspec.Struct, frozen=True):
    """Shares, each with what it is a share of."""

    humans: int
    machines: int
    human_to_machine: float
    human_to_machine_36_dbfs: float
    """Of the people in noise of -36 dBFS."""
    machine_to_human: float
    machine_said_human: float
    """Without the unsure and silent ones."""
    balanced_accuracy: float


def errors(clips: Sequence[Clip], verdicts: Sequence[str]) -> Errors:
    to_person = np.array([verdict in TO_A_PERSON for verdict in verdicts])
    said_human = np.array([verdict in {"human", "HUMAN"} for verdict in verdicts])
    human = np.array([clip.label == "human" for clip in clips])
    loud = np.array([clip.line.noise_dbfs == -36 for clip in clips])
    lost, missed = _share(~to_person[human]), _share(to_person[~human])
    return Errors(
        humans=int(human.sum()),
        machines=int((~human).sum()),
        human_to_machine=lost,
        human_to_machine_36_dbfs=_share(~to_person[human & loud]),
        machine_to_human=missed,
        machine_said_human=_share(said_human[~human]),
        balanced_accuracy=round(1 - (lost + missed) / 2, 4),
    )


def _share(hits: np.ndarray) -> float:
    return round(float(hits.mean()), 4) if len(hits) else 0.0
