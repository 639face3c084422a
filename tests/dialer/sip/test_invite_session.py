import pytest

from dialer.config import CallRequest, Secret, TrunkConfig
from dialer.sip.digest import DigestVerifier
from dialer.sip.hop import Hop
from dialer.sip.invite_session import InviteSession, authorize_ack
from dialer.sip.message import Request
from dialer.testing.scripted_trunk import ScriptedTrunk
from tests.dialer.sip.messages import ADDRESS, counting_rng, request, response


def session(password: str | None = "pass") -> InviteSession:
    trunk = TrunkConfig(
        name="t", host="127.0.0.9", username="user", password=None if password is None else Secret(password)
    )
    return InviteSession(
        CallRequest(number="79000000001", trunk=trunk),
        "call",
        rtp_address=("127.0.0.1", 20_000),
        local_address=("127.0.0.1", 5060),
        user_agent="test",
        rng=counting_rng(),
        user=None,
    )


def challenge_with(opened: InviteSession, status_code: int, *challenges: str) -> bool:
    name = "WWW-Authenticate" if status_code == 401 else "Proxy-Authenticate"
    assert opened.invite is not None
    answer = response(status_code, opened.invite, headers=tuple((name, value) for value in challenges))
    return opened.answer_challenge(answer)


def verifier(
    algorithm: str = "MD5", *, realm: str = "trunk", qop: tuple[str, ...] = ("auth",)
) -> DigestVerifier:
    return DigestVerifier(realm, {"user": "pass"}, counting_rng(), algorithm=algorithm, qop=qop)


def credentials(message: Request, name: str = "Authorization") -> list[str]:
    return message.headers.get_all(name)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", [(), ("auth",), ("auth-int",), ("auth", "auth-int")])
