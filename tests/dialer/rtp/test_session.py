"""The audio of one call: whom we believe, and what is counted."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.packet import RtpPacket, build_packet
from dialer.rtp.session import FRAME_SECONDS, RtpSession

CALLEE = ("127.0.0.9", 4000)
NAT = ("127.0.0.8", 5555)
STRANGER = ("127.0.0.7", 6666)


def session(*, payload_type: int = 0, can_send: bool = True, start: bytes = bytes(10)) -> RtpSession:
    made = RtpSession(lambda count: start[:count])
    made.set_media(CALLEE, payload_type=payload_type, telephone_event=96, can_send=can_send)
    return made


def arriving(
    payload: bytes = b"\xff" * 160,
    *,
    payload_type: int = 0,
    timestamp: int = 0,
    ssrc: int = 1,
    sequence: int = 1,
) -> bytes:
    return build_packet(RtpPacket(payload_type, sequence, timestamp, ssrc, payload))


def test_audio_goes_to_the_named_address_until_audio_has_come() -> None:
    made = session()
    assert made.destination == CALLEE
    made.receive(arriving(), NAT, 0.0)
    assert made.destination == NAT


def test_once_latched_a_stranger_is_refused() -> None:
    made = session()
    made.receive(arriving(), NAT, 0.0)

    digit = made.receive(arriving(b"\x01\x0a\x00\xa0", payload_type=101), STRANGER, 0.0)

    assert digit is None
    assert made.packets_refused == 1
    assert made.destination == NAT


def test_the_named_address_takes_over_from_a_stranger_who_was_first() -> None:
    made = session()
    made.receive(arriving(), STRANGER, 0.0)
    made.receive(arriving(), CALLEE, 0.0)
    made.receive(arriving(), STRANGER, 0.0)
    assert made.destination == CALLEE
    assert (made.packets_received, made.packets_refused) == (2, 1)


def test_a_new_address_in_a_reinvite_forgets_the_old_source() -> None:
    made = session()
    made.receive(arriving(), NAT, 0.0)
    made.set_media(STRANGER, payload_type=0, telephone_event=96, can_send=True)
    assert made.destination == STRANGER


def test_nobody_is_believed_before_there_is_an_answer() -> None:
    made = RtpSession(bytes)
    assert made.receive(arriving(b"\x01\x0a\x00\xa0", payload_type=101), CALLEE, 0.0) is None
    assert made.packets_refused == 1


def test_a_key_counts_under_the_offered_and_under_the_answered_type() -> None:
    made = session()
    digits = [
        made.receive(
            arriving(b"\x01\x0a\x00\xa0", payload_type=payload_type, timestamp=timestamp), CALLEE, 0.0
        )
        for payload_type, timestamp in ((101, 1000), (96, 2000), (97, 3000))
    ]
    assert digits == ["1", "1", None]


def test_another_stream_of_the_same_peer_begins_anew() -> None:
    made = session()
    event = (b"\x01\x0a\x00\xa0", 101, 1000)
    digits = [
        made.receive(arriving(event[0], payload_type=event[1], timestamp=event[2], ssrc=ssrc), CALLEE, 0.0)
        for ssrc in (1, 1, 2)
    ]
    assert digits == ["1", None, "1"]


def test_garbage_is_counted_and_nothing_else() -> None:
    made = session()
    for length in itertools.chain(range(12), [200]):
        assert made.receive(b"\0" * length, CALLEE, 0.0) is None
    assert made.packets_refused == 13
    assert made.destination == CALLEE


def test_reports_go_to_the_port_above_and_only_the_peer_is_believed() -> None:
    made = session()
    assert made.report_destination == (CALLEE[0], CALLEE[1] + 1)
    report = bytes.fromhex("81c90007" + "0a0a0a0a" + "00000000" + "80000010" + "00000000" * 4)
    heard = []
    for host in (STRANGER[0], CALLEE[0]):
        made.receive_report(report, (host, 4001), 0.0)
        heard.append(made.reports.reported_loss)
    assert heard == [None, 0.5]
    assert (made.reports.received, made.packets_refused) == (1, 1)


def test_a_source_is_certain_at_once_where_the_sdp_names_it_and_else_after_a_second() -> None:
    named, natted = session(), session()
    named.receive(arriving(), CALLEE, 0.0)
    assert named.is_source_certain
    for index in range(49):
        natted.receive(arriving(sequence=index), NAT, index * FRAME_SECONDS)
    assert not natted.is_source_certain
    natted.receive(arriving(sequence=49), NAT, 1.0)
    assert natted.is_source_certain


def test_a_silent_source_behind_nat_is_not_certain_for_ever_and_the_named_one_is() -> None:
    named, natted = session(), session()
    named.receive(arriving(), CALLEE, 0.0)
    for index in range(50):
        natted.receive(arriving(sequence=index), NAT, 0.0)
    assert not natted.forget_silent_source(2.9)
    assert natted.forget_silent_source(3.0)
    assert not natted.is_source_certain
    assert natted.destination == NAT, "until the named address speaks"
    assert not named.forget_silent_source(100.0)


def test_an_address_is_the_same_however_it_is_written() -> None:
    made = RtpSession(bytes)
    made.set_media(("2001:DB8:0::1", 4000), payload_type=0, telephone_event=None, can_send=True)
    made.receive(arriving(), ("2001:db8::1", 4000), 0.0)
    assert made.is_source_certain


def test_what_is_in_its_turn_takes_the_short_way_with_the_same_result() -> None:
    short, long = session(), session()
    for index in range(70_000):
        data = arriving(sequence=index & 0xFFFF, timestamp=160 * index)
        if index < 300:
            long.receive(data, CALLEE, 0.02 * index)
        if index == 0:
            short.receive(data, CALLEE, 0.0)
        else:
            short.receive_from_source(bytearray(data) + bytes(50), len(data), 0.02 * index, 0.02 * index)
    assert (short.reception.expected, short.reception.received, short.reception.lost) == (70_000, 70_000, 0)
    assert (long.reception.expected, long.reception.lost) == (300, 0)
    assert short.reception.jitter_samples == 0


def test_a_packet_that_is_late_counts_as_jitter_where_its_arrival_is_known() -> None:
    """RFC 3550 A.8 takes every packet in the order of arrival."""
    made = session()
    made.receive(arriving(sequence=0, timestamp=0), CALLEE, 0.0)
    for sequence, arrived in ((1, 0.02), (3, 0.06), (2, 0.10), (4, 0.10)):
        data = arriving(sequence=sequence, timestamp=160 * sequence)
        made.receive_from_source(bytearray(data), len(data), arrived, arrived)
    # transit times step by 0, 480 and 320 samples: 480/16 = 30, then 30 + (320 - 30)/16 = 48.125, an eighth of that in ms
    assert made.quality().jitter_ms == 6.02


def read(made: RtpSession, data: bytes, now: float) -> str | None:
    """As `net.rtp_socket` reads where it can only be the peer's."""
    lane = made.lane
    if int.from_bytes(data[:4], "big") == lane.expects and int.from_bytes(data[8:12], "big") == lane.ssrc:
        lane.expects += 1
        return None
    return made.receive_from_source(data, len(data), now)


