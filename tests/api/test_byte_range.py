"""Range headers (RFC 9110 §14)."""

import pytest

from api.byte_range import ByteRange, read_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", ByteRange(0, 100)),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=10-19", ByteRange(10, 20)),
        ("bytes=90-400", ByteRange(90, 100)),
        ("bytes=-30", ByteRange(70, 100)),
        ("bytes=-300", ByteRange(0, 100)),
        ("Bytes = 5 - 6", ByteRange(5, 7)),
        ("bytes=100-", "unsatisfiable"),
        ("bytes=100-200", "unsatisfiable"),
        ("bytes=-0", "unsatisfiable"),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("seconds=0-1", None),
        ("bytes=x-1", None),
        ("bytes=0-99999999999999999999", None),
    ],
)
def test_a_range(header: str | None, expected: object) -> None:
    assert read_range(header, 100) == expected


def test_nothing_of_nothing_can_be_had() -> None:
    assert read_range("bytes=0-", 0) == "unsatisfiable"
    assert read_range("bytes=-5", 0) == "unsatisfiable"
