import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ImportRefused
from campaigns.import_file import ImportOptions
from campaigns.import_report import RejectedRow
from campaigns.import_rows import Lines, Row, Table, column_names, detect_delimiter, open_table, read_rows


def rows_of(text: str, delimiter: str = ",") -> list[Row | RejectedRow]:
    return list(read_rows(Lines(io.StringIO(text, newline="")), delimiter))


def table_of(text: str, options: ImportOptions | None = None) -> Table:
    return open_table(io.StringIO(text, newline=""), options or ImportOptions(), "RU")


@given(st.text(alphabet=st.sampled_from('a1",;\n\r\0 '), max_size=100))
def test_no_text_breaks_the_reader_and_every_line_with_letters_is_accounted_for(text: str) -> None:
    found = rows_of(text)
    lines = [row.line for row in found]
    assert lines == sorted(set(lines))
    shown = "".join("".join(row.cells) if isinstance(row, Row) else row.value for row in found)
    assert [shown.count(letter) for letter in "a1"] == [text.count(letter) for letter in "a1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_counts_lines(end: str) -> None:
    assert rows_of(f"a,b{end}{end}c,d{end}") == [Row(1, ["a", "b"]), Row(3, ["c", "d"])]


def test_a_row_of_several_lines_is_known_by_its_first() -> None:
    assert rows_of('a,"x\ny"\nb,z\n') == [Row(1, ["a", "x\ny"]), Row(3, ["b", "z"])]


def test_text_behind_a_closing_quote_breaks_only_its_row() -> None:
    found = rows_of('"ООО "Ромашка"",1\nb,2\n')
    assert [(row.line, getattr(row, "code", None)) for row in found] == [(1, "quote_broken"), (2, None)]


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("phone;name\n1;a,b\n2;c\n", ";"),
        ("phone,name\n1,a;b\n", ","),
        ("phone\tname\n1\ta, b\n", "\t"),
        ("phone|name\n1|a\n", "|"),
        ("phone\n79000000001\n", ","),
        ('"a;b",c\n"d;e",f\n', ","),
        ("", ","),
    ],
)
def test_the_delimiter_is_the_one_that_makes_columns(sample: str, delimiter: str) -> None:
    assert detect_delimiter(sample) == delimiter


def test_excel_may_say_the_delimiter_in_the_first_line() -> None:
    table = table_of("sep=;\nphone;name\n79000000001;a,b\n")
    assert (table.delimiter, table.names) == (";", ("phone", "name"))
    assert list(table.rows) == [Row(3, ["79000000001", "a,b"])]


@pytest.mark.parametrize(
    ("header", "index"),
    [
        ("name,phone", 1),
        ("Имя,ТЕЛЕФОН ", 1),
        ("№ договора,Номер телефона", 1),
        ("номер договора,Контактный телефон", 1),
        ("id,Phone_Number,phone 2", 1),
        ("номер,город", 0),
        ("Моб. тел.,Имя", 0),
    ],
)
def test_the_number_column_is_known_by_its_name(header: str, index: int) -> None:
    assert table_of(f"{header}\n").number_index == index


def test_a_wanted_column_of_a_file_without_header_is_named_by_its_place() -> None:
    data = "79000000001,79000000002\n"
    assert table_of(data, ImportOptions(number_column="column_2")).number_index == 1
    with pytest.raises(ImportRefused, match="no_number_column"):
        table_of(data, ImportOptions(number_column="column_3"))


def test_a_broken_header_is_refused() -> None:
    with pytest.raises(ImportRefused, match="no_number_column"):
        table_of('"phone\n79000000001\n')


def test_no_two_columns_share_a_name() -> None:
    assert column_names(["a", "", "a", "a_2", "a", "\0"]) == (
        "a",
        "column_2",
        "a_2",
        "a_2_2",
        "a_3",
        "\ufffd",
    )
