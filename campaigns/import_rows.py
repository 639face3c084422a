"""
From the text of a CSV file (RFC 4180, and what spreadsheets make of it) to rows with the line where each begins.

A quote that is never closed would swallow the rest of the file. So the lines of a row are kept until it is complete: where it
breaks, its first line is rejected, and the lines behind it are read anew.
"""

import csv
import functools
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from campaigns.attribution import attribution_columns
from campaigns.errors import ImportRefused
from campaigns.import_file import DELIMITERS, ImportOptions
from campaigns.import_report import RejectedRow
from campaigns.numbers import Rejection, normalise

MAX_ROW_CHARS: Final = 65_536
"""Below the csv module's own limit for one field (131072), which therefore never strikes."""
MAX_ROW_LINES: Final = 200
MAX_FIELD_CHARS: Final = 8_000
MAX_COLUMNS: Final = 300
MAX_VALUE_CHARS: Final = 200
SAMPLE_CHARS: Final = 65_536
SAMPLE_ROWS: Final = 30

NUMBER_NAMES: Final = frozenset(
    {
        "phone", "number", "tel", "telephone", "mobile", "cell", "msisdn", "phone number", "mobile number",
        "телефон", "номер", "тел", "моб", "мобильный", "сотовый", "номер телефона",
    }
)  # fmt: skip
NUMBER_WORD: Final = re.compile(r"телефон|phone|msisdn|\bтел\b|\bмоб|mobile")
SEPARATORS: Final = re.compile(r"[\s_\-.:№#]+")
GENERATED_NAME: Final = re.compile(r"column_[1-9][0-9]{0,3}")


class Line(msgspec.Struct, frozen=True):
    """One physical line, as far as it fits."""

    number: int
    text: str
    is_too_long: bool = False


class Row(msgspec.Struct, frozen=True):
    """One record; `line` is where it begins."""

    line: int
    cells: list[str]


class RowTooLong(Exception):
    """The row has more characters or lines than any row of a base."""


class Table(msgspec.Struct, frozen=True, dict=True):
    """An opened file: what its columns are, and the rows still to be read."""

    delimiter: str
    names: tuple[str, ...]
    number_index: int
    warnings: tuple[str, ...]
    rows: Iterator[Row | RejectedRow]

    @functools.cached_property
    def attribution_columns(self) -> dict[str, str]:
        """Which column holds the source, the ad, the keyword, the region."""
        return attribution_columns(self.names, [plain(name) for name in self.names])


class Lines:
    """The lines of a text, for csv.reader; those of the present row can be taken back."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._count = 0
        self._returned: deque[Line] = deque()
        self.row: list[Line] = []
        self.row_chars = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._read()
        self.row.append(line)
        self.row_chars += len(line.text)
        if line.is_too_long or self.row_chars > MAX_ROW_CHARS or len(self.row) > MAX_ROW_LINES:
            raise RowTooLong
        return line.text

    def begin_row(self) -> None:
        self.row.clear()
        self.row_chars = 0

    def take_back(self, lines: Sequence[Line]) -> None:
        self._returned.extendleft(reversed(lines))

    def _read(self) -> Line:
        text = self._text.readline(MAX_ROW_CHARS)
        if not text:
            raise StopIteration
        self._count += 1
        if len(text) < MAX_ROW_CHARS or text[-1] in "\r\n":
            return Line(self._count, text)
        while (rest := self._text.readline(MAX_ROW_CHARS)) and rest[-1] not in "\r\n":
            pass
        return Line(self._count, text[:MAX_VALUE_CHARS], is_too_long=True)


def shown(value: str) -> str:
    """Return the beginning of a value, without what PostgreSQL cannot keep."""
    return value[:MAX_VALUE_CHARS].replace("\0", "\ufffd").strip()


def read_rows(lines: Lines, delimiter: str) -> Iterator[Row | RejectedRow]:
    """Give every row that holds anything; broken ones as rejections. Never raises for any text."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, RowTooLong):
            first, *rest = lines.row
            lines.take_back(rest)
            if first.is_too_long:
                yield rejected([first], "row_too_long", max=MAX_ROW_CHARS)
            else:
                yield rejected([first], "quote_broken")
            continue
        if not "".join(cells).strip():
            continue
        if any("\0" in line.text for line in lines.row):
            yield rejected(lines.row, "nul_byte")
        elif lines.row_chars > MAX_FIELD_CHARS and max(map(len, cells)) > MAX_FIELD_CHARS:
            yield rejected(lines.row, "field_too_long", max=MAX_FIELD_CHARS)
        else:
            yield Row(lines.row[0].number, cells)


