"""Registries and answers as the API shows them, with their words in the language of the client."""

from datetime import datetime
from typing import Any

import msgspec

from analytics.dimensions import DIMENSIONS, Dimension, ValueType
from analytics.metric import Kind, Metric, Unit
from analytics.metrics import METRICS, attempts_behind, measures_of
from analytics.plan import Source
from analytics.query import Query
from analytics.result import Figure, QueryResult, Row
from api.catalogue import text


class MetricView(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure means."""

    name: str
    title: str
    definition: str
    unit: Unit
    kind: Kind
    """count, distinct and sum are measures; share, estimate, mean, ratio and difference are made of other metrics."""
    is_additive: bool
    """Whether the figure of a whole is the sum of the figures of its parts."""
    formula: str
    """Of a measure: SQL over the facts, where :names are settings of the query."""
    numerator: str | None
    denominator: str | None
    is_null_when: str | None
    dimensions: list[str]
    """What it can be told apart and filtered by."""
    has_calls: bool
    """Whether POST /v1/query/calls lists the calls behind it."""


class DimensionView(msgspec.Struct, frozen=True, kw_only=True):
    """By what figures can be told apart."""

    name: str
    title: str
    definition: str
    type: ValueType
    formula: str
    is_filter: bool
    """Stretches of time are filtered by the period instead."""


class MetricColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of the answer."""

    name: str
    title: str
    unit: Unit
    source: Source
    """attempts = the facts themselves; rollups = sums kept up to date; leads = the base as it is now."""


class DimensionColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A dimension of the answer."""

    name: str
    title: str
    type: ValueType


class WarningView(msgspec.Struct, frozen=True, kw_only=True):
    """Something a reader must know."""

    code: str
    detail: str


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Figures, and the query as it was understood."""

    query: Query
    dimensions: list[DimensionColumn]
    metrics: list[MetricColumn]
    generated_time: datetime
    """Every figure is of this one instant."""
    rows: list[Row]
    totals: dict[str, Figure]
    """Over everything that the rows of all pages are parts of."""
    row_count: int
    """On all pages."""
    warnings: list[WarningView]


def metric_view(metric: Metric, language: str) -> MetricView:
    facts = {measure.facts for measure in measures_of([metric.name])}
    return MetricView(
        name=metric.name,
        title=text(f"metrics.{metric.name}.title", language),
        definition=text(f"metrics.{metric.name}.definition", language),
        unit=metric.unit,
        kind=metric.kind,
        is_additive=metric.is_additive,
        formula=metric.formula,
        numerator=metric.numerator,
        denominator=metric.denominator,
        is_null_when=metric.is_null_when,
        dimensions=[dimension.name for dimension in DIMENSIONS.values() if facts <= set(dimension.facts)],
        has_calls=attempts_behind(metric.name)[0],
    )


def dimension_view(dimension: Dimension, language: str) -> DimensionView:
    return DimensionView(
        name=dimension.name,
        title=text(f"dimensions.{dimension.name}.title", language),
        definition=text(f"dimensions.{dimension.name}.definition", language),
        type=dimension.type,
        formula=dimension.formula,
        is_filter=not dimension.is_time,
    )


def query_answer(result: QueryResult, language: str) -> QueryAnswer:
    return QueryAnswer(
        query=result.query,
        dimensions=[
            DimensionColumn(
                name=name, title=text(f"dimensions.{name}.title", language), type=DIMENSIONS[name].type
            )
            for name in result.query.dimensions
        ],
        metrics=[
            MetricColumn(
                name=info.name,
                title=text(f"metrics.{info.name}.title", language),
                unit=METRICS[info.name].unit,
                source=info.source,
            )
            for info in result.metrics
        ],
        generated_time=result.generated_time,
        rows=result.rows,
        totals=result.totals,
        row_count=result.row_count,
        warnings=[
            WarningView(
                code=found.code,
                detail=text(f"query.warning.{found.code}", language, **titled(found.params, language)),
            )
            for found in result.warnings
        ],
    )


def titled(params: dict[str, Any], language: str) -> dict[str, Any]:
    """Name metrics as people know them."""
    names = params.get("metrics")
    if names is None:
        return params
    return {**params, "metrics": [text(f"metrics.{name}.title", language) for name in names]}
