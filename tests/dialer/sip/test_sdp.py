import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import InvalidSdp
from dialer.sip.sdp import NegotiatedMedia, answer_offer, build_offer, media_from_answer, parse_sdp

ANSWER = (
    b"v=0\r\no=- 3803 3805 IN IP4 127.0.0.22\r\ns=Asterisk\r\nc=IN IP4 127.0.0.22\r\nt=0 0\r\n"
    b"m=audio 10012 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n"
    b"a=fmtp:96 0-16\r\na=ptime:20\r\na=maxptime:140\r\na=sendrecv\r\n"
)


def media(body: bytes) -> NegotiatedMedia:
    return media_from_answer(parse_sdp(body))


def test_our_offer_is_exactly_this() -> None:
    assert build_offer("127.0.0.1", 20000, 42, ptime_ms=30) == (
        b"v=0\r\no=- 42 42 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        b"m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:30\r\na=sendrecv\r\n"
    )


def test_an_ipv6_address_is_named_as_such() -> None:
    assert b"c=IN IP6 ::1\r\n" in build_offer("::1", 20000, 42)
    assert media(build_offer("::1", 20000, 42)).remote_host == "::1"


def test_an_answer_says_where_and_how_to_send() -> None:
    assert media(ANSWER) == NegotiatedMedia(
        remote_host="127.0.0.22",
        remote_port=10012,
        payload_type=8,
        telephone_event_payload_type=96,
        can_send=True,
    )
    section = parse_sdp(ANSWER).media[0]
    assert (section.ptime_ms, section.encodings) == (20, {8: "PCMA/8000", 96: "TELEPHONE-EVENT/8000"})


def test_a_session_is_told_from_its_successor_by_its_version() -> None:
    session = parse_sdp(ANSWER)
    assert (session.session_id, session.version) == ("3803", "3805")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b"\r\n", b"\n"),
        (b"\r\n", b" \r\n"),
        (b"\r\n", b"\r\n\r\n"),
        (b"t=0 0\r\n", b""),
        (b"t=0 0\r\n", b"t=0 0\r\na=ice-lite\r\n"),
        (b"PCMA/8000", b"pcma/8000/1"),
        (b"a=rtpmap:8 PCMA/8000\r\n", b""),
        (b"RTP/AVP 8 96", b"RTP/AVP 18 8 96"),
        (b"10012 RTP", b"10012/1 RTP"),
        (b"a=ptime:20", b"a=ptime:twenty\r\na=rtpmap:nonsense\r\nz=0 0"),
    ],
)
def test_an_answer_may_be_written_in_other_ways(was: bytes, now: bytes) -> None:
    assert was in ANSWER
    assert media(ANSWER.replace(was, now)) == media(ANSWER)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b"v=0", b"v=1"),
        (b"o=- 3803 3805 IN IP4 127.0.0.22\r\n", b""),
        (b"o=- 3803 3805 IN IP4 127.0.0.22", b"o=- 3803"),
        (b"c=IN IP4 127.0.0.22\r\n", b""),
        (b"c=IN IP4 127.0.0.22", b"c=IN IP4 trunk.example"),
        (b"c=IN IP4 127.0.0.22", b"c=IN IP4"),
        (b"c=IN IP4 127.0.0.22", b"c=IN IP6 127.0.0.22"),
        (b"c=IN IP4 127.0.0.22", b"c=IN IP4 224.2.1.1/127"),
        (b"m=audio 10012", b"m=audio 0"),
        (b"m=audio 10012", b"m=audio 65536"),
        (b"m=audio 10012", b"m=audio many"),
        (b"m=audio 10012", b"m=video 10012"),
        (b"RTP/AVP", b"RTP/SAVP"),
        (b"RTP/AVP 8 96", b"RTP/AVP 18 96"),
        (b"RTP/AVP 8 96", b"RTP/AVP"),
        (b"PCMA/8000", b"PCMA/16000"),
        (b"a=ptime:20", b"nonsense"),
    ],
)
def test_an_answer_that_gives_us_no_audio_is_answered_488(was: bytes, now: bytes) -> None:
    assert was in ANSWER
    with pytest.raises(InvalidSdp) as refused:
        media(ANSWER.replace(was, now))
    assert refused.value.status_hint == 488


def test_a_static_type_redefined_is_not_the_codec_it_looks_like() -> None:
    with pytest.raises(InvalidSdp):
        media(
            ANSWER.replace(b"RTP/AVP 8", b"RTP/AVP 0").replace(
                b"a=rtpmap:8 PCMA/8000", b"a=rtpmap:0 L16/44100"
            )
        )


@pytest.mark.parametrize("encoding", [b"telephone-event/16000", b"CN/8000"])
def test_digits_at_another_clock_rate_are_none_to_us(encoding: bytes) -> None:
    assert media(ANSWER.replace(b"telephone-event/8000", encoding)).telephone_event_payload_type is None