def rejected(row: Sequence[Line], code: str, **params: int) -> RejectedRow:
    value = shown("".join(line.text for line in row))
    return RejectedRow(line=row[0].number, value=value, code=code, params=params)


def open_table(text: io.TextIOBase, options: ImportOptions, default_country: str) -> Table:
    """
    Find delimiter, columns and the number's column.

    Raises:
        ImportRefused: no_number_column (columns), header_missing, too_many_columns (max), no_rows.
        UnicodeDecodeError: the file is not in the encoding that it was said to be in.
    """
    sample = text.read(SAMPLE_CHARS)
    text.seek(0)
    lines = Lines(text)
    hint = re.match(r"sep=([;,\t|])\r?\n", sample)  # Excel writes and believes it
    if hint:
        next(lines)
    delimiter = options.delimiter or (hint[1] if hint else detect_delimiter(sample))
    rows = read_rows(lines, delimiter)
    first = next(rows, None)
    if first is None:
        raise ImportRefused("no_rows")
    if isinstance(first, RejectedRow):
        raise ImportRefused("no_number_column", columns=[first.value[:80]])
    if len(first.cells) > MAX_COLUMNS:
        raise ImportRefused("too_many_columns", max=MAX_COLUMNS)
    index = find_number_column(first.cells, options.number_column)
    if index is not None:
        return Table(delimiter, column_names(first.cells), index, (), rows)
    index = find_number_without_header(first.cells, options.number_column, default_country)
    return Table(
        delimiter, column_names([""] * len(first.cells)), index, ("header_missing",), chain(first, rows)
    )


def chain(first: Row, rows: Iterator[Row | RejectedRow]) -> Iterator[Row | RejectedRow]:
    yield first
    yield from rows


def detect_delimiter(sample: str) -> str:
    """Return the delimiter by which most of the first rows have as many columns as the very first."""

    def score(delimiter: str) -> tuple[int, int]:
        whole = sample[: sample.rfind("\n") + 1] or sample
        widths = []
        try:
            for cells in csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter):
                if cells:
                    widths.append(len(cells))
                if len(widths) >= SAMPLE_ROWS:
                    break
        except csv.Error:  # a huge field: what was read until there decides
            pass
        if not widths or widths[0] == 1:
            return 0, 0
        return widths.count(widths[0]), widths[0]

    return max((*DELIMITERS,), key=score) if any(score(each)[0] for each in DELIMITERS) else ","


def plain(name: str) -> str:
    return SEPARATORS.sub(" ", name.lower()).strip()


def find_number_column(header: Sequence[str], wanted: str | None) -> int | None:
    """Return the index of the wanted column, or of the first whose name says that it holds numbers."""
    names = [plain(name) for name in header]
    if wanted is not None:
        return names.index(plain(wanted)) if plain(wanted) in names else None
    exact = next((index for index, name in enumerate(names) if name in NUMBER_NAMES), None)
    if exact is not None:
        return exact
    return next((index for index, name in enumerate(names) if NUMBER_WORD.search(name)), None)


def find_number_without_header(cells: Sequence[str], wanted: str | None, default_country: str) -> int:
    """Return the index of the one cell of the first row that is a number itself."""
    numbers = [
        index
        for index, cell in enumerate(cells)
        if not isinstance(normalise(cell, default_country), Rejection)
    ]
    if wanted is not None and GENERATED_NAME.fullmatch(wanted) and int(wanted[7:]) <= len(cells):
        return int(wanted[7:]) - 1
    if wanted is not None or not numbers:
        raise ImportRefused("no_number_column", columns=[shown(cell)[:80] for cell in cells[:30]])
    if len(numbers) > 1:
        raise ImportRefused("header_missing")
    return numbers[0]


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names under which cells are kept: none is empty, no two are the same."""
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(header, start=1):
        base = name = shown(cell) or f"column_{position}"
        copy = 1
        while name in taken:
            copy += 1
            name = f"{base}_{copy}"
        taken.add(name)
        names.append(name)
    return tuple(names)
