"""
Errors of analytics. A question without an answer is not one of them: that is a null.

    AnalyticsError
    ├── QueryRefused(problems)   the query cannot be answered as it stands; all problems at once
    └── QueryTimedOut            the answer took longer than the reports may burden the database

Codes are stable and are translated by `api`; sentences here are for logs.
"""

from typing import Any

import msgspec


class AnalyticsError(Exception):
    """Base of every error that analytics raises."""


class QueryProblem(msgspec.Struct, frozen=True):
    """One part of a query that cannot be as asked."""

    field: str
    """Path with dots."""
    code: str
    params: dict[str, Any] = {}


class QueryRefused(AnalyticsError):
    """`problems` names all that is wrong."""

    def __init__(self, *problems: QueryProblem) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.code}" for problem in problems))
        self.problems = problems


class QueryTimedOut(AnalyticsError):
    """The statement was cut off; a shorter period or fewer metrics will do."""
