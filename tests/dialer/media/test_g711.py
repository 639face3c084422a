"""Our tables beside those of libsndfile, an independent implementation."""

import io

import numpy as np
import pytest
import soundfile

from dialer.media.g711 import decode, to_alaw, to_ulaw, transcoding

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


@pytest.mark.parametrize(("payload_type", "subtype"), [(0, "ULAW"), (8, "ALAW")])
def test_every_code_expands_as_libsndfile_does_it(payload_type: int, subtype: str) -> None:
    codes = bytes(range(256))
    assert (decode(codes, payload_type) == decoded(codes, subtype)).all()


def test_transcoding_is_the_other_laws_nearest_code() -> None:
    to_a, to_mu = transcoding(0, 8), transcoding(8, 0)
    assert to_a is not None
    assert to_mu is not None
    codes = bytes(range(256))
    for table, source, target in ((to_a, "ULAW", "ALAW"), (to_mu, "ALAW", "ULAW")):
        before, after = decoded(codes, source), decoded(codes.translate(table), target)
        assert (np.abs(before - after) <= np.maximum(np.abs(before) / 32, 8) + 1).all()
    assert transcoding(0, 0) is None
