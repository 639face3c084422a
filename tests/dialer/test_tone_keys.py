"""Keys in the sound of many calls, by call."""

import pytest

from dialer.media.dtmf_tones import tones_of
from dialer.tone_keys import ToneKeys


@pytest.mark.parametrize("length", [80, 160, 240])
def test_each_call_is_told_its_own_keys_whatever_its_packets(length: int) -> None:
    keys = ToneKeys()
    told: list[tuple[str, str]] = []
    one = keys.listen(lambda key: told.append(("one", key)))
    other = keys.listen(lambda key: told.append(("other", key)))
    mu, a = tones_of("1").ulaw, tones_of("2").alaw
    for start in range(0, len(mu), length):
        one.put(0, 0, 0, mu[start : start + length], True, 0.0)
        other.put(0x88, 0, 0, a[start : start + length], True, 0.0)
        one.put(101, 0, 0, b"\1\x0a\0\xa0", True, 0.0)
        keys.tick()
    keys.tick()
    assert sorted(told) == [("one", "1"), ("other", "2")]


def test_a_call_that_ended_is_forgotten() -> None:
    keys = ToneKeys()
    listener = keys.listen(lambda _key: None)
    listener.put(0, 0, 0, bytes(160), True, 0.0)
    keys.tick()
    keys.forget(listener)
    assert keys._ear._shown == {}
