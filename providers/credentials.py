"""What a factory asks for to be called, and reading what a person gave.

The fields are stored as JSON in `LLMFactory.credential_fields`; a form can be built from them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret

MAX_LENGTH = 16_384
"""A service account's key file is the longest credential, at about 2.5 KB."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing that a factory asks for. `pattern` is a regular expression for the whole value."""

    name: str
    label: str
    is_secret: bool = True
    is_required: bool = True
    pattern: str = ""
    help: str = ""
    placeholder: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Raises ValueError for a field that cannot be used: the catalog is wrong."""
        try:
            field = cls(**stored)
            re.compile(field.pattern)
        except (TypeError, re.error) as error:
            raise ValueError(f"not a credential field: {error}") from None
        return field

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def credentials_parse(
    fields: Sequence[CredentialField], api_key: str | Mapping[str, Any] | None
) -> dict[str, Secret | str]:
    """Check what was given as `api_key` against the factory's fields; secret fields become Secret.

    Takes a string (the first secret field), an object, or an object as JSON text. Blank optional
    fields are left out. Raises InvalidRequest naming the field as `api_key.<name>`; no message
    shows a value.
    """
    given = _given(fields, api_key)
    unknown = sorted(given.keys() - {field.name for field in fields})
    if unknown:
        raise _wrong(_shown(unknown[0]), f"is not a field of this provider. {_known(fields)}")
    read = {field.name: _value(field, given.get(field.name)) for field in fields}
    return {
        field.name: Secret(read[field.name]) if field.is_secret else read[field.name]
        for field in fields
        if read[field.name]
    }


def _given(
    fields: Sequence[CredentialField], api_key: str | Mapping[str, Any] | None
) -> Mapping[str, Any]:
    if isinstance(api_key, Mapping):
        return api_key
    if not isinstance(api_key, str | None):
        raise InvalidRequest("api_key must be a string or an object.", field="api_key")
    text = (api_key or "").strip()
    if not text:
        return {}
    main = _main(fields)
    decoded = _object(text)
    # A service account's key is itself a JSON object: it is the value unless it names our fields.
    if decoded is not None and (main is None or decoded.keys() & {f.name for f in fields}):
        return decoded
    if main is None:
        raise InvalidRequest(f"This provider takes an object. {_known(fields)}", field="api_key")
    return {main.name: text}


def _main(fields: Sequence[CredentialField]) -> CredentialField | None:
    return next((field for field in fields if field.is_secret), None)


def _object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{") or len(text) > 4 * MAX_LENGTH:
        return None
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _value(field: CredentialField, given: Any) -> str:
    text = _text(field, given).strip()
    if not text:
        if field.is_required:
            raise _wrong(field.name, f"is required: {field.label}. {field.help}")
        return ""
    if len(text) > MAX_LENGTH:
        raise _wrong(field.name, f"is longer than {MAX_LENGTH} characters.")
    if _CONTROL.search(text):
        raise _wrong(field.name, "holds a line break or control character. Copy the key again.")
    if not _is_latin1(text):
        raise _wrong(field.name, "holds characters that no key has. Copy all of it again.")
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise _wrong(field.name, f"does not look like {_example(field)}. {field.help}")
    return text


def _text(field: CredentialField, given: Any) -> str:
    if isinstance(given, Mapping):
        return json.dumps(given)
    if given is None or isinstance(given, str):
        # A service account's key file is copied with its line breaks, which mean nothing in JSON.
        decoded = _object((given or "").strip())
        return given or "" if decoded is None else json.dumps(decoded)
    raise _wrong(field.name, "must be a string.")


def _is_latin1(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _example(field: CredentialField) -> str:
    return f"{field.label}, such as {field.placeholder}" if field.placeholder else field.label


def _known(fields: Sequence[CredentialField]) -> str:
    names = ", ".join(field.name for field in fields)
    return f"Its fields: {names}." if names else "It takes no credentials."


def _shown(name: object) -> str:
    """A stray key may be a pasted secret: show it only where it looks like a field's name."""
    text = str(name)
    return text if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text) else "…"


def _wrong(name: str, what: str) -> InvalidRequest:
    field = f"api_key.{name}"
    return InvalidRequest(f"{field} {what}".strip(), field=field)
