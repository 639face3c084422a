"""The form of a trunk by itself: what is shown, and what becomes of what is sent."""

from datetime import UTC, datetime

from api.catalogue import LANGUAGES, Catalogue
from api.trunk_form import GROUPS, read_form, settings_of, shown_values
from campaigns.trunk_models import NewTrunk, Trunk
from dialer.config import Identity, Registration, SipPolicy

STORED = Trunk(
    trunk_id=1,
    name="carrier",
    host="192.0.2.1",
    port=5060,
    username="us",
    password="hush",
    caller_id="+74950000000",
    max_calls_per_second=2.5,
    max_channels=30,
    created_time=datetime(2026, 11, 25, tzinfo=UTC),
    identity=Identity(privacy=("id",), has_asserted_identity=True),
    sip=SipPolicy(max_redirects=2),
    registration=Registration(registrars=("a", "b:5070")),
)


def sent_back(trunk: Trunk) -> dict[str, str]:
    """What a browser sends of an untouched form."""
    shown = shown_values(settings_of(trunk))
    return {
        name: "on" if value is True else str(value) for name, value in shown.items() if value is not False
    }


def test_an_untouched_form_changes_nothing_not_even_what_it_does_not_show() -> None:
    assert read_form(sent_back(STORED), STORED).settings == STORED.settings()


def test_the_password_is_not_shown() -> None:
    assert "hush" not in str(shown_values(settings_of(STORED)))


def test_numbers_may_have_a_comma_and_what_is_none_is_named() -> None:
    read = read_form({**sent_back(STORED), "max_calls_per_second": "0,5"}, STORED)
    assert read.settings is not None
    assert read.settings.max_calls_per_second == 0.5
    wrong = read_form(
        {**sent_back(STORED), "port": "x", "registration.expires_seconds": "1", "name": " "}, STORED
    )
    assert {problem.field for problem in wrong.problems} == {"port", "registration.expires_seconds", "name"}


def test_what_only_the_trunk_itself_knows_to_be_wrong_is_named_too() -> None:
    wrong = read_form({**sent_back(STORED), "name": " "}, STORED)
    assert [(problem.field, problem.code) for problem in wrong.problems] == [("name", "empty")]


def test_a_new_trunk_needs_a_name_and_a_host() -> None:
    assert {
        problem.field for problem in read_form({"engine": "native", "transport": "udp"}, None).problems
    } >= {"name", "host"}
    assert settings_of(None)["port"] == NewTrunk(name="x", host="x").port


def test_every_field_has_its_words() -> None:
    for language in LANGUAGES:
        forms = Catalogue.load().forms[language]
        for group, fields in GROUPS.items():
            assert {f"trunks.group.{group}", f"trunks.group.{group}.note"} <= forms.keys()
            assert {f"trunks.field.{field.name}" for field in fields} <= forms.keys()
