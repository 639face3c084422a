"""A watched trunk, over real messages and transactions: OPTIONS and REGISTER against a scripted far end."""

import random
from typing import Any

import pytest

from dialer.config import DialerConfig, HealthPolicy, Registration, Secret, TrunkConfig
from dialer.core import DialerCore
from dialer.sip.digest import DigestVerifier
from dialer.sip.message import Request
from dialer.sip.trunk_event import TrunkPinged, TrunkRegistrationChanged
from dialer.testing.scripted_trunk import ScriptedTrunk, advance, exchange

LOCAL = ("127.0.0.1", 5080)
QUIET = HealthPolicy(options_interval_seconds=None)


class Watched:
    """A core that watches one trunk, and that trunk."""

    def __init__(self, **settings: Any) -> None:
        self.far_end = ScriptedTrunk()
        self.core = DialerCore(DialerConfig(), random.Random(3).randbytes, LOCAL)
        host, port = self.far_end.address[:2]
        self.trunk = TrunkConfig(name="carrier", host=host, port=port, **settings)
        self.now = 0.0
        self.watch(self.trunk)

    def watch(self, *trunks: TrunkConfig) -> None:
        self.core.watch([(trunk, LOCAL) for trunk in trunks], self.now)
        exchange(self.core, self.far_end, self.now)

    def to(self, until: float) -> None:
        self.now = advance(self.core, self.far_end, self.now, until)

    def respond(self, request: Request, status_code: int, *headers: tuple[str, str]) -> None:
        self.far_end.respond(request, status_code, headers=headers)
        exchange(self.core, self.far_end, self.now)

    def accept(self, request: Request, expires: int) -> None:
        self.respond(request, 200, ("Contact", f"{request.headers.get('Contact')};expires={expires}"))

    @property
    def events(self) -> list[Any]:
        events = []
        while (event := self.core.next_trunk_event()) is not None:
            events.append(event)
        return events


def registering(**settings: Any) -> Watched:
    return Watched(health=QUIET, registration=Registration(**settings))


def secured(**settings: Any) -> Watched:
    return Watched(
        health=QUIET, registration=Registration(), username="us", password=Secret("right"), **settings
    )


def test_a_trunk_is_asked_at_once_and_then_in_its_interval() -> None:
    watched = Watched(health=HealthPolicy(options_interval_seconds=20.0))
    watched.to(1.0)
    request = watched.far_end.last("OPTIONS")
    assert (request.uri, request.to.tag) == ("sip:127.0.0.9", None)
    watched.respond(request, 200)
    (event,) = watched.events
    assert isinstance(event, TrunkPinged)
    assert event.sip_status == 200
    assert event.rtt_ms is not None
    watched.to(22.0)
    assert {again.cseq.number for again in watched.far_end.heard("OPTIONS")} == {1, 2}
    assert watched.far_end.last("OPTIONS").call_id == request.call_id


def test_silence_is_told_after_four_seconds_and_an_answer_that_comes_later_is_none() -> None:
    watched = Watched(health=HealthPolicy(options_interval_seconds=30.0))
    watched.to(3.0)
    assert watched.events == []
    watched.to(5.0)
    assert [event.rtt_ms for event in watched.events] == [None]
    watched.respond(watched.far_end.last("OPTIONS"), 200)
    assert watched.events == []


def test_the_other_addresses_of_a_trunk_are_asked_before_it_counts_as_silent() -> None:
    watched = Watched(
        health=HealthPolicy(options_interval_seconds=30.0), other_addresses=(("127.0.0.8", 5070),)
    )
    watched.to(5.0)
    assert watched.events == []
    assert watched.far_end.last("OPTIONS").uri == "sip:127.0.0.8:5070"
    watched.respond(watched.far_end.last("OPTIONS"), 404)
    assert [event.sip_status for event in watched.events] == [404]
    watched.to(36.0)
    assert watched.far_end.heard("OPTIONS")[-1].uri == "sip:127.0.0.8:5070", (
        "it stays with the one that answers"
    )


