from pathlib import Path

import pytest

from campaigns.statements import columns, load_statements, read_statements


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.sql"
    path.write_text(text)
    return path


def test_statements_are_found_by_name_with_their_parameters(tmp_path: Path) -> None:
    path = write(
        tmp_path, "-- About the file.\n\n-- one(a, b) --\n-- Why.\nSELECT $1, $2;\n\n-- two() --\nSELECT 1;\n"
    )
    statements = read_statements(path)
    assert statements["one"].parameters == ("a", "b")
    assert statements["one"].text.endswith("SELECT $1, $2;")
    assert load_statements(path)["two"] == "SELECT 1;"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- one() --\nSELECT 1;\n-- one() --\nSELECT 2;\n", "stands twice"),
        ("SELECT 1;\n-- one() --\nSELECT 2;\n", "without a header"),
        ("SELECT 1;\n", "without a header"),
    ],
)
def test_a_file_that_hides_a_statement_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_statements(write(tmp_path, text))


def test_rows_become_columns() -> None:
    assert columns([(1, "a"), (2, "b")]) == [[1, 2], ["a", "b"]]
