"""Imports as the API shows them."""

from datetime import datetime
from typing import Any

import msgspec

from api.catalogue import Language, text
from campaigns.import_report import ImportReport, RejectedRow
from campaigns.numbers import mask


class RejectedRowView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the file that was not taken, and why."""

    line: int
    """Of the file, counted from 1."""
    value: str
    code: str
    """Stable, for programs."""
    params: dict[str, Any]
    detail: str
    """The reason in the language of the request."""


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """rows_total = rows_accepted + rows_rejected."""

    import_id: str
    """A decimal integer that may not fit JavaScript's numbers, so a text."""
    campaign_id: int
    file_name: str
    encoding: str
    delimiter: str
    number_column: str
    warnings: list[str]
    rows_total: int
    rows_accepted: int
    rows_rejected: int
    rejected_counts: dict[str, int]
    """Rows by code."""
    created_time: datetime
    rejected: list[RejectedRowView]
    """The first of them, by line; all are at the rejections of the import."""


class ImportList(msgspec.Struct, frozen=True, kw_only=True):
    """Imports of a campaign."""

    items: list[ImportView]


class RejectionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rejected rows by line."""

    items: list[RejectedRowView]
    next_after_line: int | None
    """Send it as `after_line` to go on; null on the last page."""


def rejection_view(row: RejectedRow, language: Language, *, shows_numbers: bool) -> RejectedRowView:
    return RejectedRowView(
        line=row.line,
        value=row.value if shows_numbers else mask(row.value),
        code=row.code,
        params=row.params,
        detail=text(f"problems.import.{row.code}", language, **row.params),
    )


def import_view(report: ImportReport, language: Language) -> ImportView:
    """Values are shown whole: who sent the file has them."""
    facts = {
        name: getattr(report, name)
        for name in ImportView.__struct_fields__
        if name not in {"import_id", "rejected", "warnings"}
    }
    return ImportView(
        import_id=str(report.import_id),
        warnings=list(report.warnings),
        rejected=[rejection_view(row, language, shows_numbers=True) for row in report.rejected],
        **facts,
    )
