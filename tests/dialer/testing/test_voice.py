"""What the far end says, packet by packet."""

import struct

from dialer.sip.sdp import NegotiatedMedia
from dialer.testing.voice import Voice


def voice(payload_type: int = 0, key_payload_type: int | None = 101) -> Voice:
    media = NegotiatedMedia(
        remote_host="127.0.0.1",
        remote_port=20_000,
        payload_type=payload_type,
        telephone_event_payload_type=key_payload_type,
    )
    return Voice(media, ssrc=0x01020304)


def packets(speaker: Voice) -> list[tuple[int, int, int, bytes]]:
    """Drain: (marker and payload type, sequence, timestamp, payload) of each packet."""
    drained = []
    while speaker.is_speaking:
        packet = speaker.next_packet()
        assert packet is not None
        first, kind, sequence, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
        assert (first, ssrc) == (0x80, 0x01020304)
        drained.append((kind, sequence, timestamp, packet[12:]))
    return drained


def test_nothing_leaves_when_there_is_nothing_to_say() -> None:
    speaker = voice()
    assert speaker.next_packet() is None
    assert not speaker.is_speaking


def test_speech_is_fifty_full_frames_a_second_and_the_beep_comes_last() -> None:
    speaker = voice()
    speaker.speak(1.0, with_beep=True)
    sound = packets(speaker)
    assert len(sound) == 60
    assert all(kind == 0 and len(payload) == 160 for kind, _, _, payload in sound)
    assert [timestamp for _, _, timestamp, _ in sound[:3]] == [0, 160, 320]
    assert sound[-1][3] != sound[0][3]
    assert sound[15][3] == b"\xff" * 160, "a pause is digital silence"


def test_silence_in_a_law_is_d5() -> None:
    speaker = voice(payload_type=8)
    speaker.speak(0.4)
    sound = packets(speaker)
    assert sound[0][0] == 8
    assert sound[15][3] == b"\xd5" * 160


def test_a_key_is_one_event_in_eight_packets_of_one_timestamp() -> None:
    speaker = voice()
    speaker.next_packet()
    assert speaker.press("9")
    events = packets(speaker)
    assert [kind for kind, _, _, _ in events] == [0x80 | 101] + [101] * 7
    assert {timestamp for _, _, timestamp, _ in events} == {160}
    assert [sequence for _, sequence, _, _ in events] == list(range(1, 9))
    decoded = [struct.unpack("!BBH", payload) for _, _, _, payload in events]
    assert [event for event, _, _ in decoded] == [9] * 8
    assert [flags >> 7 for _, flags, _ in decoded] == [0] * 5 + [1] * 3
    assert [duration for _, _, duration in decoded] == [160, 320, 480, 640, 800, 800, 800, 800]


def test_a_key_interrupts_speech() -> None:
    speaker = voice()
    speaker.speak(0.1)
    speaker.press("#")
    assert [kind & 0x7F for kind, _, _, _ in packets(speaker)] == [101] * 8 + [0] * 5


def test_a_caller_that_cannot_hear_keys_gets_none() -> None:
    speaker = voice(key_payload_type=None)
    assert not speaker.press("1")
    assert not speaker.is_speaking


def test_stop_ends_speech_and_keys_at_once() -> None:
    speaker = voice()
    speaker.speak(1.0)
    speaker.press("1")
    speaker.stop()
    assert speaker.next_packet() is None
