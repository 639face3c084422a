"""
The one table from errors to RFC 9457 problems; nothing else in the product knows HTTP statuses of errors.

A problem has a stable `code`; its title and detail come from the catalogue in the language that the client asked for.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from analytics.cursor import InvalidCursor
from analytics.errors import QueryRefused, QueryTimedOut
from api.catalogue import Catalogue, Language, choose_language, text
from campaigns.errors import Conflict, ImportRefused, InvalidSettings, NotFound
from dialer.errors import InvalidAudio

log = structlog.get_logger()

BODY: Final = "data"
"""Litestar's name of the argument that holds a body."""
MEDIA_TYPE: Final = "application/problem+json"
UNAVAILABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.InterfaceError,
    OSError,
    asyncio.TimeoutError,
)
"""The database is away, overloaded or restarting."""


class FieldProblem(msgspec.Struct, frozen=True):
    """One wrong field of a body or one wrong parameter."""

    field: str
    code: str
    params: dict[str, Any] = {}


class ApiError(Exception):
    """An answer that is a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        /,
        *,
        problems: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
        **params: object,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.problems = problems
        self.headers = dict(headers or {})
        self.params = params


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field."""

    field: str
    """Path with dots, or the name of a parameter."""
    code: str
    detail: str


class ProblemView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details."""

    type: str
    """urn:obzvon:problem:CODE"""
    title: str
    status: int
    detail: str
    code: str
    """Stable, for programs."""
    request_id: str
    errors: list[FieldView] = []
    """Every wrong field, when fields are what is wrong."""


PROBLEM_RESPONSES: Final = {
    status: ResponseSpec(
        ProblemView, media_type=MEDIA_TYPE, description=HTTPStatus(status).phrase, generate_examples=False
    )
    for status in (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
}
"""What any operation may answer, for the OpenAPI document."""


def invalid_request(*problems: FieldProblem, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> ApiError:
    return ApiError(status, "request_invalid", problems=problems, count=len(problems))


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemView]:
    """Answer any error; what is not expected is logged with its traceback and answered 500 without a detail of ours."""
    problem = as_api_error(request, error)
    language = choose_language(request.headers.get("accept-language"))
    request_id = request.scope.get("state", {}).get("request_id", "")
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request.crashed", exc_info=error, request_id=request_id)
    view = ProblemView(
        type=f"urn:obzvon:problem:{problem.code}",
        title=text(f"problems.{problem.code}.title", language, **problem.params),
        status=problem.status,
        detail=text(
            f"problems.{problem.code}.detail", language, **{"request_id": request_id, **problem.params}
        ),
        code=problem.code,
        request_id=request_id,
        errors=[field_view(field, language) for field in problem.problems],
    )
    return Response(
        view,
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Vary": "Accept-Language", **problem.headers},
    )


def field_view(problem: FieldProblem, language: Language) -> FieldView:
    params = dict(problem.params)
    if "expected" in params:
        params["expected"] = expected_phrase(str(params["expected"]), language, params)
    return FieldView(
        field=problem.field,
        code=problem.code,
        detail=text(f"problems.field.{problem.code}", language, **params),
    )


def expected_phrase(expected: str, language: Language, params: Mapping[str, Any]) -> str:
    key = f"problems.expected.{expected}"
    return text(key, language, **params) if Catalogue.load().has(key) else expected


def as_api_error(request: Request[Any, Any, Any], error: Exception) -> ApiError:
    """Translate; an error of an unknown kind becomes 500."""
    for kind, translate in TRANSLATIONS:
        if isinstance(error, kind):
            return translate(request, error)
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")


def of_settings(error: InvalidSettings) -> ApiError:
    return invalid_request(*(FieldProblem(p.field, p.code, dict(p.params)) for p in error.problems))


def of_refused(error: QueryRefused) -> ApiError:
    problems = tuple(FieldProblem(p.field, p.code, p.params) for p in error.problems)
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "query_refused", problems=problems, count=len(problems))


def of_not_found(error: NotFound) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, f"{error.kind}_not_found", id=error.id)


def of_validation(request: Request[Any, Any, Any], error: ValidationException) -> ApiError:
    """Litestar names every wrong parameter; its sentences are English, so they are read back into codes."""
    extra = error.extra if isinstance(error.extra, list) else []
    messages = {
        str(item.get("key", "")): str(item.get("message", "")) for item in extra if isinstance(item, dict)
    }
    if not messages:
        return ApiError(HTTPStatus.BAD_REQUEST, "request_rejected")
    if BODY in messages:
        # decoders of ours raise errors of ours, so what is left is a body that is not there
        return ApiError(HTTPStatus.BAD_REQUEST, "body_not_json", position=0)
    problems = [field_problem(sent_name(request, key), message) for key, message in messages.items()]
    return invalid_request(*problems, status=HTTPStatus.BAD_REQUEST)


def sent_name(request: Request[Any, Any, Any], argument: str) -> str:
    """Return the name by which a client knows an argument of the handler."""
    definition = request.route_handler.parsed_fn_signature.parameters.get(argument)
    kwarg = definition.kwarg_definition if definition is not None else None
    return getattr(kwarg, "name", None) or argument


EXPECTED: Final = re.compile(
    r"Expected `(?P<expected>[^`]+)`(?P<bound> (?:of length )?(?:>=|<=|>|<) (?P<limit>[\d.e+-]+))?"
)
ENUM: Final = re.compile(r"Invalid enum value")


def field_problem(field: str, message: str, values: tuple[str, ...] = ()) -> FieldProblem:
    """Turn a message of msgspec about one field into a code with parameters."""
    if "missing required field" in message:
        return FieldProblem(field, "missing")
    if ENUM.search(message) is not None:
        return (
            FieldProblem(field, "wrong_type", {"expected": "enum", "values": values})
            if values
            else FieldProblem(field, "invalid")
        )
    match = EXPECTED.search(message)
    if match is None:
        return FieldProblem(field, "invalid")
    if match["bound"] is not None:
        code = "too_small" if ">" in match["bound"] else "too_big"
        return FieldProblem(field, code, {"limit": match["limit"]})
    return FieldProblem(field, "wrong_type", {"expected": match["expected"].split(" | ")[0]})


def of_http(request: Request[Any, Any, Any], error: HTTPException) -> ApiError:
    if isinstance(error, NotFoundException):
        return ApiError(HTTPStatus.NOT_FOUND, "not_found", path=request.url.path[:200])
    if isinstance(error, MethodNotAllowedException):
        return ApiError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "method_not_allowed",
            headers=error.headers,
            method=request.method[:20],
            path=request.url.path[:200],
        )
    if isinstance(error, ValidationException):
        return of_validation(request, error)
    if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        limit = request.route_handler.resolve_request_max_body_size()
        return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", limit=limit)
    if isinstance(error, ClientException):
        return ApiError(error.status_code, "request_rejected")
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")


TRANSLATIONS: Final[
    tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any, Any], ApiError]], ...]
] = (
    (ApiError, lambda _, error: error),
    (NotFound, lambda _, error: of_not_found(error)),
    (Conflict, lambda _, error: ApiError(HTTPStatus.CONFLICT, error.code, **error.params)),
    (InvalidSettings, lambda _, error: of_settings(error)),
    (ImportRefused, lambda _, error: ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, **error.params)),
    (InvalidAudio, lambda _, error: ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, error.code)),
    (QueryRefused, lambda _, error: of_refused(error)),
    (QueryTimedOut, lambda _, __: ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "query_timed_out")),
    (InvalidCursor, lambda _, __: ApiError(HTTPStatus.BAD_REQUEST, "cursor_invalid")),
    (HTTPException, of_http),
    (
        UNAVAILABLE,
        lambda _, __: ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", headers={"Retry-After": "1"}
        ),
    ),
)
"""Tried in order. `OSError` last: others may derive from it."""
