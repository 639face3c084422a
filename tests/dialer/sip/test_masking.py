import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.sip.masking import mask_message, mask_numbers, without_credentials

INVITE = b"\r\n".join(
    [
        b"INVITE sip:+79001234567@127.0.0.9 SIP/2.0",
        b"Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1234567890",
        b'From: "Shop 74951112233" <sip:74951112233@127.0.0.9>;tag=1234567890',
        b"To: <sip:+79001234567@127.0.0.9>",
        b"Call-ID: 1234567890-abcdef",
        b"CSeq: 12345678 INVITE",
        b"P-Asserted-Identity: <tel:+7-495-111-22-33>",
        b"Diversion: <sip:88001112233@127.0.0.9>;reason=unconditional",
        b'Proxy-Authorization: Digest username="79001234567", nonce="abc",',
        b' response="0123456789abcdef"',
        b"Content-Type: application/sdp",
        b"Content-Length: 92",
        b"",
        b"v=0\r\no=79001234567 1234567890 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000\r\n",
    ]
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+79001234567", "+7900xxxx567"),
        ("1234567", "xxxx567"),
        ("sip:127.0.0.9:5060", "sip:127.0.0.9:5060"),
        ("SIP/2.0 486 Busy Here", "SIP/2.0 486 Busy Here"),
        ("tel:+7-900-123-45-67;phone-context=x", "tel:+7-900-xxx-x5-67;phone-context=x"),
        ("a tag=1234567890", "a tag=1234567890"),
    ],
)
def test_only_telephone_numbers_are_masked(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked


def test_no_number_of_a_person_is_left_in_a_message_and_what_ties_messages_together_is() -> None:
    seen = mask_message(INVITE)

    assert len(seen) == len(INVITE)
    for number in (b"79001234567", b"74951112233", b"495-111-22-33", b"88001112233"):
        assert number not in seen
    for kept in (
        b"branch=z9hG4bK1234567890",
        b"tag=1234567890",
        b"Call-ID: 1234567890-abcdef",
        b"CSeq: 12345678 INVITE",
        b"Content-Length: 92",
        b"o=7900xxxx567 1234567890 2 IN IP4 127.0.0.1",
    ):
        assert kept in seen


def test_numbers_in_a_body_that_is_no_description_are_masked_too() -> None:
    data = b"MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\no=x 79001234567"
    assert mask_message(data).endswith(b"o=x 7900xxxx567")


def test_credentials_are_never_seen_folded_ones_neither() -> None:
    seen = without_credentials(INVITE)

    assert len(seen) == len(INVITE)
    assert b"0123456789abcdef" not in seen
    assert b"Digest" not in seen
    assert b"Proxy-Authorization: xxxxxx xxx" in seen
    assert seen.count(b"\r\n") == INVITE.count(b"\r\n")


@given(st.binary(max_size=400))
def test_any_bytes_keep_their_length(data: bytes) -> None:
    assert len(mask_message(data)) == len(without_credentials(data)) == len(data)
