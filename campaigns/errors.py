"""
Errors of campaigns. A busy callee or a blocked lead is not one of them: those are values.

    CampaignError
    ├── NotFound(kind, id)         no such campaign, trunk, prompt, import, key
    ├── Conflict(code, params)     the thing exists, but not in a state that allows this
    ├── InvalidSettings(problems)  a campaign or trunk cannot have these settings; all problems at once
    ├── ImportRefused(code, params)   a file cannot be read as a base at all; nothing of it was imported
    ├── PostgresUnavailable(code, params)   the embedded server cannot be started
    ├── MigrationFailed(output)    a migration did not apply
    └── UnreadableBitmap           a seal's bytes were damaged (`campaigns.bitmaps`)

Codes are stable and are translated by `api`; sentences here are for logs.
"""

from collections.abc import Mapping

import msgspec

Params = Mapping[str, str | int | float | list[str]]
"""What a translated sentence needs beside its code."""


class CampaignError(Exception):
    """Base of every error that campaigns raise."""


class NotFound(CampaignError):
    """Nothing of this `kind` has this `id`."""

    def __init__(self, kind: str, id: int | str) -> None:  # noqa: A002 - the word of the contract
        super().__init__(f"{kind} {id} not found")
        self.kind = kind
        self.id = id


class Conflict(CampaignError):
    """The present state does not allow what was asked."""

    def __init__(self, code: str, **params: str | float | list[str]) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code = code
        self.params: Params = params


class Problem(msgspec.Struct, frozen=True):
    """One setting that cannot be as asked."""

    field: str
    code: str
    params: dict[str, str | int | float | list[str]] = {}


class InvalidSettings(CampaignError):
    """Some settings are wrong. `problems` names all of them."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.code}" for problem in problems))
        self.problems = problems


class ImportRefused(CampaignError):
    """The file as a whole cannot be imported; no row of it was."""

    def __init__(self, code: str, **params: str | float | list[str]) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code = code
        self.params: Params = params


class PostgresUnavailable(CampaignError):
    """The embedded PostgreSQL cannot run here. `remedy` says in English what to do; `code` is for translation."""

    def __init__(self, code: str, remedy: str, **params: str | float | list[str]) -> None:
        super().__init__(f"{code}: {remedy}")
        self.code = code
        self.remedy = remedy
        self.params: Params = params


class MigrationFailed(CampaignError):
    """dbmate stopped. `output` is what it printed, without the database address."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output
