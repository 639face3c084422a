"""G.711 (ITU-T G.711): 16-bit linear to µ-law and A-law, a whole prompt at a time. Never per packet."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_ULAW_BIAS = 132
_ULAW_CLIP = 32_635


def to_ulaw(pcm_s16le: bytes) -> bytes:
    """Compress little-endian 16-bit samples, one byte a sample."""
    return _compress(pcm_s16le, _ulaw_table())


def to_alaw(pcm_s16le: bytes) -> bytes:
    """Compress little-endian 16-bit samples, one byte a sample."""
    return _compress(pcm_s16le, _alaw_table())


def _compress(pcm_s16le: bytes, table: NDArray[np.uint8]) -> bytes:
    samples = np.frombuffer(pcm_s16le, dtype="<i2").astype(np.int32)
    return table[samples + 32_768].tobytes()


@cache
def _ulaw_table() -> NDArray[np.uint8]:
    linear = np.arange(-32_768, 32_768)
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    table: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return table


@cache
def _alaw_table() -> NDArray[np.uint8]:
    linear = np.arange(-32_768, 32_768)
    # one's complement for the negative half (table 1a of the recommendation), 13-bit magnitudes
    magnitude = np.where(linear < 0, ~linear, linear) >> 3
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    sign = np.where(linear >= 0, 0x80, 0)
    table: NDArray[np.uint8] = ((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8)
    return table


def decode(payload: bytes, payload_type: int) -> NDArray[np.int16]:
    """Expand G.711 into 16-bit samples; `payload_type` 0 = µ-law, 8 = A-law. Any length, many frames at once."""
    return _expansion(payload_type).take(np.frombuffer(payload, dtype=np.uint8))


@cache
def _expansion(payload_type: int) -> NDArray[np.int16]:
    codes = np.arange(256)
    if payload_type == 8:
        codes = codes ^ 0x55
        exponent, mantissa = (codes >> 4) & 7, codes & 0x0F
        magnitude = np.where(
            exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
        )
        return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)
    codes = ~codes & 0xFF
    magnitude = (((codes & 0x0F) << 3) + _ULAW_BIAS << ((codes >> 4) & 7)) - _ULAW_BIAS
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def transcoding(from_payload_type: int, to_payload_type: int) -> bytes | None:
    """Return the table for `bytes.translate` between the laws (through the linear value); None where they are the same."""
    if from_payload_type == to_payload_type:
        return None
    linear = _expansion(from_payload_type).astype("<i2").tobytes()
    return to_alaw(linear) if to_payload_type == 8 else to_ulaw(linear)
