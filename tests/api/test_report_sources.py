"""Which panels of the report pages read facts one by one: these and no others (docs/rollups.md, "What still reads facts")."""

from datetime import UTC, datetime

from tests.bench.report_questions import panels

FROM_FACTS = {"lists.lists_inventory"}


def test_panels_are_answered_from_sums_and_seals_but_for_a_few() -> None:
    period = {"from": "2026-08-28", "to": "2026-11-26"}
    asked = list(panels(period, 1, datetime(2026, 11, 26, tzinfo=UTC)))
    assert {panel.name.split()[0] for panel in asked if panel.reads_facts} == FROM_FACTS
    assert len(asked) > 80
