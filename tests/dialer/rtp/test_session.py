"""The audio of one call: what is sent each 20 ms, and whom we believe."""

import itertools

from dialer.rtp.packet import RtpPacket, build_packet, parse_packet
from dialer.rtp.session import FRAME_SECONDS, RtpSession

CALLEE = ("127.0.0.9", 4000)
NAT = ("127.0.0.8", 5555)
STRANGER = ("127.0.0.7", 6666)
ULAW = bytes(range(200)) * 4  # five frames
ALAW = bytes(reversed(ULAW))


def session(*, payload_type: int = 0, can_send: bool = True, start: bytes = bytes(10)) -> RtpSession:
    made = RtpSession(lambda count: start[:count])
    made.set_media(CALLEE, payload_type=payload_type, telephone_event=96, can_send=can_send)
    return made


def sent(made: RtpSession, now: float = 0.0) -> list[RtpPacket]:
    packets = []
    while (data := made.next_packet(now)) is not None:
        packet = parse_packet(data)
        assert packet is not None
        packets.append(packet)
        now += FRAME_SECONDS
    return packets


def arriving(
    payload: bytes = b"\xff" * 160, *, payload_type: int = 0, timestamp: int = 0, ssrc: int = 1
) -> bytes:
    return build_packet(RtpPacket(payload_type, 1, timestamp, ssrc, payload))


def test_a_prompt_leaves_in_slices_of_160_samples() -> None:
    made = session()
    made.play(ULAW, ALAW)

    packets = sent(made)

    assert b"".join(packet.payload for packet in packets) == ULAW
    assert [packet.sequence for packet in packets] == [0, 1, 2, 3, 4]
    assert [packet.timestamp for packet in packets] == [0, 160, 320, 480, 640]
    assert [packet.has_marker for packet in packets] == [True, False, False, False, False]
    assert made.played_ms == 100
    assert not made.is_playing


def test_the_callee_who_chose_a_law_gets_a_law() -> None:
    made = session(payload_type=8)
    made.play(ULAW, ALAW)

    packets = sent(made)

    assert {packet.payload_type for packet in packets} == {8}
    assert b"".join(packet.payload for packet in packets) == ALAW


def test_the_last_slice_is_filled_with_silence() -> None:
    made = session()
    made.play(ULAW[:170], ALAW[:170])
    assert sent(made)[1].payload == ULAW[160:170] + b"\xff" * 150


def test_sequence_and_timestamp_start_at_random_and_wrap() -> None:
    made = session(start=b"\x00\x00\x00\x2a" + b"\xff\xff" + b"\xff\xff\xff\xff")
    made.play(ULAW, ALAW)

    packets = sent(made)

    assert {packet.ssrc for packet in packets} == {42}
    assert [packet.sequence for packet in packets[:3]] == [0xFFFF, 0, 1]
    assert [packet.timestamp for packet in packets[:2]] == [0xFFFFFFFF, 159]


def test_the_timestamp_runs_on_through_a_silence_and_the_next_talkspurt_is_marked() -> None:
    made = session()
    made.play(ULAW, ALAW)
    sent(made, now=0.0)
    made.play(ULAW, ALAW)

    packets = sent(made, now=1.0)

    assert packets[0].timestamp == 8000
    assert [packet.has_marker for packet in packets[:2]] == [True, False]
    assert packets[0].sequence == 5


def test_nothing_is_sent_while_the_callee_holds_us_and_the_prompt_waits() -> None:
    made = session(can_send=False)
    made.play(ULAW, ALAW)
    assert made.next_packet(0.0) is None
    made.set_media(CALLEE, payload_type=0, telephone_event=96, can_send=True)
    assert len(sent(made, now=3.0)) == 5


def test_a_stopped_prompt_is_silent_and_says_how_much_was_played() -> None:
    made = session()
    made.play(ULAW, ALAW)
    for now in (0.0, 0.02):
        made.next_packet(now)
    made.stop_playing()
    assert made.next_packet(0.04) is None
    assert made.played_ms == 40


def test_audio_goes_to_the_named_address_until_audio_has_come() -> None:
    made = session()
    assert made.destination == CALLEE
    made.receive(arriving(), NAT)
    assert made.destination == NAT


def test_once_latched_a_stranger_is_refused() -> None:
    made = session()
    made.receive(arriving(), NAT)

    digit = made.receive(arriving(b"\x01\x0a\x00\xa0", payload_type=101), STRANGER)

    assert digit is None
    assert made.packets_refused == 1
    assert made.destination == NAT


def test_the_named_address_takes_over_from_a_stranger_who_was_first() -> None:
    made = session()
    made.receive(arriving(), STRANGER)
    made.receive(arriving(), CALLEE)
    made.receive(arriving(), STRANGER)
    assert made.destination == CALLEE
    assert (made.packets_received, made.packets_refused) == (2, 1)


def test_a_new_address_in_a_reinvite_forgets_the_old_source() -> None:
    made = session()
    made.receive(arriving(), NAT)
    made.set_media(STRANGER, payload_type=0, telephone_event=96, can_send=True)
    assert made.destination == STRANGER


def test_nobody_is_believed_before_there_is_an_answer() -> None:
    made = RtpSession(bytes)
    assert made.receive(arriving(b"\x01\x0a\x00\xa0", payload_type=101), CALLEE) is None
    assert made.packets_refused == 1


def test_a_key_counts_under_the_offered_and_under_the_answered_type() -> None:
    made = session()
    digits = [
        made.receive(arriving(b"\x01\x0a\x00\xa0", payload_type=payload_type, timestamp=timestamp), CALLEE)
        for payload_type, timestamp in ((101, 1000), (96, 2000), (97, 3000))
    ]
    assert digits == ["1", "1", None]


def test_another_stream_of_the_same_peer_begins_anew() -> None:
    made = session()
    event = (b"\x01\x0a\x00\xa0", 101, 1000)
    digits = [
        made.receive(arriving(event[0], payload_type=event[1], timestamp=event[2], ssrc=ssrc), CALLEE)
        for ssrc in (1, 1, 2)
    ]
    assert digits == ["1", None, "1"]


def test_garbage_is_counted_and_nothing_else() -> None:
    made = session()
    for length in itertools.chain(range(12), [200]):
        assert made.receive(b"\0" * length, CALLEE) is None
    assert made.packets_refused == 13
    assert made.destination == CALLEE


def test_reports_are_sent_while_we_play_and_only_then() -> None:
    made = session()
    assert made.next_report(0.0, "name") is None
    made.play(bytes(160 * 1000), bytes(160 * 1000))
    reports = []
    for tick in range(1000):
        made.next_packet(tick * FRAME_SECONDS)
        if made.next_report(tick * FRAME_SECONDS, "name") is not None:
            reports.append(tick * FRAME_SECONDS)
    assert reports == [2.5, 7.5, 12.5, 17.5]
    assert made.report_destination == (CALLEE[0], CALLEE[1] + 1)


def test_the_callee_says_what_it_lost_and_a_stranger_does_not() -> None:
    made = session()
    report = bytes.fromhex("81c90007" + "0a0a0a0a" + "00000000" + "80000010" + "00000000" * 4)
    heard = []
    for host in (STRANGER[0], CALLEE[0]):
        made.receive_report(report, (host, 4001))
        heard.append(made.reported_loss)
    assert heard == [None, 0.5]
    assert (made.reports_received, made.packets_refused) == (1, 1)
