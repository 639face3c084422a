"""Reads the workbooks that we write (ECMA-376), with nothing of the library that wrote them."""

import io
import zipfile
from typing import Final
from xml.etree import ElementTree as ET

NAMESPACE: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_xlsx(data: bytes) -> list[list[str | float | None]]:
    """Return the cells of the first sheet: texts, numbers (dates are numbers of days), None for an empty one."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    table: list[list[str | float | None]] = []
    for row in sheet.iter(f"{NAMESPACE}row"):
        cells: list[str | float | None] = []
        for cell in row.iter(f"{NAMESPACE}c"):
            column = column_index(cell.get("r", "A1"))
            cells += [None] * (column - len(cells))
            cells.append(cell_value(cell))
        table.append(cells)
    return table


def cell_value(cell: ET.Element) -> str | float | None:
    assert cell.find(f"{NAMESPACE}f") is None, "a formula"
    if cell.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{NAMESPACE}t"))
    value = cell.find(f"{NAMESPACE}v")
    return None if value is None or value.text is None else float(value.text)


def column_index(reference: str) -> int:
    """'A1' is 0, 'AB12' is 27."""
    index = 0
    for letter in reference:
        if letter.isalpha():
            index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
