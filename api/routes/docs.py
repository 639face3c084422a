"""The API described for people: one page made of our own OpenAPI document, without scripts from anywhere."""

import functools
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import jinja2
import msgspec
from litestar import Controller, MediaType, Request, Response, get

from api.catalogue import choose_language, text

TEMPLATE: Final = Path(__file__).with_suffix(".html")
METHODS: Final = ("get", "post", "put", "patch", "delete")
Json = Mapping[str, Any]


class Field(msgspec.Struct, frozen=True):
    """A field of a body, or a parameter, in words."""

    name: str
    type: str
    required: bool
    place: str = ""


class BodyText(msgspec.Struct, frozen=True):
    """What is sent or answered."""

    media_type: str
    name: str
    fields: list[Field]


class OperationText(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address."""

    id: str
    method: str
    path: str
    scope: str | None
    parameters: list[Field]
    bodies: list[BodyText]
    answers: list[BodyText]


class DocsController(Controller):
    """Open to everybody, as the document is."""

    path = "/v1/docs"
    include_in_schema = False

    @get(media_type=MediaType.HTML)
    async def docs(self, request: Request[Any, Any, Any]) -> Response[str]:
        language = choose_language(request.headers.get("accept-language"))
        page = template().render(
            language=language,
            t=functools.partial(translate, language),
            operations=list(operations_of(request.app.openapi_schema.to_schema())),
        )
        return Response(page, status_code=HTTPStatus.OK, media_type=MediaType.HTML)


@functools.cache
def template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def translate(language: str, key: str) -> str:
    return text(key, language)


def operations_of(document: Json) -> Iterator[OperationText]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if (operation := item.get(method)) is not None:
                yield operation_text(document, path, method, operation)


def operation_text(document: Json, path: str, method: str, operation: Json) -> OperationText:
    good: Json = next((r for code, r in operation["responses"].items() if code.startswith("2")), {})
    return OperationText(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        scope=next((scopes[0] for need in operation["security"] for scopes in need.values()), None),
        parameters=[
            Field(p["name"], type_text(p["schema"]), p.get("required", False), p["in"])
            for p in operation.get("parameters", ())
        ],
        bodies=body_texts(document, operation.get("requestBody", {})),
        answers=body_texts(document, good),
    )


def body_texts(document: Json, carrier: Json) -> list[BodyText]:
    return [
        body_text(document, media_type, content.get("schema", {}))
        for media_type, content in carrier.get("content", {}).items()
    ]


def body_text(document: Json, media_type: str, schema: Json) -> BodyText:
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    resolved = resolve(document, reference) if reference else schema
    required = resolved.get("required", ())
    return BodyText(
        media_type,
        reference_name(reference) if reference else "",
        [
            Field(name, type_text(field), name in required)
            for name, field in resolved.get("properties", {}).items()
        ],
    )


def resolve(document: Json, reference: str) -> Json:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    resolved: Json = found
    return resolved


def reference_name(reference: str) -> str:
    return reference.rpartition("/")[2].rpartition("_")[2]


def type_text(schema: Json) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        return reference_name(schema["$ref"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if (choices := schema.get("oneOf") or schema.get("anyOf")) is not None:
        return " | ".join(dict.fromkeys(type_text(choice) for choice in choices))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"[{type_text(schema.get('items', {}))}]"
    bounds = [str(schema[key]) for key in ("minimum", "maximum") if key in schema]
    word = schema.get("format") or (" | ".join(kind) if isinstance(kind, list) else str(kind))
    return f"{word} {'..'.join(bounds)}" if bounds else word
