"""Checks of single settings, each giving the problems that it finds, with stable codes. Pure."""

from campaigns.errors import Problem


def out_of_range(field: str, value: float, low: float, high: float) -> list[Problem]:
    # written so that NaN, which compares false with everything, is out of range
    return [] if low <= value <= high else [Problem(field, "out_of_range", {"min": low, "max": high})]


def not_positive(field: str, value: float) -> list[Problem]:
    return [] if 0 < value < 1e9 else [Problem(field, "not_positive")]


def empty_or_long(field: str, value: str, longest: int) -> list[Problem]:
    if not value.strip():
        return [Problem(field, "empty")]
    return [] if len(value) <= longest else [Problem(field, "too_long", {"max": longest})]
