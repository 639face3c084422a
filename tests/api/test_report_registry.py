from typing import get_args

import pytest

from analytics.build import build_query
from analytics.dimensions import DIMENSIONS
from analytics.metrics import METRICS
from analytics.query import Order, Period, QueryRequest
from api.catalogue import LANGUAGES, Catalogue
from api.report_panel import Chart, Panel
from api.report_registry import REPORTS
from tests.postgres.campaign_rows import NOW

PANELS = [
    pytest.param(panel, id=f"{report.name}-{panel.name}")
    for report in REPORTS.values()
    for panel in report.panels
]


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_asks_what_can_be_answered(panel: Panel) -> None:
    assert set(panel.metrics) <= set(METRICS)
    assert set(panel.dimensions) <= set(DIMENSIONS)
    order = [] if panel.order_by is None else [Order(by=panel.order_by, direction="asc")]
    request = QueryRequest(
        metrics=list(panel.metrics),
        dimensions=list(panel.dimensions),
        order=order,
        period=Period(name="last_30_days"),
        limit=panel.limit,
    )
    build_query(request, NOW)  # raises QueryRefused, naming what cannot be


@pytest.mark.parametrize("panel", PANELS)
def test_a_chart_gets_the_dimensions_that_it_draws(panel: Panel) -> None:
    assert panel.chart in get_args(Chart)
    assert set(panel.drawn) <= set(panel.metrics)
    if panel.chart in {"figures", "funnel", "periods"}:
        assert panel.dimensions == ()
    elif panel.chart == "heat":
        assert panel.dimensions == ("weekday", "hour_of_day")
        assert len(panel.metrics) == 2
    else:
        assert panel.dimensions


def test_reports_and_panels_have_words_in_every_language() -> None:
    keys = {f"reports.{name}.{part}" for name in REPORTS for part in ("title", "question")}
    keys |= {f"reports.panel.{panel.name}" for report in REPORTS.values() for panel in report.panels}
    for language in LANGUAGES:
        assert keys <= set(Catalogue.load().forms[language])


def test_panels_of_a_report_have_names_of_their_own() -> None:
    for report in REPORTS.values():
        names = [panel.name for panel in report.panels]
        assert len(names) == len(set(names))
