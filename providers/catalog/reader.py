"""Reading a catalog file strictly: each complaint names the file, the factory and the field."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from llmhub.base.errors import InvalidRequest


class CatalogError(InvalidRequest):
    """A catalog file that cannot be used; nothing of it has been loaded."""

    code = "catalog_file"


_REQUIRED = object()
_MAX_FILE_BYTES = 10_000_000
_MAX_USD = 10_000_000


class ObjectReader:
    """One JSON object, taken key by key. `finish()` refuses the keys that nobody took.

    Every method raises CatalogError, with `place` (file, factory, model ...) and the key.
    """

    def __init__(self, value: Any, place: str) -> None:
        self.place = place
        if not isinstance(value, dict):
            raise CatalogError(f"{place}: wants an object")
        self._left = dict(value)

    def fail(self, key: str, wants: str) -> CatalogError:
        return CatalogError(f"{self.place}: {key}: {wants}", field=key)

    def within(self, name: str) -> None:
        """Say where the complaints to come belong, once the object has told its name."""
        self.place = f"{self.place}: {name}"

    def text(
        self, key: str, default: Any = _REQUIRED, *, check: Callable[[str], None] | None = None
    ) -> str:
        value: str = self._take(key, str, default, "wants a text")
        if check is not None and value:
            self.check(key, value, check)
        return value

    def flag(self, key: str, default: Any = _REQUIRED) -> bool:
        value: bool = self._take(key, bool, default, "wants true or false")
        return value

    def integer(self, key: str, low: int, high: int, default: Any = _REQUIRED) -> int | None:
        value: int | None = self._take(key, int, default, "wants a whole number")
        if value is not None and (isinstance(value, bool) or not low <= value <= high):
            raise self.fail(key, f"wants a whole number from {low} to {high}")
        return value

    def words(self, key: str, known: type[StrEnum], default: Any = _REQUIRED) -> tuple[str, ...]:
        values = self._take(key, list, default, "wants a list")
        unknown = [value for value in values if value not in set(known)]
        if unknown:
            raise self.fail(key, f"{unknown[0]!r} is not one of " + ", ".join(known))
        if len(set(values)) != len(values):
            raise self.fail(key, "names one twice")
        return tuple(values)

    def day(self, key: str, default: Any = _REQUIRED) -> date | None:
        value = self._take(key, str, default, "wants a date such as 2026-01-31")
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise self.fail(key, "wants a date such as 2026-01-31") from None

    def midnight(self, key: str, default: datetime | None) -> datetime | None:
        """The beginning of a day, UTC."""
        day = self.day(key, None)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else default

    def money(self, key: str, *, digits: int) -> Decimal | None:
        """A figure in USD with at most `digits` after the point; None where it is missing.

        It is written as a text, so that it stays exact.
        """
        value = self._take(key, str, None, 'wants a text such as "2.50"')
        if value is None:
            return None
        try:
            figure = Decimal(value)
        except InvalidOperation:
            raise self.fail(key, 'wants a text such as "2.50"') from None
        if not figure.is_finite() or not 0 <= figure < _MAX_USD:
            raise self.fail(key, f"wants a figure from 0 to {_MAX_USD}")
        if figure != round(figure, digits):
            raise self.fail(key, f"has more than {digits} digits after the point")
        return figure

    def shape(
        self, key: str, kind: type[dict[str, Any]] | type[list[Any]], default: Any = _REQUIRED
    ) -> Any:
        """An object or a list, as it is."""
        wants = "wants a list" if kind is list else "wants an object"
        return self._take(key, kind, default, wants)

    def texts(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        values = self._take(key, list, default, "wants a list of texts")
        if not all(isinstance(value, str) and value for value in values):
            raise self.fail(key, "wants a list of texts")
        return tuple(values)

    def object(self, key: str, default: Any = _REQUIRED) -> "ObjectReader":
        return ObjectReader(
            self._take(key, dict, default, "wants an object"), f"{self.place}: {key}"
        )

    @property
    def keys_left(self) -> tuple[str, ...]:
        return tuple(self._left)

    def objects(self, key: str, default: Any = _REQUIRED) -> list["ObjectReader"]:
        values = self._take(key, list, default, "wants a list of objects")
        return [ObjectReader(value, f"{self.place}: {key}[{n}]") for n, value in enumerate(values)]

    def finish(self) -> None:
        if self._left:
            raise self.fail(next(iter(self._left)), "is not a field of the catalog")

    def check(self, key: str, value: Any, check: Callable[[Any], None]) -> None:
        """Turn the ValidationError of `check` into a complaint about `key`."""
        try:
            check(value)
        except ValidationError as error:
            raise self.fail(key, " ".join(error.messages)) from None

    def _take(self, key: str, kind: Any, default: Any, wants: str) -> Any:
        if key not in self._left:
            if default is _REQUIRED:
                raise self.fail(key, "is missing")
            return default
        value = self._left.pop(key)
        if not isinstance(value, kind):
            raise self.fail(key, wants)
        return value


def json_read(path: Path) -> ObjectReader:
    """The object in a JSON file. Raises CatalogError: unreadable, no JSON, a key twice."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CatalogError(f"{path.name}: cannot be read: {error.strerror}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise CatalogError(f"{path.name}: is larger than {_MAX_FILE_BYTES} bytes")
    try:
        return ObjectReader(json.loads(content, object_pairs_hook=_without_doubles), path.name)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{path.name}: is not JSON: {error}") from None


def _without_doubles(pairs: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice")
        found[key] = value
    return found
