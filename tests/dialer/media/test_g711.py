"""Our tables beside those of libsndfile, an independent implementation."""

import io

import numpy as np
import pytest
import soundfile

from dialer.media.g711 import to_alaw, to_ulaw

ALL_SAMPLES = np.arange(-32_768, 32_768).astype("<i2")


def decoded(data: bytes, subtype: str) -> np.ndarray:
    samples, _ = soundfile.read(
        io.BytesIO(data), samplerate=8000, channels=1, format="RAW", subtype=subtype, dtype="int16"
    )
    return np.asarray(samples).astype(np.int32)


@pytest.mark.parametrize(("compress", "subtype"), [(to_ulaw, "ULAW"), (to_alaw, "ALAW")])
def test_every_sample_comes_back_within_half_a_step(compress: object, subtype: str) -> None:
    assert callable(compress)
    linear = ALL_SAMPLES.astype(np.int32)
    error = np.abs(decoded(compress(ALL_SAMPLES.tobytes()), subtype) - linear)
    # The step is 1/16 of the segment, whose size is at most half the magnitude (plus the bias of µ-law).
    allowed = np.maximum((np.abs(linear) + 132) / 32, 8) + 1
    within = np.abs(linear) <= 32_124  # louder is clipped
    assert (error <= allowed)[within].all()


@pytest.mark.parametrize(("compress", "subtype"), [(to_ulaw, "ULAW"), (to_alaw, "ALAW")])
def test_every_code_survives_a_round_trip(compress: object, subtype: str) -> None:
    assert callable(compress)
    codes = bytes(range(256))
    linear = decoded(codes, subtype)
    again = decoded(compress(linear.astype("<i2").tobytes()), subtype)
    assert (again == linear).all()


def test_silence_has_its_known_codes() -> None:
    assert to_ulaw(bytes(4)) == b"\xff\xff"
    assert to_alaw(bytes(4)) == b"\xd5\xd5"
