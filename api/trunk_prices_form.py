"""The prices in the form of a trunk: written in whole units of the currency, kept in millionths of it."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from api.body import read_body
from api.errors import ApiError, FieldProblem
from api.trunk_form import FormField
from campaigns.report_rules import TrunkPrices

MICROS: Final = 1_000_000
PRICES: Final = ("price_per_connection_micros", "price_per_minute_micros")
FIELDS: Final = (
    *(FormField(name, "number", is_optional=True) for name in PRICES),
    FormField("billing_increment_seconds", "whole"),
)


class ReadPrices(msgspec.Struct, frozen=True):
    """What a visitor sent: the prices, or every problem."""

    prices: TrunkPrices | None
    problems: list[FieldProblem]


def shown_prices(prices: TrunkPrices) -> dict[str, str]:
    """Return what stands in each input; an unknown price is empty."""
    return {
        **{name: units(getattr(prices, name)) for name in PRICES},
        "billing_increment_seconds": str(prices.billing_increment_seconds),
    }


def units(micros: int | None) -> str:
    if micros is None:
        return ""
    return f"{(Decimal(micros) / MICROS).normalize():f}"


def read_prices(sent: Mapping[str, str]) -> ReadPrices:
    """Read the inputs; an empty price is not known, an empty step is a minute."""
    values: dict[str, Any] = {name: micros(sent.get(name, "")) for name in PRICES}
    step = sent.get("billing_increment_seconds", "").strip()
    values["billing_increment_seconds"] = int(step) if step.isdecimal() else step or 60
    try:
        return ReadPrices(read_body(msgspec.json.encode(values), TrunkPrices), [])
    except ApiError as error:
        return ReadPrices(None, list(error.problems))


def micros(text: str) -> int | str | None:
    """Read a price with point or comma, exactly; finer than a millionth, and what is no number, stays a text."""
    text = text.strip()
    if not text:
        return None
    try:
        amount = Decimal(text.replace(",", ".")) * MICROS
        return int(amount) if amount == int(amount) else text
    except (InvalidOperation, OverflowError, ValueError):
        return text
