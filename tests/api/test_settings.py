import pytest

from api.settings import ApiSettings
from campaigns.errors import InvalidSettings

URL = {"DATABASE_URL": "postgresql:///x"}


def test_what_is_not_said_has_a_default() -> None:
    settings = ApiSettings.from_env(URL)
    assert (settings.host, settings.port, settings.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert not settings.is_https


def test_the_base_url_follows_host_and_port_unless_given() -> None:
    assert ApiSettings.from_env({**URL, "OBZVON_PORT": "9000"}).base_url == "http://127.0.0.1:9000"
    settings = ApiSettings.from_env({**URL, "OBZVON_BASE_URL": "https://calls.example/"})
    assert (settings.base_url, settings.is_https) == ("https://calls.example", True)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        ApiSettings.from_env(
            {
                "OBZVON_PORT": "http",
                "OBZVON_BASE_URL": "ftp://x",
                "OBZVON_SMTP_URL": "mail.example.org:25",
                "OBZVON_MAIL_FROM": "nobody",
            }
        )
    assert {(problem.field, problem.code) for problem in caught.value.problems} == {
        ("DATABASE_URL", "missing"),
        ("OBZVON_PORT", "not_a_port"),
        ("OBZVON_BASE_URL", "not_a_url"),
        ("OBZVON_SMTP_URL", "not_a_mail_server"),
        ("OBZVON_MAIL_FROM", "not_a_mail_address"),
    }
