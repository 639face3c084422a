"""What became of an imported file."""

from datetime import datetime
from typing import Any, Final

import msgspec

MAX_REPORTED_ROWS: Final = 10_000
"""Rejected rows that a report carries itself; all of them are in the database."""


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken."""

    line: int
    """Of the file, counted from 1; of a row over several lines its first."""
    value: str
    """The number as it stands in the file, or the beginning of the row where that cannot be told."""
    code: str
    """
    number_missing, number_not_digits, number_invalid; duplicate_in_file, duplicate_in_base, in_dnc; column_count (with
    `expected`, `found`), nul_byte, field_too_long (`max`), row_too_long (`max`), quote_broken.
    """
    params: dict[str, Any] = {}


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """rows_total = rows_accepted + rows_rejected; empty rows and the header count nowhere."""

    import_id: int
    campaign_id: int
    file_name: str
    encoding: str
    delimiter: str
    number_column: str
    warnings: tuple[str, ...]
    """`header_missing`: the first row held a number and was imported; columns were named column_1, column_2, ..."""
    rows_total: int
    rows_accepted: int
    rows_rejected: int
    rejected_counts: dict[str, int]
    """Rows by code."""
    created_time: datetime
    rejected: tuple[RejectedRow, ...] = ()
    """The first `MAX_REPORTED_ROWS`, by line."""
