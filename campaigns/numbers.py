"""
Telephone numbers: what people write into a spreadsheet becomes E.164, or a reason why not.

Numbering plans come from `phonenumbers` (ITU-T E.164 and the national plans); the rules here are about spreadsheets.
"""

import functools
import re
from typing import Final, NewType

import msgspec
import phonenumbers
from phonenumbers import timezone

E164 = NewType("E164", str)
"""`+` and 7 to 15 digits."""

PUNCTUATION: Final = re.compile(r"[\s()\-.‐‑‒–—−⁃/\u200e\u200f\u202a-\u202e\u2060\ufeff]+")
"""What people put between digits, with the invisible marks that contact lists and messengers add."""
DIGITS: Final = re.compile(r"\+?\d+")
FLOAT_TAIL: Final = re.compile(r"(?<=\d)[.,]0+$")
MAX_DIGITS: Final = 20
"""Nothing longer is a number with any prefix; E.164 has at most 15."""


class Rejection(msgspec.Struct, frozen=True):
    """Why a value is not a number to dial: `number_missing`, `number_not_digits` or `number_invalid`."""

    code: str


MISSING: Final = Rejection("number_missing")
NOT_DIGITS: Final = Rejection("number_not_digits")
INVALID: Final = Rejection("number_invalid")


def normalise(raw: str, default_country: str) -> E164 | Rejection:
    """
    Return the number in E.164.

    Letters are refused rather than dialed as a keypad would, and so are two numbers in one cell: a wrong guess calls a
    stranger. `default_country` is ISO 3166, for numbers without a country code.
    """
    text = raw.strip().lstrip("'=\"").rstrip('"')  # Excel's ways to keep a number a text
    # A spreadsheet that took the number for a quantity wrote 79001234567.0; that zero is not dialed.
    text = PUNCTUATION.sub("", FLOAT_TAIL.sub("", text))
    if not text:
        return MISSING
    if DIGITS.fullmatch(text) is None:
        return NOT_DIGITS
    if len(text) > MAX_DIGITS:
        return INVALID
    try:
        number = phonenumbers.parse(text, default_country)
    except phonenumbers.NumberParseException:
        return INVALID
    if not phonenumbers.is_valid_number(number):
        return INVALID
    return E164(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@functools.lru_cache(maxsize=65_536)
def zones_of(number: str) -> tuple[str, ...]:
    """Return every IANA zone that the owner of an E.164 number may live in; empty where the plan does not tell."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    zones: tuple[str, ...] = timezone.time_zones_for_number(parsed)
    return tuple(zone for zone in zones if zone != "Etc/Unknown")


def is_country(code: str) -> bool:
    """Tell whether numbers of this ISO 3166 country can be read."""
    return code in phonenumbers.SUPPORTED_REGIONS


def mask(number: str) -> str:
    """Return the number for logs and for those who may not see it: `+79001…567`."""
    return f"{number[:6]}…{number[-3:]}" if len(number) > 9 else "…"
