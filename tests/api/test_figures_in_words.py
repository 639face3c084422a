import pytest

from analytics.metric import Unit
from api.catalogue import Language
from api.figures_in_words import NO_DATA, decimal, figure, integer, milliseconds, minutes, percent, seconds


@pytest.mark.parametrize(
    ("language", "number", "share"), [("en", "1,234.50", "12.5%"), ("ru", "1 234,50", "12,5\u202f%")]
)
def test_numbers_are_written_as_the_language_writes_them(language: Language, number: str, share: str) -> None:
    words = [decimal(1234.5, 2, language), percent(0.125, language)]
    assert [word.replace("\N{NO-BREAK SPACE}", " ") for word in words] == [number, share]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["0.8\u202fs", "36\u202fs", "7\u202fms", "2.5\u202fms", "15\u202fmin"]),
        ("ru", ["0,8\u202fс", "36\u202fс", "7\u202fмс", "2,5\u202fмс", "15\u202fмин"]),
    ],
)
def test_a_unit_stands_behind_a_narrow_space(language: Language, words: list[str]) -> None:
    assert words == [
        seconds(0.8, language, digits=1),
        seconds(35.6, language),
        milliseconds(7.2, language),
        milliseconds(2.5, language, digits=1),
        minutes(14.9, language),
    ]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.125, "share", "12,5\u202f%"),
        (59.94, "seconds", "59,9\u202fс"),
        (65.0, "seconds", "1:05"),
        (3723.4, "seconds", "1:02:03"),
        (840.0, "milliseconds", "840\u202fмс"),
        (12.5, "money", "12,50"),
        (4.3, "score", "4,30"),
        (7, "attempts", "7"),
        (None, "money", NO_DATA),
        (None, "seconds", NO_DATA),
    ],
)
def test_a_metric_is_written_by_its_unit(value: float | None, unit: Unit, words: str) -> None:
    assert figure(value, unit, "ru") == words


def test_no_data_is_a_dash() -> None:
    assert (integer(None, "en"), percent(None, "ru")) == (NO_DATA, NO_DATA)
    assert (seconds(None, "en"), milliseconds(None, "ru"), minutes(None, "en")) == (NO_DATA,) * 3
