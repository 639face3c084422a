"""How a page is drawn: templates, the language of a visitor, numbers as that language writes them, headers."""

import functools
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
from litestar import MediaType, Request, Response
from markupsafe import Markup

from api.catalogue import LANGUAGES, Catalogue, Language, choose_language, text
from api.errors import ApiError, as_api_error, field_view, problem_response
from api.figures_in_words import decimal, integer, milliseconds, percent, seconds
from api.navigation import SECTIONS
from api.static import address_of

WEB_DIRECTORY: Final = Path(__file__).parent / "web"
LANGUAGE_COOKIE: Final = "obzvon_language"

UNITS: Final = {"seconds": "units.seconds", "milliseconds": "units.milliseconds"}
"""What the scripts write units by (src/format.ts)."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        "media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # not no-referrer: that would take the Origin of forms away, by which writes are checked
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

AnyRequest = Request[Any, Any, Any]


class ProblemText(msgspec.Struct, frozen=True):
    """A problem in the visitor's language."""

    title: str
    detail: str


def language_of(request: AnyRequest) -> Language:
    """Return what the visitor chose here, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    return choose_language(request.headers.get("accept-language"))


def raw_texts(language: Language, names: Mapping[str, str]) -> dict[str, str]:
    """Return sentences with their placeholders unfilled, for the page's script; `names` maps its words to keys."""
    forms = Catalogue.load().forms[language]
    return {name: forms[key][0] for name, key in names.items()}


def json_in_html(value: object) -> Markup:
    """Encode for a script element that holds data; nothing in it can end the element."""
    encoded = msgspec.json.encode(value).decode()
    return Markup(encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped


def render(
    request: AnyRequest, template: str, status: int = HTTPStatus.OK, **context: object
) -> Response[str]:
    language = language_of(request)
    body = environment().get_template(template).render(
        language=language,
        path=request.url.path if request.method == "GET" else "/campaigns",
        t=functools.partial(text_of, language),
        decimal=functools.partial(decimal, language=language),
        integer=functools.partial(integer, language=language),
        percent=functools.partial(percent, language=language),
        seconds=functools.partial(seconds, language=language),
        milliseconds=functools.partial(milliseconds, language=language),
        units=raw_texts(language, UNITS),
        asset=address_of,
        sections=SECTIONS,
        **context,
    )  # fmt: skip
    headers = {**HEADERS, "Content-Language": language}
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=headers)


def text_of(language: Language, key: str, **params: object) -> str:
    return text(key, language, **params)


@functools.cache
def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB_DIRECTORY / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def problem_text(request: AnyRequest, error: Exception) -> tuple[ApiError, ProblemText]:
    """Say an error; what is not expected goes through the API's own handler, which logs it."""
    problem = as_api_error(request, error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        problem_response(request, error)
    language = language_of(request)
    params = {"request_id": request.scope.get("state", {}).get("request_id", ""), **problem.params}
    for name in ("status", "action"):
        if name in params:
            params[name] = text(f"pages.{name}.{params[name]}", language).lower()
    return problem, ProblemText(
        text(f"problems.{problem.code}.title", language, **params),
        text(f"problems.{problem.code}.detail", language, **params),
    )


def problem_details(request: AnyRequest, error: Exception) -> list[str]:
    """Say everything that is wrong with what was asked for, one sentence each; a problem without fields says itself."""
    problem, words = problem_text(request, error)
    language = language_of(request)
    return [field_view(field, language).detail for field in problem.problems] or [words.detail]


def problem_page(request: AnyRequest, error: Exception) -> Response[str]:
    """Answer any error of a page with a page."""
    problem, words = problem_text(request, error)
    return render(
        request,
        "message.html",
        problem.status,
        title=words.title,
        detail=words.detail,
        needs_sign_in=problem.status == HTTPStatus.UNAUTHORIZED,
        button="",
        section="",
    )
