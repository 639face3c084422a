"""Keys as tones: ours are heard, and speech presses nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.media.dtmf_tones import ToneKeyEar, keys_shown, tones_of
from dialer.media.g711 import to_alaw, to_ulaw

KEYS = "0123456789*#ABCD"


def heard(encoded: bytes, payload_type: int = 0) -> str:
    ear, keys = ToneKeyEar(), []
    for start in range(0, len(encoded) - 159, 160):
        ear.receive(
            [("stream", payload_type, encoded[start : start + 160])], lambda _stream, key: keys.append(key)
        )
    return "".join(keys)


def tone(
    low: float, high: float, seconds: float, *, amplitude: float = 4_000, twist: float = 1.0
) -> np.ndarray:
    time = np.arange(int(8_000 * seconds)) / 8_000
    return np.asarray(
        amplitude * (np.sin(2 * np.pi * low * time) + twist * np.sin(2 * np.pi * high * time + 1.0))
    )


@pytest.mark.parametrize("shift", [0, 37, 80, 123])
def test_every_key_that_we_send_is_heard_once_at_any_alignment(shift: int) -> None:
    sent = tones_of(KEYS)
    assert heard(b"\xff" * shift + sent.ulaw) == KEYS
    assert heard(b"\xd5" * shift + sent.alaw, 8) == KEYS


def test_the_same_key_twice_is_two_keys() -> None:
    assert heard(tones_of("55").ulaw) == "55"


def test_a_key_that_is_held_is_one_key() -> None:
    assert heard(to_ulaw(tone(770, 1336, 3.0).astype("<i2").tobytes())) == "5"


@pytest.mark.parametrize("level", [60, 500, 12_000])
def test_a_key_is_heard_at_any_level_that_is_not_crosstalk(level: float) -> None:
    pcm = tone(697, 1209, 0.1, amplitude=level).astype("<i2").tobytes()
    assert heard(to_alaw(pcm), 8) == "1"


@pytest.mark.parametrize("twist", [0.5, 2.0])
def test_one_tone_may_be_6_db_louder(twist: float) -> None:
    assert heard(to_ulaw(tone(852, 1477, 0.1, twist=twist).astype("<i2").tobytes())) == "9"


@pytest.mark.parametrize("factor", [0.993, 1.007])
def test_the_pitch_may_be_wrong_by_less_than_a_percent(factor: float) -> None:
    pcm = tone(941 * factor, 1209 * factor, 0.1).astype("<i2").tobytes()
    assert heard(to_ulaw(pcm)) == "*"


def test_a_key_is_heard_in_noise_of_15_db() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        sound = tone(770, 1209, 0.1) + rng.normal(0, 4_000 / 10 ** (15 / 20), 800)
        assert heard(to_ulaw(sound.astype("<i2").tobytes())) == "4"


def test_one_frame_alone_is_no_key() -> None:
    pcm = np.concatenate([np.zeros(160), tone(697, 1209, 0.02), np.zeros(320)]).astype("<i2").tobytes()
    assert heard(to_ulaw(pcm)) == ""


@pytest.mark.parametrize("hz", [350, 425, 440, 700, 950, 1_100, 1_400, 1_800, 2_100])
def test_a_single_tone_is_no_key(hz: float) -> None:
    assert heard(to_ulaw(tone(hz, hz, 1.0).astype("<i2").tobytes())) == ""


def test_voiced_speech_and_noise_press_nothing() -> None:
    """Vowels: harmonics of a gliding pitch under formants; the pitches pass every pair of harmonics over the keys."""
    rng = np.random.default_rng(3)
    pressed = ""
    for _ in range(60):
        seconds = 1.0
        time = np.arange(int(8_000 * seconds)) / 8_000
        pitch = np.linspace(rng.uniform(80, 320), rng.uniform(80, 320), len(time))
        phase = 2 * np.pi * np.cumsum(pitch) / 8_000
        formants = [
            (rng.uniform(250, 900), 90),
            (rng.uniform(900, 2_300), 120),
            (rng.uniform(2_300, 3_000), 160),
        ]
        sound = np.zeros(len(time))
        for harmonic in range(1, 30):
            hz = harmonic * pitch
            gain = sum(1 / (1 + ((hz - centre) / width) ** 2) for centre, width in formants)
            sound += np.where(hz < 3_600, gain, 0) * np.sin(harmonic * phase)
        sound = 6_000 * sound / np.abs(sound).max() + rng.normal(0, 30, len(time))
        pressed += heard(to_ulaw(sound.astype("<i2").tobytes()))
    assert pressed == ""
    assert heard(to_ulaw(rng.normal(0, 3_000, 80_000).astype("<i2").tobytes())) == ""


def test_many_streams_are_kept_apart() -> None:
    ear = ToneKeyEar()
    one, other = tones_of("1").ulaw, tones_of("#").alaw
    keys: list[tuple[object, str]] = []
    for start in range(0, 1_600, 160):
        ear.receive(
            [(1, 0, one[start : start + 160]), (2, 8, other[start : start + 160])],
            lambda stream, key: keys.append((stream, key)),
        )
    assert keys == [(1, "1"), (2, "#")]
    ear.forget(1)
    ear.forget("never heard of")


def test_what_is_no_key_is_said_so() -> None:
    for digits in ("", "E", "1 2"):
        with pytest.raises(ValueError, match=r"key|digits"):
            tones_of(digits)


@settings(max_examples=50)
@given(st.binary(min_size=320, max_size=320))
def test_any_bytes_show_keys_or_none(data: bytes) -> None:
    frames = np.frombuffer(data, dtype="<i2").reshape(1, 160)
    assert keys_shown(frames)[0] in (None, *KEYS)
