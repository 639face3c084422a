import msgspec
import pytest

from dialer.rtp.quality import MediaQuality

NOTHING = MediaQuality(
    packets_expected=0, packets_received=0, packets_lost=0, packets_late=0, packets_duplicated=0, packets_sent=0,
    jitter_ms=None, round_trip_ms=None, reported_loss=None, is_one_way=None,
)  # fmt: skip


def test_a_share_has_a_denominator_or_is_none() -> None:
    assert NOTHING.lost_share is None
    heard = msgspec.structs.replace(NOTHING, packets_expected=200, packets_received=190, packets_lost=10)
    assert heard.lost_share == 0.05


@pytest.mark.parametrize(
    ("heard", "received", "sent"),
    [
        ({"packets_expected": 1000, "round_trip_ms": 100.0}, 436, None),
        (
            {"packets_expected": 1000, "packets_lost": 30, "round_trip_ms": 100.0, "reported_loss": 0.0},
            406,
            436,
        ),
        ({"packets_expected": 1000, "packets_lost": -2, "jitter_ms": 2.0}, 439, None),
        ({"reported_loss": 1.0}, None, 115),
        ({"packets_expected": 9, "is_one_way": True}, None, None),
        ({}, None, None),
    ],
)
def test_each_direction_is_estimated_where_something_was_counted_of_it(
    heard: dict[str, float], received: int | None, sent: int | None
) -> None:
    quality = msgspec.structs.replace(NOTHING, **heard)
    assert (quality.mos_hundredths, quality.sent_mos_hundredths) == (received, sent)
