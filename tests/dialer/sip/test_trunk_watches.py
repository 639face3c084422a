"""Several watched trunks in one user agent, with calls beside them."""

import random

from dialer.config import CallRequest, DialerConfig, HealthPolicy, Registration, TrunkConfig
from dialer.core import DialerCore
from dialer.sip.hop import Hop
from dialer.testing.scripted_trunk import ScriptedTrunk, advance, exchange

LOCAL = ("127.0.0.1", 5080)


def trunk_of(name: str, host: str, *, registers: bool = False) -> TrunkConfig:
    return TrunkConfig(
        name=name,
        host=host,
        registration=Registration() if registers else None,
        health=HealthPolicy(options_interval_seconds=None if registers else 30.0),
    )


def test_each_trunk_is_told_of_by_its_name_and_a_call_goes_its_own_way() -> None:
    core, far_end = (
        DialerCore(DialerConfig(), random.Random(3).randbytes, LOCAL),
        ScriptedTrunk(Hop("127.0.0.9", 5060)),
    )
    core.watch(
        [(trunk_of("one", "127.0.0.9"), LOCAL), (trunk_of("two", "127.0.0.8", registers=True), LOCAL)], 0.0
    )
    advance(core, far_end, 0.0, 0.2)
    core.place_call(CallRequest(number="7", trunk=trunk_of("one", "127.0.0.9")), rtp_address=LOCAL, now=0.2)
    exchange(core, far_end, 0.2)
    for method in ("INVITE", "OPTIONS", "REGISTER"):
        far_end.respond(far_end.last(method), 200 if method != "INVITE" else 486)
    exchange(core, far_end, 0.3)
    told = set()
    while (event := core.next_trunk_event()) is not None:
        told.add((event.trunk, type(event).__name__))
    assert told == {("one", "TrunkPinged"), ("two", "TrunkRegistrationChanged")}
    assert core.live_calls == 0


def test_a_watch_that_ends_without_a_binding_leaves_nothing() -> None:
    core, far_end = DialerCore(DialerConfig(), random.Random(3).randbytes, LOCAL), ScriptedTrunk()
    core.watch([(trunk_of("one", "127.0.0.9"), LOCAL)], 0.0)
    core.watch([], 0.0)
    advance(core, far_end, 0.0, 100.0)
    assert far_end.requests == []
    assert core.watches_nothing
    assert core.is_idle


def test_a_registrar_that_is_gone_does_not_hold_up_the_end() -> None:
    core, far_end = DialerCore(DialerConfig(), random.Random(3).randbytes, LOCAL), ScriptedTrunk()
    core.watch([(trunk_of("one", "127.0.0.9", registers=True), LOCAL)], 0.0)
    exchange(core, far_end, 0.0)
    core.watch([], 0.0)
    exchange(core, far_end, 0.0)
    core.transport_failed(far_end.address, 0.1)
    advance(core, far_end, 0.1, 40.0)
    assert core.watches_nothing