def test_what_is_known_by_its_first_bytes_is_counted_all_the_same() -> None:
    made = session()
    made.receive(arriving(sequence=65_530), CALLEE, 0.0)
    for number in range(65_531, 65_531 + 40):
        if number - 65_531 not in (5, 20):  # 65,536 is 0 again: lost as the wrap happens
            read(made, arriving(sequence=number & 0xFFFF), 0.02)
    quality = made.quality()
    assert (quality.packets_expected, quality.packets_received, quality.packets_lost) == (41, 39, 2)
    assert read(made, arriving(b"\x01\x0a\x00\xa0", payload_type=101, sequence=35), 1.0) == "1"
    assert made.packets_received == 40
    made.note_answered()
    assert made.quality().is_one_way is True
    assert read(made, arriving(sequence=36), 1.0) is None
    assert made.quality().is_one_way is False


def test_who_begins_to_listen_in_the_middle_hears_every_packet_from_then_on() -> None:
    made = session()
    made.receive(arriving(sequence=1), CALLEE, 0.0)
    heard: list[int] = []

    def listen(_kind: int, sequence: int, *_rest: object) -> None:
        heard.append(sequence)

    read(made, arriving(sequence=2), 0.0)
    made.add_listener(listen)
    for sequence in (3, 4):
        read(made, arriving(sequence=sequence), 0.0)
    made.remove_listener(listen)
    made.remove_listener(listen)
    for sequence in (5, 6):
        read(made, arriving(sequence=sequence), 0.0)
    assert heard == [3, 4]
    assert (made.packets_received, made.reception.lost) == (6, 0)
    assert made.lane.expects & 0xFFFF == 7


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 8, 101]), st.integers(0, 1)), max_size=80))
def test_the_lane_and_the_long_way_count_the_same(packets: list[tuple[int, int, int]]) -> None:
    by_lane, by_session = session(), session()
    sequence = 65_500
    for step, payload_type, ssrc in packets:
        sequence = (sequence + step - 1) & 0xFFFF
        data = arriving(b"\0" * 8, payload_type=payload_type, ssrc=ssrc, sequence=sequence)
        read(by_lane, data, 0.0)
        by_session.receive_from_source(data, len(data), 0.0)
    assert by_lane.quality() == by_session.quality()


