import msgspec
import pytest

from dialer.sip.trunk_event import TrunkPinged, TrunkRegistrationChanged


def test_an_event_names_its_trunk_and_cannot_be_changed() -> None:
    for event in (
        TrunkPinged(trunk="t", at=1.0, rtt_ms=None),
        TrunkRegistrationChanged(trunk="t", at=1.0, is_registered=False, problem="silent"),
    ):
        assert (event.trunk, event.at) == ("t", 1.0)
        with pytest.raises(AttributeError):
            event.trunk = "u"  # type: ignore[misc]
        assert isinstance(event, msgspec.Struct)
