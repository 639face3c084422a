import msgspec

from dialer.rtp.quality import MediaQuality

NOTHING = MediaQuality(
    packets_expected=0, packets_received=0, packets_lost=0, packets_late=0, packets_duplicated=0, packets_sent=0,
    jitter_ms=None, round_trip_ms=None, reported_loss=None, is_one_way=None,
)  # fmt: skip


def test_a_share_has_a_denominator_or_is_none() -> None:
    assert NOTHING.lost_share is None
    heard = msgspec.structs.replace(NOTHING, packets_expected=200, packets_received=190, packets_lost=10)
    assert heard.lost_share == 0.05