@pytest.mark.parametrize(("status_code", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenge_is_answered_in_the_next_invite(
    algorithm: str, qop: tuple[str, ...], status_code: int, name: str
) -> None:
    opened = session()
    first = opened.build_invite()
    checker = verifier(algorithm, qop=qop)
    assert challenge_with(opened, status_code, checker.challenge())
    second = opened.build_invite()

    (value,) = credentials(second, name)
    assert checker.verify(value, "INVITE", second.body) == "user"
    assert (first.cseq.number, second.cseq.number) == (1, 2)
    assert (first.call_id, first.from_) == (second.call_id, second.from_)


def test_a_wrong_password_is_not_tried_twice() -> None:
    opened = session()
    opened.build_invite()
    checker = verifier()

    assert challenge_with(opened, 401, checker.challenge())
    assert not challenge_with(opened, 401, checker.challenge())


def test_a_stale_nonce_is_renewed_once() -> None:
    opened = session()
    opened.build_invite()
    checker = verifier()

    assert challenge_with(opened, 407, checker.challenge())
    assert challenge_with(opened, 407, checker.challenge() + ", stale=true")
    assert not challenge_with(opened, 407, checker.challenge() + ", stale=true")


def test_two_proxies_get_an_answer_each() -> None:
    opened = session()
    opened.build_invite()
    one, two = verifier(realm="one"), verifier(realm="two")
    assert challenge_with(opened, 407, one.challenge())
    opened.build_invite()
    assert challenge_with(opened, 407, two.challenge())
    invite = opened.build_invite()

    first, second = credentials(invite, "Proxy-Authorization")
    assert one.verify(first, "INVITE", invite.body) == "user"
    assert two.verify(second, "INVITE", invite.body) == "user"


def test_more_realms_than_any_path_has_are_refused() -> None:
    opened = session()
    opened.build_invite()

    assert [challenge_with(opened, 407, verifier(realm=name).challenge()) for name in "abcde"] == [
        True
    ] * 4 + [False]


def test_of_two_algorithms_the_stronger_is_answered() -> None:
    opened = session()
    opened.build_invite()
    strong = verifier("SHA-256")
    assert challenge_with(opened, 401, verifier().challenge(), strong.challenge())
    invite = opened.build_invite()

    (value,) = credentials(invite)
    assert strong.verify(value, "INVITE", invite.body) == "user"


@pytest.mark.parametrize(
    "challenge", ['Basic realm="x"', 'Digest realm="x", nonce="n", algorithm=MD9', "Digest nonsense", ""]
)
def test_what_we_cannot_answer_is_not_asked_again(challenge: str) -> None:
    opened = session()
    opened.build_invite()

    assert not challenge_with(opened, 401, challenge)


def test_without_a_password_nothing_is_answered() -> None:
    opened = session(password=None)
    invite = opened.build_invite()

    assert not challenge_with(opened, 401, verifier().challenge())
    opened.authorize(invite)
    assert credentials(invite) == []


def test_a_refusal_is_no_challenge() -> None:
    opened = session()
    invite = opened.build_invite()

    assert not opened.answer_challenge(response(403, invite))


def test_the_ack_repeats_the_credentials_of_its_invite() -> None:
    opened = session()
    opened.build_invite()
    challenge_with(opened, 401, verifier().challenge())
    invite = opened.build_invite()
    dialog = opened.dialog_of(response(200, invite), ADDRESS)
    assert dialog is not None
    ack, _ = dialog.request("ACK", opened.via, cseq_number=2)
    authorize_ack(ack, invite)

    assert credentials(ack) == credentials(invite) != []


def test_a_cancel_carries_what_identifies_its_invite() -> None:
    opened = session()
    invite = opened.build_invite()
    cancel = opened.build_cancel("Q.850;cause=16")

    assert (cancel.uri, str(cancel.via), cancel.from_, cancel.to) == (
        invite.uri,
        str(invite.via),
        invite.from_,
        invite.to,
    )
    assert str(cancel.cseq) == "1 CANCEL"
    assert cancel.headers.get("Reason") == "Q.850;cause=16"


def test_dialogs_of_one_invite_are_bounded() -> None:
    opened = session()
    invite = opened.build_invite()
    found = [opened.dialog_of(response(200, invite, to_tag=str(number)), ADDRESS) for number in range(20)]

    assert sum(dialog is not None for dialog in found) == 16
    assert opened.dialog_of(response(200, invite, to_tag="0"), ADDRESS) is found[0]


def test_early_dialogs_of_one_invite_are_bounded_and_need_a_tag() -> None:
    opened = session()
    invite = opened.build_invite()
    found = [
        opened.early_dialog_of(response(180, invite, to_tag=str(number)), ADDRESS) for number in range(20)
    ]

    assert sum(early is not None for early in found) == 16
    assert opened.early_dialog_of(response(180, invite, to_tag="0"), ADDRESS) is found[0]
    assert opened.early_dialog_of(response(100, invite, to_tag=""), ADDRESS) is None


def test_an_early_dialog_becomes_the_confirmed_one_with_its_numbers() -> None:
    """RFC 3261 §12.1: one CSeq space; §13.2.2.4: route and target are the 2xx's."""
    opened = session()
    invite = opened.build_invite()
    early = opened.early_dialog_of(response(183, invite), ADDRESS)
    assert early is not None
    begun = early.open(invite)
    begun.request("PRACK", opened.via)
    answer = response(200, invite, headers=(("Record-Route", "<sip:127.0.0.8;lr>"), ("Contact", "<sip:c@h>")))
    confirmed = opened.dialog_of(answer, Hop("127.0.0.8", 5060))

    assert confirmed is begun
    assert (confirmed.local_cseq, confirmed.remote_target) == (2, "sip:c@h")
    assert [route.uri for route in confirmed.route_set] == ["sip:127.0.0.8;lr"]
    assert confirmed.source == Hop("127.0.0.8", 5060)
    assert opened.early == {}
    assert opened.early_dialog_of(response(183, invite), ADDRESS) is None


def test_allow_is_noted_where_it_stands() -> None:
    opened = session()
    for value, expected in (("INVITE, UPDATE", True), (None, True), ("INVITE", False)):
        opened.note_allow(response(200, headers=(("Allow", value),) if value else ()))
        assert opened.allows_update is expected


def test_tags_of_early_byes_are_bounded() -> None:
    opened = session()
    for number in range(20):
        opened.note_ended_tag(str(number))

    assert len(opened.ended_tags) == 16


def test_our_offers_have_growing_versions() -> None:
    opened = session()
    versions = [
        offer.split(b" ")[2] for offer in (opened.description, opened.offer_again(), opened.offer_again())
    ]

    assert [int(version) for version in versions] == [opened.session_id + step for step in range(3)]


@pytest.mark.parametrize("body", [b"", b"nonsense"])
def test_a_response_without_a_usable_answer_negotiates_nothing(body: bytes) -> None:
    opened = session()
    answer = response(200, opened.build_invite())
    answer.body = body

    assert opened.read_answer(answer) is None
    assert opened.media is None


def test_an_answer_is_kept_and_a_new_offer_is_answered_with_the_next_version() -> None:
    opened = session()
    answer = response(200, opened.build_invite())
    answer.body = ScriptedTrunk().sdp(port=31_000)
    media = opened.read_answer(answer)
    assert media is not None
    assert media.remote_port == 31_000
    assert opened.media is media

    offer = request(body=ScriptedTrunk().sdp(port=31_002, direction="sendonly"))
    body, moved = opened.answer(offer)
    assert (moved.remote_port, moved.can_send) == (31_002, False)
    assert int(body.split(b" ")[2]) == opened.session_id + 1
