import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.numbers import Rejection, is_country, mask, normalise, zones_of


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+79001234567", "+79001234567"),
        ("8 (900) 123-45-67", "+79001234567"),
        ("79001234567", "+79001234567"),
        ("9001234567", "+79001234567"),
        ("  +7\u00a0900\u2011123\u201345 67 ", "+79001234567"),
        ("\u202a+79001234567\u202c", "+79001234567"),
        ("'79001234567", "+79001234567"),
        ('="79001234567"', "+79001234567"),
        ("79001234567.0", "+79001234567"),
        ("79001234567,00", "+79001234567"),
        ("+49 30 901820", "+4930901820"),
    ],
)
def test_what_people_write_becomes_e164(raw: str, expected: str) -> None:
    assert normalise(raw, "RU") == expected


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "number_missing"),
        ("  ", "number_missing"),
        ("---", "number_missing"),
        ("abc", "number_not_digits"),
        ("8-800-FLOWERS", "number_not_digits"),
        ("7,9E+10", "number_not_digits"),
        ("79001234567, 79001234568", "number_not_digits"),
        ("79001234567 доб. 5", "number_not_digits"),
        ("12345", "number_invalid"),
        ("0" * 21, "number_invalid"),
        ("+99912345678", "number_invalid"),
        ("++79001234567", "number_not_digits"),
    ],
)
def test_what_is_no_number_is_rejected_with_a_code(raw: str, code: str) -> None:
    assert normalise(raw, "RU") == Rejection(code)


def test_a_number_without_country_code_is_read_in_the_default_country() -> None:
    assert normalise("030 901820", "DE") == "+4930901820"
    assert normalise("+79001234567", "DE") == "+79001234567"


@given(st.text())
def test_any_text_is_a_number_or_a_rejection(raw: str) -> None:
    number = normalise(raw, "RU")
    assert isinstance(number, Rejection) or normalise(number, "US") == number


def test_a_landline_has_the_zone_of_its_city_and_a_mobile_every_zone_of_its_plan() -> None:
    assert zones_of("+74951234567") == ("Europe/Moscow",)
    assert {"Europe/Moscow", "Asia/Kamchatka"} <= set(zones_of("+79001234567"))
    assert zones_of("nonsense") == ()
    assert zones_of("+80012345678") == (), "freephone numbers live nowhere"


def test_a_masked_number_keeps_its_country_and_its_end() -> None:
    assert mask("+79001234567") == "+79001…567"
    assert mask("+7900123") == "…"


def test_countries_are_those_with_a_numbering_plan() -> None:
    assert is_country("RU")
    assert not is_country("ZZ")
    assert not is_country("ru")