def test_options_is_asked_with_credentials_where_they_are_wanted() -> None:
    verifier = DigestVerifier("carrier", {"us": "right"}, random.Random(5).randbytes)
    watched = Watched(username="us", password=Secret("right"))
    watched.to(1.0)
    watched.respond(watched.far_end.last("OPTIONS"), 401, ("WWW-Authenticate", verifier.challenge()))
    request = watched.far_end.last("OPTIONS")
    assert verifier.verify(request.headers.get("Authorization") or "", "OPTIONS", b"") == "us"
    watched.respond(request, 200)
    assert [event.sip_status for event in watched.events] == [200]


def test_a_register_says_who_where_and_for_how_long() -> None:
    watched = Watched(
        health=QUIET,
        username="us",
        password=Secret("x"),
        from_domain="example.net",
        registration=Registration(expires_seconds=120),
    )
    request = watched.far_end.last("REGISTER")
    assert (request.uri, request.to.uri, request.from_.uri) == (
        "sip:127.0.0.9",
        "sip:us@example.net",
        "sip:us@example.net",
    )
    assert request.headers.get("Contact") == "<sip:us@127.0.0.1:5080>"
    assert request.headers.get("Expires") == "120"
    watched.accept(request, 60)
    (event,) = watched.events
    assert event == TrunkRegistrationChanged(trunk="carrier", at=watched.now, is_registered=True)
    watched.to(31.0)
    refresh = watched.far_end.last("REGISTER")
    assert (refresh.call_id, refresh.cseq.number) == (request.call_id, 2)


@pytest.mark.parametrize(
    ("headers", "refreshed_before"),
    [
        ([("Contact", "<sip:us@127.0.0.1:5080>;expires=70")], 36.0),
        (
            [("Contact", "<sip:other@192.0.2.1>;expires=3000, <sip:anonymous@127.0.0.1:5080>;expires=70")],
            36.0,
        ),
        ([("Contact", "<sip:us@203.0.113.9:1024>;expires=70")], 36.0),  # as the registrar sees us
        ([("Expires", "70")], 36.0),
        ([("Contact", "*"), ("Expires", "70")], 36.0),
        ([], 241.0),  # what we asked for
    ],
)
def test_the_registrar_decides_for_how_long(headers: list[tuple[str, str]], refreshed_before: float) -> None:
    watched = registering()
    watched.respond(watched.far_end.last("REGISTER"), 200, *headers)
    watched.to(refreshed_before)
    assert len(watched.far_end.heard("REGISTER")) >= 2
    assert watched.events[0].is_registered


