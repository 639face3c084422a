"""
The same figures as files: CSV (RFC 4180), XLSX, Parquet.

A table is columns and rows of plain values; a rate is several columns (`asr`, `asr.numerator`, ...), so that nobody has to
divide again. A writer takes rows a page at a time and never holds the whole table.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from analytics.attempts import AttemptFacts
from analytics.dimensions import DIMENSIONS
from analytics.metrics import METRICS
from analytics.result import Figure, QueryResult

FileFormat = Literal["csv", "xlsx", "parquet"]
ColumnType = Literal["text", "integer", "number", "date", "instant"]
Cells = Sequence[Any]

MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Tells Excel that the file is UTF-8."""
FORMULA: Final = re.compile(r"^\s*[=+\-@\t\r]")
NUMBER_LIKE: Final = re.compile(r"^[+-]?[0-9]+(?:\.[0-9]+)?$")
XLSX_MAX_ROWS: Final = 1_048_575
"""Below the header."""
ARROW_TYPES: Final[Mapping[ColumnType, pa.DataType]] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
}


class Column(msgspec.Struct, frozen=True):
    """Of a table."""

    name: str
    type: ColumnType


class Writer(Protocol):
    """Takes a table a page at a time."""

    def add(self, rows: Iterable[Cells]) -> None: ...

    def close(self) -> None: ...


def columns_of(result: QueryResult) -> list[Column]:
    """Return the columns of an answer: its dimensions, then each metric with what it is made of."""
    columns = []
    for name in result.query.dimensions:
        dimension = DIMENSIONS[name]
        columns.append(Column(name, dimension.type))
        if dimension.names is not None:
            columns.append(Column(f"{name}.name", "text"))
    for name in result.query.metrics:
        whole: ColumnType = "integer" if is_whole(name) else "number"
        columns.append(Column(name, whole))
        columns += [Column(f"{name}.{part}", kind) for part, kind in parts_of(name)]
        if result.query.compare is not None:
            columns += [
                Column(f"{name}.previous", whole),
                Column(f"{name}.difference", whole),
                Column(f"{name}.relative_difference", "number"),
            ]
    return columns


def is_whole(name: str) -> bool:
    metric = METRICS[name]
    return metric.kind in {"count", "distinct", "difference"} or (metric.kind == "sum" and metric.scale == 1)


def parts_of(name: str) -> list[tuple[str, ColumnType]]:
    metric = METRICS[name]
    if metric.kind not in {"share", "estimate", "mean", "ratio"}:
        return []
    assert metric.numerator is not None
    assert metric.denominator is not None
    return [
        ("numerator", "integer" if is_whole(metric.numerator) else "number"),
        ("denominator", "integer" if is_whole(metric.denominator) else "number"),
        ("low", "number"),
        ("high", "number"),
    ]


def rows_of(result: QueryResult) -> Iterator[list[Any]]:
    """Return the cells of every row, as `columns_of` names them."""
    query = result.query
    for row in result.rows:
        cells: list[Any] = []
        for name in query.dimensions:
            value = row.dimensions[name]
            cells.append(typed(DIMENSIONS[name].type, value.value))
            if DIMENSIONS[name].names is not None:
                cells.append(value.name)
        for name in query.metrics:
            cells += figure_cells(name, row.metrics[name], compares=query.compare is not None)
        yield cells


def figure_cells(name: str, figure: Figure, *, compares: bool) -> list[Any]:
    parts = [getattr(figure, part) for part, _ in parts_of(name)]
    compared = [figure.previous, figure.difference, figure.relative_difference] if compares else []
    return [figure.value, *parts, *compared]


def typed(kind: ColumnType, value: Any) -> Any:
    if value is None or kind not in {"date", "instant"}:
        return value
    return date.fromisoformat(value) if kind == "date" else datetime.fromisoformat(value)


def type_of(annotation: Any) -> ColumnType:
    """Return the type of a column of facts; what is no number and no time is text."""
    kinds = get_args(annotation) or (annotation,)
    if datetime in kinds:
        return "instant"
    return "integer" if int in kinds else "text"


CALL_COLUMNS: Final = [
    Column("attempt_id", "text"),
    *(Column(info.name, type_of(info.type)) for info in msgspec.structs.fields(AttemptFacts)),
]
"""Of the calls behind a figure. Their ids have more digits than a spreadsheet keeps, so they are texts."""


def csv_text(value: Any) -> str:
    """
    Return a cell as text.

    A text that a spreadsheet would run as a formula gets an apostrophe before it (CWE-1236); numbers, telephone numbers
    among them, are none.
    """
    if value is None:
        return ""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) and not NUMBER_LIKE.match(value) else value
    return repr(value)


def csv_chunk(rows: Iterable[Cells]) -> bytes:
    """Return rows as lines of RFC 4180."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows([csv_text(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode()


def csv_header(columns: Sequence[Column], *, has_bom: bool) -> bytes:
    return (BOM if has_bom else "").encode() + csv_chunk([[column.name for column in columns]])


class XlsxWriter:
    """One sheet, in constant memory. What is text stays text: no formula, no link."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd hh:mm:ss",
            },
        )
        self._sheet = self._book.add_worksheet("obzvon")
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        self._sheet.set_column(0, max(len(columns) - 1, 0), 16)
        for index, column in enumerate(columns):
            self._sheet.write_string(0, index, column.name, bold)
        self._row = 0

    def add(self, rows: Iterable[Cells]) -> None:
        for row in rows:
            if self._row == XLSX_MAX_ROWS:
                return  # a sheet has no more rows
            self._row += 1
            for index, cell in enumerate(row):
                self._write(index, cell)

    def _write(self, index: int, cell: Any) -> None:
        if isinstance(cell, str):
            self._sheet.write_string(self._row, index, cell)
        elif isinstance(cell, datetime):
            # a cell has no time zone: the clock that the report shows
            self._sheet.write_datetime(self._row, index, cell.replace(tzinfo=None))
        elif isinstance(cell, date):
            self._sheet.write_datetime(
                self._row, index, datetime.combine(cell, datetime.min.time()), self._day
            )
        elif cell is not None:
            self._sheet.write_number(self._row, index, cell)

    def close(self) -> None:
        self._book.close()


class ParquetWriter:
    """Row groups as the pages come; instants in UTC."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._schema = pa.schema([pa.field(column.name, ARROW_TYPES[column.type]) for column in columns])
        self._writer = pq.ParquetWriter(path, self._schema)

    def add(self, rows: Iterable[Cells]) -> None:
        found = list(rows)
        if found:
            arrays = [
                pa.array(cells, type=field.type)
                for cells, field in zip(zip(*found, strict=True), self._schema, strict=True)
            ]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class CsvWriter:
    """A file of CSV; what goes to a client as it is made uses `csv_chunk` itself."""

    def __init__(self, path: Path, columns: Sequence[Column], *, has_bom: bool = False) -> None:
        self._file = path.open("wb")
        self._file.write(csv_header(columns, has_bom=has_bom))

    def add(self, rows: Iterable[Cells]) -> None:
        self._file.write(csv_chunk(rows))

    def close(self) -> None:
        self._file.close()


WRITERS: Final[Mapping[FileFormat, Callable[[Path, Sequence[Column]], Writer]]] = {
    "csv": CsvWriter,
    "xlsx": XlsxWriter,
    "parquet": ParquetWriter,
}


def write_result(result: QueryResult, file_format: FileFormat, path: Path) -> None:
    """Write an answer to a file. Takes a while: not on the event loop."""
    writer = WRITERS[file_format](path, columns_of(result))
    writer.add(rows_of(result))
    writer.close()
