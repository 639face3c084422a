"""What a metric is, and how each kind of one is written down. The metrics themselves: `analytics.metrics`."""

from typing import Final, Literal

import msgspec

Unit = Literal[
    "attempts", "packets", "numbers", "contacts", "callbacks", "share", "seconds", "square_seconds", "milliseconds", "money", "score"
]  # fmt: skip
Kind = Literal["count", "distinct", "sum", "quantile", "share", "estimate", "mean", "ratio", "difference"]
Facts = Literal["attempts", "leads"]
"""The table that a measure is made of."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One figure."""

    name: str
    unit: Unit
    kind: Kind
    formula: str
    """Of a measure: SQL over the facts, `:names` are settings of the query. Else: arithmetic over other metrics."""
    facts: Facts | None = None
    """Of a measure: what it is made of; None = it is made of other metrics."""
    where: str | None = None
    """Of what is made of attempts: which of them count; None = all, or those of the denominator."""
    numerator: str | None = None
    """Of a share, mean, ratio or difference: the metric above the line, or the one that is lessened."""
    denominator: str | None = None
    """The metric below the line, or the one that is taken away."""
    squares: str | None = None
    """Of a mean: the measure that sums the squares, for its interval. Of an estimate: that of the squared weights."""
    weights: tuple[str, str] | None = None
    """Of an estimate: the measures that sum the weights of its numerator and of its denominator."""
    is_null_when: str | None = None
    """None = the metric always has a value."""
    counter: str | None = None
    """Of a measure: the sum of what over columns of `stats` it is; None = it is not kept there."""
    needs: tuple[str, str] | None = None
    """Two metrics that must be equal, else the figure is not known and null."""
    fraction: float | None = None
    """Of a quantile."""
    scale: int = 1
    """What a measure's whole number is divided by at the very end: milliseconds stay whole until then, sums exact."""

    @property
    def is_additive(self) -> bool:
        """Whether the figure of a whole is the sum of the figures of its parts."""
        return self.kind in {"count", "sum"}

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics that it is made of."""
        made_of = (self.numerator, self.denominator, self.squares, *(self.weights or ()), *(self.needs or ()))
        return tuple(name for name in made_of if name is not None)


MEDIAN: Final = 0.5


def only(where: str | None) -> str:
    return f" FILTER (WHERE {where})" if where else ""


def count(name: str, where: str | None = None, counter: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="attempts",
        kind="count",
        formula=f"count(*){only(where)}",
        facts="attempts",
        where=where,
        counter=counter,
    )


def numbers(name: str, where: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="numbers",
        kind="distinct",
        formula=f"count(DISTINCT number){only(where)}",
        facts="attempts",
        where=where,
    )


def contacts(name: str, where: str | None = None) -> Metric:
    return Metric(name=name, unit="contacts", kind="count", formula=f"count(*){only(where)}", facts="leads")


def total(
    name: str,
    terms: str,
    where: str,
    unit: Unit,
    scale: int = 1,
    counter: str | None = None,
    needs: tuple[str, str] | None = None,
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        kind="sum",
        formula=f"coalesce(sum({terms}){only(where)}, 0)",
        facts="attempts",
        where=where,
        counter=counter,
        needs=needs,
        is_null_when=f"{needs[0]} < {needs[1]}" if needs else None,
        scale=scale,
    )


def quantile(name: str, fraction: float, steps: str, where: str, unit: Unit, is_null_when: str) -> Metric:
    """The median may lie halfway between two values; any other quantile is one of the values, so that none needs rounding."""
    function = "percentile_cont" if fraction == MEDIAN else "percentile_disc"
    return Metric(
        name=name,
        unit=unit,
        kind="quantile",
        formula=f"{function}({fraction}) WITHIN GROUP (ORDER BY {steps}){only(where)}",
        facts="attempts",
        where=where,
        is_null_when=is_null_when,
        fraction=fraction,
    )


def divided(
    kind: Literal["share", "mean", "ratio"],
    name: str,
    numerator: str,
    denominator: str,
    unit: Unit,
    squares: str | None = None,
    needs: tuple[str, str] | None = None,
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        kind=kind,
        formula=f"{numerator} / {denominator}",
        numerator=numerator,
        denominator=denominator,
        squares=squares,
        needs=needs,
        is_null_when=f"{denominator} = 0" + (f" or {needs[0]} < {needs[1]}" if needs else ""),
    )


def share(name: str, numerator: str, denominator: str) -> Metric:
    return divided("share", name, numerator, denominator, "share")


def estimate(name: str, drawn: tuple[str, str], weighed: tuple[str, str], squares: str) -> Metric:
    """A share of all, estimated from a sample whose members were drawn with different probabilities (Hajek, 1971)."""
    return Metric(
        name=name,
        unit="share",
        kind="estimate",
        formula=f"{weighed[0]} / {weighed[1]}",
        numerator=drawn[0],
        denominator=drawn[1],
        weights=weighed,
        squares=squares,
        is_null_when=f"{drawn[1]} = 0",
    )


def difference(name: str, whole: str, part: str, where: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="attempts",
        kind="difference",
        formula=f"{whole} - {part}",
        numerator=whole,
        denominator=part,
        where=where,
    )
