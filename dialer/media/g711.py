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
