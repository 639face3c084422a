"""
JSON bodies, checked whole: every wrong, missing and unknown field is named in one answer.

msgspec stops at the first problem, so each field is converted by itself; what remains is then built with stand-ins for
the wrong fields, so that the type's own rules (`InvalidSettings`) speak in the same answer.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import UnionType
from typing import Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO
from litestar.dto._backend import DTOBackend
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec.structs import fields

from api.errors import ApiError, FieldProblem, field_problem, invalid_request, of_settings
from campaigns.errors import InvalidSettings
from campaigns.models import CampaignPatch, NewCampaign
from campaigns.trunk_models import NewTrunk, TrunkPatch
from dialer.errors import ConfigError, ConfigProblem

T = TypeVar("T", bound=msgspec.Struct)

MAX_INTEGER: Final = 2**31 - 1
"""No integer that we take is bigger than PostgreSQL's `integer`."""
RULES: Final[Mapping[type[msgspec.Struct], type[msgspec.Struct]]] = {
    CampaignPatch: NewCampaign,
    TrunkPatch: NewTrunk,
}
"""Whose rules check the fields of a struct that has none of its own."""
STAND_INS: Final[Mapping[type, Any]] = {str: "x", int: 1, float: 1.0, bool: False}


# Litestar's hooks take more than is needed here.
# ruff: noqa: ARG003


class CheckedBody(AbstractDTO[T], Generic[T]):
    """Litestar's hook for decoding `data`; the OpenAPI schema stays that of the struct itself."""

    def decode_bytes(self, value: bytes) -> Any:
        return read_body(value, self.model_type)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: type[DTOBackend] | None = None
    ) -> None:
        """No transfer model: `read_body` makes the struct."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Iterator[DTOFieldDefinition]:  # type: ignore[override]
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False


def read_body(body: bytes, struct: type[T]) -> T:
    """
    Return the struct that the JSON object describes.

    Raises:
        ApiError: 400 for what is not JSON; 422 with all problems of all fields.
    """
    values = read_object(body)
    problems = [FieldProblem(name, "unknown") for name in values if name not in struct.__struct_fields__]
    good: dict[str, Any] = {}
    for info in fields(struct):
        if info.encode_name in values:
            value = values[info.encode_name]
            found = list(impossible_values(info.encode_name, value)) or list(
                type_problems(info.encode_name, value, info.type)
            )
            problems += found
            if not found:
                good[info.name] = msgspec.convert(value, info.type)
        elif info.required:
            problems.append(FieldProblem(info.encode_name, "missing"))
    if not problems:
        try:
            return struct(**good)
        except InvalidSettings as error:
            raise of_settings(error) from error
    problems += own_problems(struct, good, {problem.field.partition(".")[0] for problem in problems})
    raise invalid_request(*problems)


def read_object(body: bytes) -> dict[str, Any]:
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        position = getattr(error, "start", None)
        if position is None:
            digits = str(error).rpartition("(byte ")[2].rstrip(")")
            position = int(digits) if digits.isdigit() else 0
        raise ApiError(HTTPStatus.BAD_REQUEST, "body_not_json", position=position) from error
    if not isinstance(values, dict):
        raise invalid_request(FieldProblem("", "wrong_type", {"expected": "object"}))
    return values


def type_problems(field: str, value: Any, annotation: Any) -> Iterator[FieldProblem]:
    """Name what does not fit the type, inside lists and objects each element by itself."""
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        inner = list(element_problems(field, value, annotation))
        if not inner and isinstance(error.__cause__, ConfigError):
            inner = [config_problem(field, problem) for problem in error.__cause__.problems]
        yield from inner or [field_problem(field, str(error), literal_values(annotation))]


def config_problem(field: str, problem: str) -> FieldProblem:
    """Name what the dialer will not have; only what it gives a code to can be said in another language."""
    if isinstance(problem, ConfigProblem):
        return FieldProblem(f"{field}.{problem.field}", problem.code, problem.params)
    return FieldProblem(field, "invalid")


def element_problems(field: str, value: Any, annotation: Any) -> Iterator[FieldProblem]:
    members = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    for member in members:
        if isinstance(value, dict) and get_origin(member) is dict:
            for name, element in value.items():
                yield from type_problems(f"{field}.{name}", element, get_args(member)[1])
        elif isinstance(value, list) and get_origin(member) in {list, tuple}:
            for index, element in enumerate(value):
                yield from type_problems(f"{field}.{index}", element, get_args(member)[0])
        elif isinstance(value, dict) and isinstance(member, type) and issubclass(member, msgspec.Struct):
            if member.__struct_config__.forbid_unknown_fields:
                names = {info.encode_name for info in fields(member)}
                yield from (FieldProblem(f"{field}.{name}", "unknown") for name in value if name not in names)
            for info in fields(member):
                if info.encode_name in value:
                    yield from type_problems(
                        f"{field}.{info.encode_name}", value[info.encode_name], info.type
                    )
                elif info.required:
                    yield FieldProblem(f"{field}.{info.encode_name}", "missing")


def impossible_values(field: str, value: Any) -> Iterator[FieldProblem]:
    """What JSON allows and the database does not: NUL in a text, integers beyond 32 bits."""
    if isinstance(value, str) and "\0" in value:
        yield FieldProblem(field, "invalid")
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        yield FieldProblem(field, "out_of_range", {"min": -MAX_INTEGER, "max": MAX_INTEGER})
    elif isinstance(value, dict):
        for name, inner in value.items():
            if "\0" in name:
                yield FieldProblem(field, "invalid")
            else:
                yield from impossible_values(f"{field}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from impossible_values(f"{field}.{index}", inner)


def own_problems(struct: type[T], good: Mapping[str, Any], known: set[str]) -> list[FieldProblem]:
    """Return what the struct's own rules say about the good fields, the wrong ones replaced by harmless stand-ins."""
    rules = RULES.get(struct, struct)
    stand_ins = {
        info.name: STAND_INS.get(info.type)
        for info in fields(rules)
        if info.required and info.name not in good
    }
    try:
        rules(**{**stand_ins, **good})
    except InvalidSettings as error:
        return [
            FieldProblem(problem.field, problem.code, dict(problem.params))
            for problem in error.problems
            if (root := problem.field.partition(".")[0]) not in known and (rules is struct or root in good)
        ]
    return []


def literal_values(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for inner in get_args(annotation) for value in literal_values(inner))
