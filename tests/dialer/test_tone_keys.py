"""Keys in the sound of many calls, by call."""

from dialer.media.dtmf_tones import tones_of
from dialer.rtp.tap import AudioTap, TapFrame
from dialer.tone_keys import ToneKeys


def test_each_call_is_told_its_own_keys_and_one_that_ended_is_not() -> None:
    keys = ToneKeys()
    taps = [AudioTap(name, keys, now=0.0) for name in ("one", "other")]
    told: list[tuple[str, str]] = []
    keys.listen(taps[0], lambda key: told.append(("one", key)))
    keys.listen(taps[1], lambda key: told.append(("other", key)))
    tones = [tones_of("1").ulaw, tones_of("2").ulaw]

    def hear(start: int) -> None:
        keys.take_frames(
            [
                TapFrame(tap, "callee", start, 0, tone[start : start + 160], is_filled=False)
                for tap, tone in zip(taps, tones, strict=True)
            ]
            + [TapFrame(taps[0], "us", start, 0, tones[1][start : start + 160], is_filled=False)]
        )

    hear(0)
    keys.end_tap(taps[1])
    hear(160)
    hear(320)
    assert told == [("one", "1")]
