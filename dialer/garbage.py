"""How often a process that holds thousands of calls looks for garbage."""

import gc
from typing import Final

_YOUNG_OBJECTS: Final = 50_000
"""Some 300 calls' worth. Python's own 700 are reached several times within one call, each time for nothing: what a call
leaves behind is freed by its reference count, but for a few cycles."""


def collect_seldom() -> None:
    """
    Call once, when the program is loaded and before its loop runs: what is there now is never looked at again.

    Measured with 75 calls talking and 1,600 transactions waiting for their timers: 380 microseconds of CPU per call in
    the signalling core before, 250 after.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
