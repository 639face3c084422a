import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.config import Secret
from dialer.sip.digest import (
    Challenge,
    Credentials,
    DigestVerifier,
    authorization,
    parse_challenges,
    strongest,
)
from tests.dialer.sip.messages import counting_rng

MUFASA = Credentials("Mufasa", Secret("Circle of Life"))
RFC_7616_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC_7616_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RFC_7616_OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def response_of(value: str) -> str:
    return value.partition('response="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    header = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        f'nonce="{RFC_7616_NONCE}", opaque="{RFC_7616_OPAQUE}"'
    )
    (challenge,) = parse_challenges([header])
    value = authorization(challenge, MUFASA, "GET", "/dir/index.html", b"", RFC_7616_CNONCE, 1)
    assert response_of(value) == response
    assert f'opaque="{RFC_7616_OPAQUE}"' in value
    assert "qop=auth, nc=00000001" in value


def test_the_example_of_rfc_7616_section_3_9_2() -> None:
    """With the response of erratum 4897: the RFC's own is that of a truncated SHA-512."""
    challenge = Challenge(
        realm="api@example.org",
        nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        algorithm="SHA-512-256",
        qop=("auth",),
    )
    doe = Credentials("Jäsøn Doe", Secret("Secret, or not?"))
    cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
    value = authorization(challenge, doe, "GET", "/doe.json", b"", cnonce, 1)
    assert response_of(value) == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"


def test_the_example_of_rfc_2617_section_3_5() -> None:
    header = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    (challenge,) = parse_challenges([header])
    credentials = Credentials("Mufasa", Secret("Circle Of Life"))
    value = authorization(challenge, credentials, "GET", "/dir/index.html", b"", "0a4f113b", 1)
    assert response_of(value) == "6629fae49393a05397450978507c4ef1"
    assert "algorithm" not in value


def test_a_challenge_without_qop_is_answered_as_rfc_2069_does() -> None:
    """Values of RFC 2069 §2.4 with the response corrected by its erratum 749."""
    (challenge,) = parse_challenges(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"']
    )
    credentials = Credentials("Mufasa", Secret("CircleOfLife"))
    value = authorization(challenge, credentials, "GET", "/dir/index.html", b"", "unused", 1)
    assert response_of(value) == "1949323746fe6a43ef61f9606e7febea"
    assert "cnonce" not in value


def test_the_strongest_known_challenge_is_chosen() -> None:
    """RFC 8760 §2.4: one header value for each algorithm."""
    challenges = parse_challenges(
        [
            f'Digest realm="r", nonce="{name}", qop="auth", algorithm={name}'
            for name in ("MD5", "SHA-256", "SHA-9000")
        ]
    )
    chosen = strongest(challenges)
    assert chosen is not None
    assert chosen.algorithm == "SHA-256"


@pytest.mark.parametrize(
    "value",
    ['Digest realm="r", nonce="n", algorithm=SHA-9000', 'Digest realm="r", nonce="n", qop="auth-conf"'],
)
def test_a_challenge_that_we_cannot_answer_is_not_chosen(value: str) -> None:
    assert strongest(parse_challenges([value])) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic realm=x",
        "Digest",
        "Digest realm=x",
        'Digest nonce="n"',
        'Digest realm="r, nonce="n"',
        "Digest realm",
    ],
)
def test_other_schemes_and_malformed_challenges_are_passed_over(value: str) -> None:
    good = 'digest REALM="r, s", Nonce=n, stale=TRUE, opaque=""'
    assert parse_challenges([value, good]) == [Challenge(realm="r, s", nonce="n", opaque="", is_stale=True)]


def test_a_password_never_shows() -> None:
    assert "Circle" not in repr(MUFASA)


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"])
@pytest.mark.parametrize("qop", [(), ("auth",), ("auth-int",), ("auth", "auth-int")])
def test_the_verifier_accepts_what_we_answer_and_nothing_else(algorithm: str, qop: tuple[str, ...]) -> None:
    verifier = DigestVerifier("r", {"u": "p"}, counting_rng(), algorithm=algorithm, qop=qop)

    def answer(password: str = "p", username: str = "u", body: bytes = b"sdp") -> str:
        (challenge,) = parse_challenges([verifier.challenge()])
        return authorization(
            challenge, Credentials(username, Secret(password)), "INVITE", "sip:1@b", body, "c", 1
        )

    assert verifier.verify(answer(), "INVITE", b"sdp") == "u"
    assert verifier.verify(answer("wrong"), "INVITE", b"sdp") is None
    assert verifier.verify(answer(username="stranger"), "INVITE", b"sdp") is None
    assert verifier.verify(answer(), "BYE", b"sdp") is None
    if qop == ("auth-int",):
        assert verifier.verify(answer(), "INVITE", b"changed") is None


def test_a_nonce_count_is_good_once() -> None:
    verifier = DigestVerifier("r", {"u": "p"}, counting_rng())
    (challenge,) = parse_challenges([verifier.challenge()])

    def answer(nc: int) -> str:
        return authorization(challenge, Credentials("u", Secret("p")), "INVITE", "sip:1@b", b"", "c", nc)

    assert verifier.verify(answer(1), "INVITE", b"") == "u"
    assert verifier.verify(answer(1), "INVITE", b"") is None
    assert verifier.verify(answer(2), "INVITE", b"") == "u"


def test_nonces_are_forgotten_oldest_first() -> None:
    verifier = DigestVerifier("r", {"u": "p"}, counting_rng())
    answers = []
    for _ in range(1_001):
        (challenge,) = parse_challenges([verifier.challenge()])
        answers.append(
            authorization(challenge, Credentials("u", Secret("p")), "INVITE", "sip:1@b", b"", "c", 1)
        )
    assert verifier.verify(answers[0], "INVITE", b"") is None
    assert verifier.verify(answers[1], "INVITE", b"") == "u"


def test_an_answer_may_not_leave_out_the_protection_that_was_asked_for() -> None:
    verifier = DigestVerifier("r", {"u": "p"}, counting_rng(), qop=("auth-int",))
    (challenge,) = parse_challenges([verifier.challenge()])
    for qop in ((), ("auth",)):
        weaker = Challenge(realm="r", nonce=challenge.nonce, algorithm="MD5", qop=qop)
        value = authorization(weaker, Credentials("u", Secret("p")), "INVITE", "sip:1@b", b"", "c", 1)
        assert verifier.verify(value, "INVITE", b"") is None


@given(
    st.text(max_size=80)
    | st.text(alphabet='=,"abncuriesponeqop ', max_size=80).map(lambda tail: f"Digest {tail}")
)
def test_any_text_is_read_or_passed_over(text: str) -> None:
    parse_challenges([text])
    assert DigestVerifier("r", {}, counting_rng()).verify(text, "INVITE", b"") is None


@given(st.text(), st.text())
def test_any_name_and_password_can_be_proved(username: str, password: str) -> None:
    verifier = DigestVerifier("r", {username: password}, counting_rng())
    (challenge,) = parse_challenges([verifier.challenge()])
    value = authorization(
        challenge, Credentials(username, Secret(password)), "INVITE", "sip:1@b", b"", "c", 1
    )
    assert verifier.verify(value, "INVITE", b"") == username
