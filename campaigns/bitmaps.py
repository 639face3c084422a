"""Bitmaps of numbers as seals keep them: roaring, 32 bit, in the portable format."""

from collections.abc import Sequence

from pyroaring import BitMap

from campaigns.errors import CampaignError


class UnreadableBitmap(CampaignError):
    """These bytes are no bitmap. pyroaring looks at lengths, order and counts, so what is read is sound, though it may be another's."""


def serialized(numbers: BitMap) -> bytes:
    """Return a bitmap in the fewest bytes."""
    numbers.run_optimize()
    return bytes(numbers.serialize())


def deserialized(kept: bytes) -> BitMap:
    """
    Return what `serialized` was given.

    Raises:
        UnreadableBitmap: the bytes were damaged.
    """
    try:
        return BitMap.deserialize(kept)
    except (ValueError, IndexError) as error:
        raise UnreadableBitmap(str(error)) from error


def by_value(values: Sequence[str], kept: Sequence[bytes]) -> dict[str, BitMap]:
    """
    Return the bitmap of each value.

    Raises:
        UnreadableBitmap: the bytes were damaged, or there are more of the one than of the other.
    """
    if len(values) != len(kept):
        raise UnreadableBitmap(f"{len(values)} values, {len(kept)} bitmaps")
    return dict(zip(values, map(deserialized, kept), strict=True))
