"""Quantiles, slow and obvious."""


def median(values: list[int]) -> float | None:
    if not values:
        return None
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def p95(values: list[int]) -> float | None:
    """The first value that at least 95 of 100 values do not exceed."""
    return next(
        (float(v) for v in sorted(values) if 100 * sum(w <= v for w in values) >= 95 * len(values)), None
    )
