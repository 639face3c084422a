"""What a query is turned into before it becomes SQL: a list of pure steps, each leaving its meaning as it is."""

from collections.abc import Callable
from typing import Final

import msgspec

from analytics.build import default_order
from analytics.query import Filter, Query


def resolve_order(query: Query) -> Query:
    """An order that names every dimension gives the same page each time."""
    return msgspec.structs.replace(query, order=default_order(query))


def flatten_filter(query: Query) -> Query:
    """`and` in `and`, `or` in `or` and `not` of `not` say nothing more."""
    return query if query.filter is None else msgspec.structs.replace(query, filter=flat(query.filter))


def flat(node: Filter) -> Filter:
    inner = [flat(child) for child in node.filters]
    if node.op == "not" and inner[0].op == "not":
        return inner[0].filters[0]
    if node.op in {"and", "or"}:
        inner = [
            grandchild
            for child in inner
            for grandchild in (child.filters if child.op == node.op else [child])
        ]
        if len(inner) == 1:
            return inner[0]
    return msgspec.structs.replace(node, filters=inner) if inner else node


PIPELINE: Final[tuple[Callable[[Query], Query], ...]] = (resolve_order, flatten_filter)


def optimize(query: Query) -> Query:
    """Run the steps in order."""
    for step in PIPELINE:
        query = step(query)
    return query


def campaigns_of(node: Filter | None) -> tuple[int, ...] | None:
    """
    Return campaigns that hold every attempt the filter lets through; None = it may be any.

    All keys begin with the campaign, so this is what bounds a scan.
    """
    if node is None:
        return None
    if node.op in {"is", "in"} and node.dimension == "campaign":
        return tuple(value for value in node.values if isinstance(value, int))
    if node.op == "and":
        known = [set(found) for child in node.filters if (found := campaigns_of(child)) is not None]
        return tuple(sorted(set.intersection(*known))) if known else None
    return None
