"""Names in the catalog are data that people and files bring: what may stand in one."""

import re
import unicodedata

from django.core.exceptions import ValidationError

# Control and format characters (bidirectional overrides among them), surrogates, line separators:
# none shows in a table, and each can make a name pass for another.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


MAX_NAME_LENGTH = 200
"""Of a model in the catalog, and so of every model that a tenant can have."""


def validate_name(name: str) -> None:
    """Refuse an empty name, blanks at its ends, invisible characters. Raises ValidationError."""
    if not name or name != name.strip():
        raise ValidationError("A name is not empty and has no blanks at its ends.", code="name")
    if any(unicodedata.category(character) in _INVISIBLE for character in name):
        raise ValidationError("A name has no control characters.", code="name")


def validate_factory_name(name: str) -> None:
    """As `validate_name`, and without `@` and `/`, which separate the parts of a model's full name
    (`model@connection@factory`, `factory/model`). Raises ValidationError.
    """
    validate_name(name)
    if "@" in name or "/" in name:
        raise ValidationError("A factory's name has no @ and no /.", code="name")


def is_older_version(version: str, other: str) -> bool:
    """Whether a package's version such as 0.2.10 comes before another; an empty one comes first."""
    return _numbers(version) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
