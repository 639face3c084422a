"""
Numbers and times as a language writes them. No data is a dash, never a zero.

A unit stands behind a narrow no-break space, as in SI and GOST 8.417; its letters are in the catalogue, for the scripts, too.
"""

import functools
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from analytics.metric import Unit
from api.catalogue import Language, text

NO_DATA: Final = "—"
LOCALES: Final[Mapping[Language, str]] = {"en": "en_GB", "ru": "ru"}


def integer(value: float | None, language: Language) -> str:
    return NO_DATA if value is None else format_decimal(value, locale=LOCALES[language])


def decimal(value: float, digits: int, language: Language) -> str:
    """Return a number with so many digits behind the point, or the comma."""
    return format_decimal(value, f"#,##0.{'0' * digits}", locale=LOCALES[language])


def percent(value: float | None, language: Language) -> str:
    """Return a share of one in percent, with one decimal."""
    if value is None:
        return NO_DATA
    return format_percent(value, percent_pattern(language), locale=LOCALES[language]).replace(
        "\xa0%", "\u202f%"
    )


def seconds(value: float | None, language: Language, digits: int = 0) -> str:
    """Return `0.8 s`, with so many digits behind the point."""
    return with_unit("seconds", value, language, digits)


def milliseconds(value: float | None, language: Language, digits: int = 0) -> str:
    return with_unit("milliseconds", value, language, digits)


def minutes(value: float | None, language: Language) -> str:
    return with_unit("minutes", value, language, 0)


def with_unit(unit: str, value: float | None, language: Language, digits: int) -> str:
    if value is None:
        return NO_DATA
    shown = decimal(value, digits, language) if digits else integer(round(value), language)
    return text(f"units.{unit}", language, value=shown)


def duration(value: float | None, language: Language) -> str:
    """Below a minute with its unit, above it as a clock: 5.3 s, 12:05, 1:02:03."""
    if value is None or value < 60:
        return seconds(value, language, digits=1)
    whole = round(value)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def figure(value: float | None, unit: Unit, language: Language) -> str:
    """Write a metric's value as the pages do (src/report_words.ts)."""
    match unit:
        case "share":
            return percent(value, language)
        case "seconds":
            return duration(value, language)
        case "milliseconds":
            return milliseconds(value, language)
        case "money" | "score":
            return NO_DATA if value is None else decimal(value, 2, language)
        case _:
            return integer(value, language)


def moment(at: datetime, zone: tzinfo, language: Language) -> str:
    """Return day and minute by a clock on a wall."""
    return format_datetime(at, "d MMM, HH:mm", tzinfo=zone, locale=LOCALES[language])


def exact_moment(at: datetime, zone: tzinfo, language: Language) -> str:
    """Return year and second, too: which call it was."""
    return format_datetime(at, "d MMM yyyy, HH:mm:ss", tzinfo=zone, locale=LOCALES[language])


@functools.cache
def percent_pattern(language: Language) -> str:
    """Return the language's own pattern, with one decimal."""
    return str(Locale.parse(LOCALES[language]).percent_formats[None].pattern.replace("##0", "##0.0"))
