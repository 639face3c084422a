"""Streams of messages, keep-alives and garbage, in every split."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialer.config import Limits
from dialer.errors import MessageTooLarge
from dialer.sip.framing import Broken, Frame, Ping, Pong, StreamFramer, Whole
from dialer.sip.message import parse_message
from tests.dialer.sip.messages import request

LIMITS = Limits(max_head_bytes=2_000, max_message_bytes=5_000)
INVITE = request("INVITE", body=b"v=0\r\n\r\nrest").to_bytes()
BYE = request("BYE", to_tag="callee").to_bytes()
BROKEN = b"OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n"

pieces = st.lists(
    st.sampled_from([INVITE, BYE, b"\r\n", b"\r\n\r\n", BROKEN, b"\0", b"\r", b"l: 3\r\n\r\nabc"])
    | st.binary(max_size=40),
    max_size=8,
)


def frames_of(*chunks: bytes, limits: Limits = LIMITS) -> list[Frame]:
    framer = StreamFramer(limits)
    return [frame for chunk in chunks for frame in framer.receive(chunk)]


def comparable(frames: list[Frame]) -> list[object]:
    return [type(frame) if isinstance(frame, Broken) else frame for frame in frames]


@given(pieces, st.lists(st.integers(0, 4_000), max_size=20))
@example([INVITE, BYE], [1, 2, 3])
@example([b"\r\n", b"\r\n\r\n", INVITE], [1, 2, 3, 4, 5])
def test_any_split_of_the_bytes_gives_the_same_messages(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]

    assert comparable(frames_of(*chunks)) == comparable(frames_of(stream))


@given(st.lists(st.binary(max_size=3_000), max_size=10))
def test_garbage_never_raises_and_is_never_kept_beyond_one_message(chunks: list[bytes]) -> None:
    framer = StreamFramer(LIMITS)
    is_broken = False
    for chunk in chunks:
        frames = framer.receive(chunk)
        assert not (is_broken and frames), "Broken comes last"
        is_broken = is_broken or any(isinstance(frame, Broken) for frame in frames)
        assert framer.unparsed_bytes <= LIMITS.max_message_bytes


@given(st.lists(st.sampled_from([INVITE, BYE]), max_size=6))
def test_messages_come_out_as_they_went_in(messages: list[bytes]) -> None:
    assert frames_of(b"".join(messages)) == [Whole(message) for message in messages]


def test_byte_by_byte_is_the_same_too() -> None:
    stream = b"\r\n" + INVITE + b"\r\n\r\n" + BYE
    assert frames_of(*[bytes([byte]) for byte in stream]) == [Whole(INVITE), Ping(), Whole(BYE)]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 3",
        b"l:3",
        b"CONTENT-LENGTH \t:  3 ",
        b"Content-Length:\r\n 3",
        b"l: 3\r\nContent-Length: 3",
    ],
)
def test_a_length_may_be_written_in_every_way_of_the_grammar(header: bytes) -> None:
    message = b"OPTIONS sip:a@b SIP/2.0\r\n" + header + b"\r\nVia: x\r\n\r\nabc"
    assert frames_of(message + BYE) == [Whole(message), Whole(BYE)]


@pytest.mark.parametrize(
    "header",
    [
        b"Via: x",
        b"Content-Length: -1",
        b"Content-Length: +3",
        b"Content-Length: 3 3",
        b"Content-Length:",
        b"Content-Length: 99999999999",
        b"Content-Length: 3\r\nl: 4",
        b"Subject: x\r\n Content-Length: 3",
    ],
)
def test_without_one_certain_length_the_stream_is_broken(header: bytes) -> None:
    head = b"OPTIONS sip:a@b SIP/2.0\r\n" + header + b"\r\n\r\n"
    (frame,) = frames_of(head + BYE, BYE)
    assert isinstance(frame, Broken)
    assert frame.data.startswith(head)
    assert frame.error.status_hint == 400


def test_a_head_without_end_is_given_up_at_its_limit() -> None:
    assert frames_of(b"x" * 2_000) == []
    (frame,) = frames_of(b"x" * 2_000, b"x")
    assert isinstance(frame, Broken)
    assert isinstance(frame.error, MessageTooLarge)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read() -> None:
    (frame,) = frames_of(b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 5000\r\n\r\n")
    assert isinstance(frame, Broken)
    assert frame.error.status_hint == 513


def test_what_is_whole_before_the_break_is_not_lost() -> None:
    first, second = frames_of(BYE + BROKEN)
    assert first == Whole(BYE)
    assert isinstance(second, Broken)
    assert parse_message(BYE).call_id == "call"


def test_a_crlf_that_is_awaited_is_a_pong_and_no_half_of_a_ping() -> None:
    """RFC 5626 §4.4.1."""
    framer = StreamFramer(LIMITS)
    framer.expect_pong()
    assert framer.receive(b"\r\n") == [Pong()]
    framer.expect_pong()
    assert framer.receive(b"\r\n\r\n") == [Pong()]
    assert framer.receive(b"\r\n") == [Ping()]


def test_the_default_limits_take_what_udp_takes() -> None:
    body = bytes(60_000)
    large = request("INVITE", body=body).to_bytes()
    assert frames_of(large, limits=Limits()) == [Whole(large)]
