"""The three-way merge: what a row holds, what was shipped before, what is shipped now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from providers.models import LLM, LLMFactory

Values = Mapping[str, Any]

# What `LLMFactory.shipped` says about the file besides the columns: its day, and whether it came
# with the hub or was an operator's own.
FILE_FACTS = frozenset({"revised", "is_hubs_own"})


@dataclass(frozen=True)
class Merged:
    """`changes` are the columns to set; `kept` those where the operator's value stays."""

    changes: dict[str, Any]
    kept: tuple[str, ...]


def three_way(current: Values, shipped: Values, incoming: Values) -> Merged:
    """A column that still holds its shipped value follows; one that an operator changed stays."""
    changes: dict[str, Any] = {}
    kept: list[str] = []
    for column, value in incoming.items():
        if current[column] == value:
            continue
        if current[column] == shipped.get(column):
            changes[column] = value
        else:
            kept.append(column)
    return Merged(changes, tuple(kept))


def plain(value: Any) -> Any:
    """A column's value as JSON keeps it, so that it compares with `shipped`."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value


def revived(column: str, value: Any) -> Any:
    """The inverse of `plain`."""
    return date.fromisoformat(value) if column == "deprecated_on" and value else value


def plain_columns(source: object, columns: Iterable[str]) -> dict[str, Any]:
    return {column: plain(getattr(source, column)) for column in columns}


def overridden(row: LLMFactory | LLM) -> dict[str, Any]:
    """The shipped values of the columns that an operator changed by hand; no query.

    Empty for a row as shipped, and for one that an operator added.
    """
    current = plain_columns(row, (column for column in row.shipped if column not in FILE_FACTS))
    return {
        column: row.shipped[column] for column in current if current[column] != row.shipped[column]
    }
