from collections.abc import AsyncIterator

import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.pages import page_router
from api.settings import ApiSettings
from api.static import address_of, choose_encoding, static_file
from tests.api.conftest import Client


@pytest.fixture
async def pages(settings: ApiSettings) -> AsyncIterator[Client]:
    async with AsyncTestClient(create_app(settings, pages=[page_router])) as client:
        yield client


async def test_an_address_with_its_version_may_be_kept_for_ever(pages: Client) -> None:
    response = await pages.get(address_of("favicon.svg"))
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "image/svg+xml"
    file = static_file("favicon.svg")
    assert file is not None
    assert response.content == file.bodies[""]


async def test_without_its_version_it_is_asked_for_again_and_not_sent_again(pages: Client) -> None:
    first = await pages.get("/static/favicon.svg")
    assert first.headers["cache-control"] == "no-cache"
    again = await pages.get("/static/favicon.svg", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "../app.py", "%2e%2e/%2e%2e/app.py", "vendor"])
async def test_what_is_no_file_of_ours_is_not_found(pages: Client, name: str) -> None:
    assert (await pages.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "available", "chosen"),
    [
        ("gzip, deflate, br", {"br", "gzip", ""}, "br"),
        ("gzip", {"br", "gzip", ""}, "gzip"),
        ("br;q=0, gzip;q=0.5", {"br", "gzip", ""}, "gzip"),
        ("br", {""}, ""),
        ("", {"br", ""}, ""),
        ("*", {"br", ""}, ""),
        ("brotli", {"br", ""}, ""),
    ],
)
def test_the_smallest_encoding_that_both_know_is_chosen(
    accepted: str, available: set[str], chosen: str
) -> None:
    assert choose_encoding(accepted, available) == chosen
