import pytest

from dialer.call_table import TRANSITIONS, CallInput
from dialer.sip.session_event import Kind


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_an_input_that_some_state_of_a_call_knows(kind: Kind) -> None:
    assert CallInput[kind.name] in {event for _, event in TRANSITIONS}
