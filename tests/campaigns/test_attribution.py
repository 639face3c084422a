import pytest

from campaigns.attribution import MAX_VALUE_CHARS, Attribution, attribution_columns, attribution_of, region_of
from campaigns.import_rows import plain


def columns_of(*names: str) -> dict[str, str]:
    return attribution_columns(names, [plain(name) for name in names])


def test_columns_are_known_by_their_english_and_russian_names_in_any_writing() -> None:
    assert columns_of("Name", "utm_source", "Ad", "KEYWORD") == {
        "source": "utm_source",
        "ad": "Ad",
        "keyword": "KEYWORD",
    }
    assert columns_of("Источник", "Объявление №", "ключевое_слово", "Регион") == {
        "source": "Источник",
        "ad": "Объявление №",
        "keyword": "ключевое_слово",
        "region": "Регион",
    }


def test_of_two_columns_for_one_part_the_first_counts() -> None:
    assert columns_of("utm_source", "Источник") == {"source": "utm_source"}


def test_empty_cells_are_nothing_and_long_ones_are_cut() -> None:
    columns = columns_of("source", "keyword", "region")
    fields = {"source": "  ", "keyword": "w" * 500, "region": " Тверь "}
    assert attribution_of(fields, columns, "+74951234567") == Attribution(
        keyword="w" * MAX_VALUE_CHARS, region="Тверь"
    )


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+74951234567", "Moscow"),
        ("+78121234567", "St Petersburg"),
        ("+79161234567", "Russia"),
        ("+12125551234", "New York, NY"),
        ("+77011234567", "Kazakhstan"),
        ("+99999999999", None),
    ],
)
def test_the_region_is_what_the_numbering_plan_tells(number: str, region: str | None) -> None:
    assert region_of(number) == region
