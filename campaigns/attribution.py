"""
Where a contact comes from: the columns of a base that reports group by, by the names that people give them.

They stay among the contact's fields too; here they get one name each, and lengths that a report can hold.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import phonenumbers

MAX_VALUE_CHARS: Final = 200

COLUMN_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "source": frozenset({"source", "utm source", "lead source", "источник", "источник лида", "канал"}),
    "ad": frozenset({"ad", "ad id", "advert", "utm content", "creative", "объявление", "реклама", "креатив"}),
    "keyword": frozenset({"keyword", "utm term", "search term", "ключевое слово", "ключевая фраза", "ключ", "запрос"}),
    "region": frozenset({"region", "state", "province", "регион", "область", "край"}),
}  # fmt: skip


class Attribution(msgspec.Struct, frozen=True):
    """What is known of where a contact comes from; None = nothing."""

    source: str | None = None
    ad: str | None = None
    keyword: str | None = None
    region: str | None = None


def attribution_columns(names: Sequence[str], plain_names: Sequence[str]) -> dict[str, str]:
    """Return which column holds which part; of two that could, the first. `plain_names` are lower case, without marks."""
    found: dict[str, str] = {}
    for name, plain in zip(names, plain_names, strict=True):
        for part, known in COLUMN_NAMES.items():
            if plain in known:
                found.setdefault(part, name)
    return found


def attribution_of(fields: Mapping[str, str], columns: Mapping[str, str], number: str) -> Attribution:
    """Read the parts; a region that the base does not give is that of the number."""
    values = {
        part: fields[column].strip()[:MAX_VALUE_CHARS] or None
        for part, column in columns.items()
        if column in fields
    }
    if values.get("region") is None:
        values["region"] = region_of(number)
    return Attribution(**values)


def region_of(number: str) -> str | None:
    """
    Return where the numbering plan puts an E.164 number, in English: "Moscow", "New York, NY", else the country; None where
    it does not tell. A mobile number tells its country at most.
    """
    return _region_of_prefix(number[:-2])


@functools.lru_cache(maxsize=65_536)
def _region_of_prefix(prefix: str) -> str | None:
    # No plan tells two numbers apart by their last two digits, and a base comes in runs.
    from phonenumbers import geocoder  # noqa: PLC0415 - a second to load: only where a base is imported

    try:
        parsed = phonenumbers.parse(f"{prefix}00")
    except phonenumbers.NumberParseException:
        return None
    region: str = geocoder.description_for_number(parsed, "en")
    return region or None