@pytest.mark.parametrize(("status_code", "name"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
def test_a_challenge_is_answered_and_its_nonce_used_again_at_the_refresh(status_code: int, name: str) -> None:
    verifier = DigestVerifier("carrier", {"us": "right"}, random.Random(5).randbytes)
    watched = secured()
    watched.respond(watched.far_end.last("REGISTER"), status_code, (name, verifier.challenge()))
    answered = watched.far_end.last("REGISTER")
    header = "Authorization" if status_code == 401 else "Proxy-Authorization"
    assert verifier.verify(answered.headers.get(header) or "", "REGISTER", b"") == "us"
    watched.accept(answered, 60)
    watched.to(31.0)
    refresh = watched.far_end.last("REGISTER")
    assert verifier.verify(refresh.headers.get(header) or "", "REGISTER", b"") == "us", (
        "with the next nonce count"
    )
    # A registrar whose nonces last for one request only says 401 again, without `stale`.
    watched.respond(refresh, status_code, (name, verifier.challenge()))
    watched.accept(watched.far_end.last("REGISTER"), 60)
    assert [event.is_registered for event in watched.events] == [True, True]


def test_a_wrong_password_is_told_and_not_tried_again_at_once() -> None:
    verifier = DigestVerifier("carrier", {"us": "other"}, random.Random(5).randbytes)
    watched = secured()
    for _ in range(2):
        watched.respond(watched.far_end.last("REGISTER"), 401, ("WWW-Authenticate", verifier.challenge()))
    (event,) = watched.events
    assert (event.is_registered, event.problem, event.sip_status) == (False, "password_wrong", 401)
    watched.to(60.0)
    assert len(watched.far_end.heard("REGISTER")) == 2


def test_a_registrar_that_wants_a_password_that_we_have_not_got_is_named() -> None:
    watched = registering()
    watched.respond(
        watched.far_end.last("REGISTER"), 401, ("WWW-Authenticate", 'Digest realm="x", nonce="y"')
    )
    assert [event.problem for event in watched.events] == ["password_missing"]


def test_a_423_is_met_with_the_time_that_it_asks_for() -> None:
    watched = registering(expires_seconds=60)
    watched.respond(watched.far_end.last("REGISTER"), 423, ("Min-Expires", "600"))
    request = watched.far_end.last("REGISTER")
    assert request.headers.get("Expires") == "600"
    watched.accept(request, 600)
    assert [event.is_registered for event in watched.events] == [True]


def test_the_next_registrar_is_asked_where_one_is_silent() -> None:
    watched = registering(registrars=("127.0.0.9", "127.0.0.8:5070"))
    watched.to(33.0)
    request = watched.far_end.last("REGISTER")
    assert request.uri == "sip:127.0.0.8:5070"
    watched.respond(request, 503)
    (event,) = watched.events
    assert (event.is_registered, event.problem, event.sip_status) == (False, "unavailable", 503)


def test_an_answered_options_ends_the_pause_of_a_silent_registrar() -> None:
    watched = Watched(health=HealthPolicy(options_interval_seconds=30.0), registration=Registration())
    watched.to(33.0)
    assert [event.problem for event in watched.events if isinstance(event, TrunkRegistrationChanged)] == [
        "silent"
    ]
    before = len(watched.far_end.heard("REGISTER"))
    watched.to(35.0)
    watched.respond(watched.far_end.last("OPTIONS"), 200)
    assert len(watched.far_end.heard("REGISTER")) == before + 1


def test_a_trunk_that_is_watched_no_more_is_unregistered_and_nothing_is_left() -> None:
    watched = registering()
    watched.accept(watched.far_end.last("REGISTER"), 300)
    watched.watch()
    request = watched.far_end.last("REGISTER")
    assert (request.headers.get("Expires"), request.headers.get("Contact")) == (
        "0",
        "<sip:anonymous@127.0.0.1:5080>",
    )
    waits = watched.core.watches_nothing
    watched.respond(request, 200)
    watched.to(40.0)
    assert (waits, watched.core.watches_nothing, watched.core.is_idle) == (False, True, True)


def test_changed_settings_begin_anew_and_the_same_ones_do_not() -> None:
    watched = registering()
    watched.accept(watched.far_end.last("REGISTER"), 300)
    watched.watch(watched.trunk)
    assert len(watched.far_end.heard("REGISTER")) == 1
    watched.watch(
        TrunkConfig(
            name="carrier", host="127.0.0.9", username="new", registration=Registration(), health=QUIET
        )
    )
    assert [request.headers.get("Expires") for request in watched.far_end.heard("REGISTER")] == [
        "300",
        "0",
        "300",
    ]


def test_a_refused_connection_is_no_silence() -> None:
    watched = Watched(health=HealthPolicy(options_interval_seconds=30.0), registration=Registration())
    watched.to(1.0)
    watched.core.transport_failed(watched.far_end.address, watched.now)
    events = watched.events
    assert {type(event) for event in events} == {TrunkPinged, TrunkRegistrationChanged}
    assert [event.problem for event in events if isinstance(event, TrunkRegistrationChanged)] == [
        "unreachable"
    ]
