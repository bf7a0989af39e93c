"""A secret in memory: it can be carried and compared, and shows itself to nobody by accident."""

import hmac
from typing import NoReturn


class Secret:
    """Text whose `repr`, `str` and format are `***`.

    Call `reveal()` for the value, at the last moment; only the transport and the secret box do.
    It does not pickle, so it cannot slip into a task's payload or a cache entry.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def last4(self) -> str:
        """The last four characters, or nothing where they would be a large part of the whole."""
        return self._value[-4:] if len(self._value) >= 12 else ""

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    def prefixed(self, prefix: str) -> "Secret":
        """A secret with public text before it, such as `Bearer `."""
        return Secret(prefix + self._value)
