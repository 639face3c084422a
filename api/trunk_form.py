"""The form of a trunk: which settings it shows, how they are written in it, and what comes back (docs/adr/0010)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from api.body import read_body
from api.errors import ApiError, FieldProblem
from campaigns.trunk_models import NewTrunk, Trunk

Kind = Literal["text", "whole", "number", "password", "switch", "choice", "list"]


class FormField(msgspec.Struct, frozen=True):
    """One input; `name` is the setting's own, with dots inside objects, as problems name it."""

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    is_optional: bool = False
    """An empty input is null."""


GROUPS: Final[Mapping[str, tuple[FormField, ...]]] = {
    "connection": (
        FormField("name", "text"),
        FormField("host", "text"),
        FormField("port", "whole", is_optional=True),
        FormField("transport", "choice", ("udp", "tcp", "tls")),
        FormField("username", "text", is_optional=True),
        FormField("password", "password", is_optional=True),
        FormField("from_domain", "text", is_optional=True),
        FormField("engine", "choice", ("native", "pyvoip")),
    ),
    "limits": (FormField("max_calls_per_second", "number"), FormField("max_channels", "whole")),
    "identity": (
        FormField("caller_id", "text"),
        FormField("identity.display_name", "text", is_optional=True),
        FormField("identity.network_user", "text", is_optional=True),
        FormField("identity.diversion", "text", is_optional=True),
        FormField("identity.has_asserted_identity", "switch"),
        FormField("identity.has_remote_party_id", "switch"),
        FormField("identity.is_anonymous", "switch"),
        FormField("sip.has_reliable_provisionals", "switch"),
        FormField("sip.has_session_timer", "switch"),
    ),
    "registration": (
        FormField("registration", "switch"),
        FormField("registration.expires_seconds", "whole"),
        FormField("registration.registrars", "list"),
    ),
    "health": (
        FormField("health.options_interval_seconds", "number", is_optional=True),
        FormField("health.consecutive_faults", "whole"),
        FormField("health.fault_share", "number"),
        FormField("health.open_seconds", "number"),
    ),
}
REGISTRATION_DEFAULTS: Final[dict[str, Any]] = {"registrars": [], "expires_seconds": 300}


class ReadForm(msgspec.Struct, frozen=True):
    """What a visitor sent: the settings, or every problem."""

    settings: NewTrunk | None
    problems: list[FieldProblem]


def settings_of(trunk: Trunk | NewTrunk | None) -> dict[str, Any]:
    """Return the settings as plain values; of a new trunk its defaults."""
    if isinstance(trunk, Trunk):
        trunk = trunk.settings()
    values: dict[str, Any] = msgspec.to_builtins(trunk or NewTrunk(name="x", host="x"))
    return values if trunk is not None else {**values, "name": "", "host": ""}


def shown_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in each input; never a password."""
    shown: dict[str, Any] = {}
    for field in fields():
        value = value_at(values, field.name)
        if field.name == "registration":
            shown[field.name] = value is not None
        elif field.kind == "switch":
            shown[field.name] = bool(value)
        elif field.kind == "password" or value is None:
            shown[field.name] = ""
        elif field.kind == "list":
            shown[field.name] = ", ".join(value)
        else:
            shown[field.name] = f"{value:g}" if isinstance(value, float) else str(value)
    return shown


def read_form(sent: Mapping[str, str], before: Trunk | None) -> ReadForm:
    """Put what was sent over the settings that are there; an empty password leaves the old one."""
    values = settings_of(before)
    if "registration" in sent:
        values["registration"] = values["registration"] or dict(REGISTRATION_DEFAULTS)
    else:
        values["registration"] = None
    for field in fields():
        path, _, leaf = field.name.rpartition(".")
        if field.name == "registration" or (path and values.get(path) is None):
            continue
        target = values[path] if path else values
        text = sent.get(field.name, "").strip()
        if field.kind == "switch":
            target[leaf or field.name] = field.name in sent
        elif field.kind != "password" or text:
            target[leaf or field.name] = value_of(field, text)
    try:
        return ReadForm(read_body(msgspec.json.encode(values), NewTrunk), [])
    except ApiError as error:
        return ReadForm(None, list(error.problems))


def value_of(field: FormField, text: str) -> object:
    """Turn a text into the setting's type; what cannot be stays a text, which the check then names."""
    if not text and field.is_optional:
        return None
    if field.kind == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    if field.kind in {"whole", "number"}:
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return text
        return int(number) if number.is_integer() else number
    return text


def value_at(values: Mapping[str, Any], name: str) -> Any:
    path, _, leaf = name.rpartition(".")
    if not path:
        return values.get(name)
    inside = values.get(path)
    if inside is None and path == "registration":
        inside = REGISTRATION_DEFAULTS
    return None if inside is None else inside.get(leaf)


def fields() -> list[FormField]:
    return [field for group in GROUPS.values() for field in group]
