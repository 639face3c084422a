import pytest

from api.catalogue import Language
from api.figures_in_words import NO_DATA, decimal, integer, percent


@pytest.mark.parametrize(
    ("language", "seconds", "share"), [("en", "1,234.50", "12.5%"), ("ru", "1 234,50", "12,5 %")]
)
def test_numbers_are_written_as_the_language_writes_them(
    language: Language, seconds: str, share: str
) -> None:
    words = [decimal(1234.5, 2, language), percent(0.125, language)]
    assert [word.replace("\N{NO-BREAK SPACE}", " ") for word in words] == [seconds, share]


def test_no_data_is_a_dash() -> None:
    assert (integer(None, "en"), percent(None, "ru")) == (NO_DATA, NO_DATA)