def test_digits_must_be_among_the_formats() -> None:
    assert media(ANSWER.replace(b"RTP/AVP 8 96", b"RTP/AVP 8")).telephone_event_payload_type is None


def test_the_address_of_the_section_wins() -> None:
    body = ANSWER.replace(b"a=ptime", b"c=IN IP4 127.0.0.33\r\na=ptime")
    assert media(body).remote_host == "127.0.0.33"


@pytest.mark.parametrize(
    ("direction", "can_send"),
    [(b"a=sendrecv", True), (b"a=recvonly", True), (b"a=sendonly", False), (b"a=inactive", False)],
)
def test_we_send_only_while_the_peer_listens(direction: bytes, can_send: bool) -> None:  # noqa: FBT001
    assert media(ANSWER.replace(b"a=sendrecv", direction)).can_send is can_send
    of_session = ANSWER.replace(b"a=sendrecv\r\n", b"").replace(b"t=0 0", b"t=0 0\r\n" + direction)
    assert media(of_session).can_send is can_send


def test_the_old_way_to_hold_a_call_is_understood() -> None:
    assert not media(ANSWER.replace(b"c=IN IP4 127.0.0.22", b"c=IN IP4 0.0.0.0")).can_send


OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.22\r\ns=-\r\nc=IN IP4 127.0.0.22\r\nt=0 0\r\n"
    b"m=video 7000 RTP/AVP 31\r\nm=audio 8000 RTP/AVP 3 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    b"a=sendonly\r\nm=audio 8002 RTP/AVP 0\r\n"
)


def test_one_audio_section_is_accepted_and_the_others_refused() -> None:
    body, chosen = answer_offer(parse_sdp(OFFER), "127.0.0.1", 20000, 5, 6)
    assert body == (
        b"v=0\r\no=- 5 6 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        b"m=video 0 RTP/AVP 31\r\n"
        b"m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        b"a=fmtp:101 0-15\r\na=ptime:20\r\na=recvonly\r\n"
        b"m=audio 0 RTP/AVP 0\r\n"
    )
    assert (chosen.remote_port, chosen.payload_type, chosen.can_send) == (8000, 8, False)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (b"sendrecv", b"sendrecv"),
        (b"sendonly", b"recvonly"),
        (b"recvonly", b"sendonly"),
        (b"inactive", b"inactive"),
    ],
)
def test_the_answer_mirrors_the_direction_of_the_offer(theirs: bytes, ours: bytes) -> None:
    body, _ = answer_offer(parse_sdp(OFFER.replace(b"sendonly", theirs)), "127.0.0.1", 20000, 5, 6)
    assert b"a=" + ours + b"\r\n" in body


def test_digits_that_were_not_offered_are_not_answered() -> None:
    body, chosen = answer_offer(parse_sdp(OFFER.replace(b" 101\r\n", b"\r\n")), "127.0.0.1", 20000, 5, 6)
    assert b"telephone-event" not in body
    assert chosen.telephone_event_payload_type is None


def test_an_offer_without_audio_for_us_is_refused() -> None:
    with pytest.raises(InvalidSdp):
        answer_offer(parse_sdp(OFFER.replace(b"m=audio", b"m=text")), "127.0.0.1", 20000, 5, 6)


def test_our_answer_to_our_offer_connects_the_two_ends() -> None:
    offer = build_offer("127.0.0.1", 20000, 1)
    answer, heard = answer_offer(parse_sdp(offer), "127.0.0.2", 30000, 2, 2)
    assert (heard.remote_host, heard.remote_port, heard.payload_type) == ("127.0.0.1", 20000, 0)
    assert (media(answer).remote_host, media(answer).remote_port, media(answer).payload_type) == (
        "127.0.0.2",
        30000,
        0,
    )


def check_any_body(body: bytes) -> None:
    """Any bytes are a description or InvalidSdp; whatever is negotiated can be sent to."""
    try:
        session = parse_sdp(body)
        answer, chosen = answer_offer(session, "127.0.0.1", 20000, 1, 1)
    except InvalidSdp:
        return
    assert chosen.payload_type in {0, 8}
    assert 0 < chosen.remote_port < 65_536
    assert len(parse_sdp(answer).media) == len(session.media)


@given(st.binary(max_size=200) | st.text(alphabet="vmcoa=\r\n0 18/RTPAVIN.:-", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    check_any_body(body)
    check_any_body(b"v=0\r\no=- 1 1\r\nc=IN IP4 127.0.0.1\r\n" + body)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(OFFER)),
            st.integers(0, 8),
            st.binary(max_size=4) | st.sampled_from([b"\r\n", b" ", b"="]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_damaged_offer_is_read_or_refused(damages: list[tuple[int, int, bytes]]) -> None:
    body = OFFER
    for start, length, replacement in damages:
        body = body[:start] + replacement + body[start + length :]
    check_any_body(body)
