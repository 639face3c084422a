import warnings

import pytest

from dialer.sip.status import REASON_PHRASES

MISSPELT = {417: "Unkown Resource-Priority", 423: "Session Interval Too Breif"}
"""pyVoIP's spelling where ours is the RFC's."""


def test_the_phrases_are_those_of_pyvoip() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pytest.importorskip("audioop", reason="pyVoIP cannot be imported without it")
        pytest.importorskip("pyVoIP.VoIP")
        from pyVoIP.SIP import SIPStatus  # noqa: PLC0415

    assert {int(status): status.phrase for status in SIPStatus} == REASON_PHRASES | MISSPELT


def test_every_phrase_belongs_to_a_status_of_sip() -> None:
    assert all(100 <= code <= 699 and phrase for code, phrase in REASON_PHRASES.items())
