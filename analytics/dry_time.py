"""When a base runs dry: how long the leads that are due, now and later, last at a given speed. Pure."""

from collections.abc import Sequence
from itertools import pairwise


def minutes_until_dry(due: Sequence[tuple[float, int]], calls_per_minute: float) -> float | None:
    """
    Return after how many minutes nobody is left to call, None where that is not within sight.

    `due` is a growing curve: (minutes from now, leads due by then), the first at 0. Between two points leads become due
    evenly. Calls are made at the given speed whenever somebody is due; retries that do not stand in the curve yet would
    only make it later. None too when nothing is dialed, or when the curve's end comes first.
    """
    if calls_per_minute <= 0 or not due:
        return None
    if due[0][1] == 0:
        return 0.0
    for (start, count), (end, next_count) in pairwise(due):
        arriving_per_minute = (next_count - count) / (end - start)
        surplus = count - calls_per_minute * start
        if surplus <= (calls_per_minute - arriving_per_minute) * (end - start):
            return start + surplus / (calls_per_minute - arriving_per_minute)
    return None