def test_our_own_ssrc_in_a_peers_mouth_makes_us_take_another_one_once() -> None:
    starts = iter([bytes(10), b"\0\0\0\7", b"\0\0\0\x08"])
    made = RtpSession(lambda _count: next(starts))
    made.set_media(CALLEE, payload_type=0, telephone_event=None, can_send=True)
    for ssrc in (0, 7):
        made.receive(arriving(ssrc=ssrc), CALLEE, 0.0)
    assert made.outgoing.ssrc == 7


def test_listeners_hear_all_but_duplicates_and_know_what_is_in_its_turn() -> None:
    made = session()
    heard: list[tuple[int, bool]] = []
    made.add_listener(
        lambda _kind, sequence, _timestamp, _payload, is_in_turn, _now: heard.append((sequence, is_in_turn))
    )
    for sequence in (5, 6, 8, 7, 7, 9):
        made.receive(arriving(sequence=sequence), CALLEE, 0.0)
    assert heard == [(5, True), (6, True), (8, False), (7, False), (9, True)]


def test_a_call_on_which_nothing_comes_after_the_answer_is_one_way() -> None:
    made = session()
    assert made.quality().is_one_way is None
    made.receive(arriving(), CALLEE, 0.0)
    made.note_answered()
    assert made.quality().is_one_way is True
    made.receive(arriving(sequence=2), CALLEE, 0.0)
    assert made.quality().is_one_way is False


@given(
    st.lists(
        st.tuples(
            st.sampled_from([CALLEE, NAT, STRANGER]),
            st.one_of(
                st.binary(max_size=40),
                st.builds(
                    arriving,
                    st.binary(max_size=8),
                    payload_type=st.sampled_from([0, 8, 13, 96, 101, 127]),
                    timestamp=st.integers(0, 0xFFFFFFFF),
                    ssrc=st.integers(0, 2),
                    sequence=st.integers(0, 0xFFFF),
                ),
            ),
        ),
        max_size=60,
    )
)
def test_no_datagrams_in_any_order_break_the_session(datagrams: list[tuple[tuple[str, int], bytes]]) -> None:
    made = session()
    for index, (addr, data) in enumerate(datagrams):
        if addr == CALLEE and made.destination == CALLEE:
            made.receive_from_source(data, len(data), float(index), None)
        else:
            made.receive(data, addr, float(index))
        assert made.destination in (CALLEE, NAT, STRANGER)
    quality = made.quality()
    assert min(quality.packets_lost, quality.packets_late, quality.packets_duplicated) >= 0
    assert quality.packets_received + made.packets_refused <= len(datagrams)
