"""`obzvon keys` on a real database."""

import json

import pytest
from click.testing import CliRunner

from api.cli.keys import keys


@pytest.fixture
def run(database: str) -> "Run":
    return Run({"DATABASE_URL": database})


class Run:
    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(keys, arguments, env=self.environment)
        return result.exit_code, result.stdout, result.stderr


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(run: Run) -> None:
    status, secret, said = run("create", "crm", "--scope", "reports:read", "--scope", "campaigns:read")
    assert status == 0
    assert "crm" in said
    status, listed, _ = run("list", "--json")
    (key,) = json.loads(listed)
    assert (key["name"], key["scopes"], key["revoked_time"]) == (
        "crm",
        ["reports:read", "campaigns:read"],
        None,
    )
    assert secret.strip() not in listed

    assert run("revoke", str(key["key_id"]))[0] == 0
    (key,) = json.loads(run("list", "--json")[1])
    assert key["revoked_time"] is not None
    assert "crm" in run("list")[1]


def test_a_sign_in_link_leads_to_the_server_that_was_named(run: Run) -> None:
    status, link, _ = run("link", "--base-url", "https://calls.example/")
    assert status == 0
    assert link.startswith("https://calls.example/sign-in/")


def test_what_cannot_be_done_is_said_and_counts_as_failure(run: Run) -> None:
    assert run("revoke", "4242")[0] == 1
    assert "4242" in run("revoke", "4242")[2]
    assert run("create", "x", "--scope", "everything")[0] == 2
    assert Run({"DATABASE_URL": ""})("list")[0] == 2
    assert Run({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})("list")[0] == 1
