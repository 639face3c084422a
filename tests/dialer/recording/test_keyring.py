"""Keys as the settings give them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.recording.keyring import KeyringInvalid, new_entry, parse_keyring

ONE = base64.b64encode(b"1" * 32).decode()
TWO = base64.b64encode(b"2" * 32).decode()


def test_the_first_key_seals_and_the_others_open() -> None:
    keyring = parse_keyring(f"# of the spring\nnew:{TWO}\nold:{ONE}\n")
    assert (keyring.current_id, keyring.current) == ("new", b"2" * 32)
    assert (keyring.get("old"), keyring.get("lost")) == (b"1" * 32, None)
    assert parse_keyring(f"new:{TWO}, old:{ONE}").key_ids == ("new", "old")


def test_a_keyring_does_not_show_its_keys() -> None:
    keyring = parse_keyring(f"a:{ONE}")
    assert ONE not in repr(keyring)
    assert "1111" not in repr(keyring)


@pytest.mark.parametrize(
    ("text", "code", "entry"),
    [
        ("", "no_keys", 1),
        ("# only a remark", "no_keys", 1),
        (ONE, "not_an_entry", 1),
        (f"a b:{ONE}", "not_a_key_id", 1),
        (f"{'k' * 17}:{ONE}", "not_a_key_id", 1),
        (f"a:{ONE}\nb:{ONE[:-8]}", "not_a_key", 2),
        (f"a:{ONE}\nb:пароль", "not_a_key", 2),
        (f"a:{ONE},a:{TWO}", "same_id_twice", 2),
    ],
)
def test_what_is_wrong_is_said_without_telling_the_key(text: str, code: str, entry: int) -> None:
    with pytest.raises(KeyringInvalid) as caught:
        parse_keyring(text)
    assert (caught.value.code, caught.value.entry) == (code, entry)
    assert ONE not in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_keyring_or_invalid(text: str) -> None:
    try:
        parse_keyring(text)
    except KeyringInvalid:
        return


def test_a_new_entry_is_an_entry() -> None:
    assert parse_keyring(new_entry("k1", lambda count: b"r" * count)).current == b"r" * 32
