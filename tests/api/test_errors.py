"""Every code that lower layers may give has a sentence; the database's absence is said, not crashed on."""

import re
from pathlib import Path

import httpx
import pytest
import structlog
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.catalogue import Catalogue
from api.errors import field_problem
from api.settings import ApiSettings
from campaigns.database import open_pool
from tests.api.conftest import NOW, MakeKey, code_of

ROOT = Path(__file__).parents[2]


def codes_in(package: str, raiser: str, pattern: str) -> set[str]:
    found = re.compile(raiser + r"\(\s*" + pattern + r'"([a-z_]+)"')
    return {code for path in (ROOT / package).rglob("*.py") for code in found.findall(path.read_text())}


@pytest.mark.parametrize(
    ("package", "raiser", "before", "key"),
    [
        ("campaigns", "Conflict", "", "problems.{}.title"),
        ("campaigns", "ImportRefused", "", "problems.{}.title"),
        ("campaigns", "NotFound", "", "problems.{}_not_found.title"),
        ("campaigns", "InvalidAudio", "", "problems.{}.title"),
        ("dialer", "InvalidAudio", "", "problems.{}.title"),
        ("api", "ApiError", r"HTTPStatus\.\w+,\s*", "problems.{}.title"),
        ("api", "FieldProblem", r'f?"?[\w.{}]*"?,\s*', "problems.field.{}"),
    ],
)
def test_every_code_has_its_sentence(package: str, raiser: str, before: str, key: str) -> None:
    missing = {
        code for code in codes_in(package, raiser, before) if not Catalogue.load().has(key.format(code))
    }
    assert missing == set()


def test_the_search_for_codes_finds_some() -> None:
    assert "illegal_status_change" in codes_in("campaigns", "Conflict", "")
    assert "empty_file" in codes_in("campaigns", "ImportRefused", "")
    assert "api_key_invalid" in codes_in("api", "ApiError", r"HTTPStatus\.\w+,\s*")


def test_the_rules_of_settings_have_their_sentences() -> None:
    # settings of a process have theirs on the terminal
    files = ("campaigns/models.py", "campaigns/problems.py", "campaigns/trunk_models.py")
    text = "".join((ROOT / file).read_text() for file in files)
    codes = set(re.findall(r'Problem\(f?"?[\w.{}\[\]:]+"?, "([a-z_]+)"', text))
    assert {"empty", "not_a_time_zone", "not_a_host"} <= codes
    assert {code for code in codes if not Catalogue.load().has(f"problems.field.{code}")} == set()


@pytest.mark.parametrize(
    ("message", "code", "params"),
    [
        ("Expected `int`, got `str`", "wrong_type", {"expected": "int"}),
        ("Expected `int | null`, got `str`", "wrong_type", {"expected": "int"}),
        ("Expected `int` >= 1", "too_small", {"limit": "1"}),
        ("Expected `int` <= 1000", "too_big", {"limit": "1000"}),
        ("Object missing required field `a`", "missing", {}),
        ("Invalid RFC3339 encoded datetime", "invalid", {}),
    ],
)
def test_what_msgspec_says_becomes_a_code(message: str, code: str, params: dict[str, str]) -> None:
    problem = field_problem("field", message)
    assert (problem.field, problem.code, problem.params) == ("field", code, params)


@pytest.mark.parametrize(
    ("language", "title"), [("en", "The database does not answer"), ("ru", "База данных не отвечает")]
)
async def test_a_database_that_is_away_is_a_503(language: str, title: str) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    pool = await open_pool(nowhere, min_size=0)
    app = create_app(ApiSettings(database_url=nowhere), pool)
    # litestar's own client runs the application on another loop, where this pool cannot be used
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # the two name the scope differently
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        headers = {"Authorization": "Bearer obzvon_x", "Accept-Language": language}
        for path in ("/v1/health", "/v1/trunks"):
            response = await client.get(path, headers=headers)
            assert (response.status_code, code_of(response)) == (503, "database_unavailable")
            assert response.json()["title"] == title
            assert response.headers["retry-after"] == "1"
    await pool.close()


async def test_the_log_of_a_request_holds_no_number_and_no_secret(database: str, make_key: MakeKey) -> None:
    headers = await make_key("admin")
    async with AsyncTestClient(create_app(ApiSettings(database_url=database), clock=lambda: NOW)) as client:
        with structlog.testing.capture_logs() as lines:
            await client.delete("/v1/dnc/+79161234567", headers=headers)
            await client.get("/v1/dnc?cursor=KzcxMjM0NQ==", headers=headers)
    completed = [line for line in lines if line["event"] == "request.completed"]
    assert [(line["route"], line["status"]) for line in completed] == [
        ("/v1/dnc/{number}", 404),
        ("/v1/dnc", 200),
    ]
    assert "1234567" not in str(lines)
    assert headers["Authorization"][7:] not in str(lines)
