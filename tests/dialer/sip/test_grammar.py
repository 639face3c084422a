import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import InvalidHeader
from dialer.sip.grammar import format_params, is_token, parse_params, quote, split_outside_quotes, unquote


@given(st.text())
def test_unquote_undoes_quote(text: str) -> None:
    assert unquote(quote(text)) == text


@pytest.mark.parametrize("text", ["", '"', "abc", '"abc', 'abc"'])
def test_text_that_is_not_quoted_is_left_alone(text: str) -> None:
    assert unquote(text) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"x, y" <sip:a,b@c>, <sip:d@e>', ['"x, y" <sip:a,b@c>', "<sip:d@e>"]),
        (r'"a\"b,c", d', [r'"a\"b,c"', "d"]),
        ('"a;b", c', ['"a;b"', "c"]),
        ('"a";b, c', ['"a";b', "c"]),
        ("a < b, c", ["a < b", "c"]),
    ],
)
def test_commas_in_quotes_and_angle_brackets_do_not_split(text: str, parts: list[str]) -> None:
    assert split_outside_quotes(text, ",") == parts


def test_a_quote_that_never_closes_is_refused() -> None:
    with pytest.raises(InvalidHeader):
        split_outside_quotes('"a, b', ",")


def test_parameters_keep_their_order_and_their_quotes() -> None:
    params = parse_params('Tag=1 ; lr;text="a;b=c" ; empty=')
    assert list(params.items()) == [("tag", "1"), ("lr", None), ("text", '"a;b=c"'), ("empty", "")]
    assert format_params(params) == ';tag=1;lr;text="a;b=c";empty='


@pytest.mark.parametrize("text", ["", ";", "a;;b", "=1", "a b=1", 'a="x'])
def test_a_parameter_without_a_proper_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_params(text)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9\-.!%*_+`'~]+", fullmatch=True),
        st.none() | st.text().map(quote) | st.from_regex(r"[A-Za-z0-9.:]*", fullmatch=True),
        min_size=1,
    )
)
def test_parameters_survive_writing_and_reading(params: dict[str, str | None]) -> None:
    assert parse_params(format_params(params)[1:]) == params


@pytest.mark.parametrize(
    ("text", "expected"), [("INVITE", True), ("-.!%*_+`'~", True), ("", False), ("a b", False), ("é", False)]
)
def test_tokens_are_those_of_the_rfc(text: str, expected: bool) -> None:  # noqa: FBT001
    assert is_token(text) is expected
