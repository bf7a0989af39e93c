"""Understands the base URL that a person pasted, and says what it made of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, urlsplit

from llmhub.base.errors import AddressForbidden, InvalidRequest

MAX_LENGTH = 2048

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_ENDPOINT = re.compile(
    r"/(?:chat/completions|completions|embeddings|rerank|responses|messages|models"
    r"|audio/(?:speech|transcriptions|translations))$",
    re.IGNORECASE,
)
_DOUBLED_VERSION = re.compile(r"(/v\d+\w*)(?:\1)+$")


@dataclass(frozen=True, slots=True)
class BaseURL:
    """A normalised base URL, without a slash at its end, and what was changed, in sentences."""

    url: str
    notes: tuple[str, ...] = ()


def base_url_normalise(
    text: str, *, field: str = "api_base", default_url: str = "", version_path: str = ""
) -> BaseURL:
    """Read a pasted base URL.

    Adds a missing scheme (http for local hosts, else https), takes off the endpoint where a full
    one was pasted and a version that is there twice. Where the path is empty it takes that of
    `default_url` if that is the same host, else `version_path`.

    Raises InvalidRequest naming `field` for what is no such URL, and AddressForbidden for another
    scheme or a host in disguise (`0x7f.1`, `2130706433`). Resolves nothing: see
    `providers.addresses.check_url`.
    """
    notes: list[str] = []
    parts = _split(text.strip(), field, notes)
    host = _host(parts, field)
    path = _path(parts.path, field, notes)
    if not path and parts.path in ("", "/"):
        path = _usual_path(host, default_url, version_path)
        if path:
            notes.append(f"Added {path}, which this API's addresses end with.")
    return BaseURL(f"{parts.scheme}://{host}{_port(parts, field)}{path}", tuple(notes))


def _split(text: str, field: str, notes: list[str]) -> SplitResult:
    if not text or len(text) > MAX_LENGTH:
        raise _wrong(field, f"wants a URL of at most {MAX_LENGTH} characters")
    if _UNSAFE.search(text):
        raise _wrong(field, "holds a space, a backslash or a control character")
    if not _SCHEME.match(text):
        text = _with_scheme(text, field)
        notes.append(f"Added the missing {text.partition(':')[0]}://.")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _wrong(field, "is not a URL") from None
    return _checked(parts, field)


def _with_scheme(text: str, field: str) -> str:
    head = text.removeprefix("//")
    before_colon, colon, after = head.partition(":")
    if colon and not before_colon.startswith("[") and not after[:1].isdigit():
        raise AddressForbidden(f"{field} must begin with https:// or http://.", field=field)
    host = head if head.startswith("[") else re.split("[/:]", head)[0]
    return f"{'http' if _is_local(host) else 'https'}://{head}"


def _is_local(host: str) -> bool:
    """A single word or an address: hosts that seldom have a certificate."""
    is_address = host.startswith("[") or re.fullmatch(r"[\d.]+", host) is not None
    return is_address or "." not in host or host.endswith(".local")


def _checked(parts: SplitResult, field: str) -> SplitResult:
    if parts.scheme not in ("http", "https"):
        raise AddressForbidden(f"{field} must begin with https:// or http://.", field=field)
    if "@" in parts.netloc:
        raise _wrong(field, "holds a user name or password: keys belong in api_key")
    if parts.query or parts.fragment:
        raise _wrong(field, "must end before the ? or #: keys and versions have their own fields")
    return parts


def _host(parts: SplitResult, field: str) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        return f"[{_ipv6(host, field)}]"
    try:
        # IDNA folds full-width digits, circled digits and other dots into what they stand for.
        ascii_host = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise _wrong(field, "has a host name that does not exist") from None
    labels = ascii_host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(ascii_host) > 253:
        raise _wrong(field, "has no valid host name")
    if _NUMBER.fullmatch(labels[-1]) and not _is_usual_ipv4(ascii_host):
        message = f"{field} has an IP address in an unusual form: write it like 192.0.2.1."
        raise AddressForbidden(message, field=field)
    return ascii_host


def _is_usual_ipv4(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


def _ipv6(host: str, field: str) -> str:
    try:
        return IPv6Address(host).compressed if "%" not in host else _no_zone(field)
    except ValueError:
        raise _wrong(field, "has no valid host name") from None


def _no_zone(field: str) -> str:
    raise _wrong(field, "has an IPv6 address with a zone")


def _port(parts: SplitResult, field: str) -> str:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _wrong(field, "has a port that is not from 1 to 65535")
    usual = {"http": 80, "https": 443}[parts.scheme]
    return "" if port in (None, usual) else f":{port}"


def _path(path: str, field: str, notes: list[str]) -> str:
    if any(part in (".", "..") for part in path.lower().replace("%2e", ".").split("/")):
        raise _wrong(field, "has a path with . or ..")
    path = quote(re.sub(r"/{2,}", "/", path).rstrip("/"), safe="/%:@!$&'()*+,;=~")
    for pattern, replacement, note in _path_changes():
        shorter = pattern.sub(replacement, path)
        if shorter != path:
            notes.append(note.format(path[len(shorter) :]))
            path = shorter
    return path


def _path_changes() -> Iterator[tuple[re.Pattern[str], str, str]]:
    yield _ENDPOINT, "", "Took off {}: the hub adds the endpoint itself."
    yield _DOUBLED_VERSION, r"\1", "Removed the second {}."


def _usual_path(host: str, default_url: str, version_path: str) -> str:
    default = urlsplit(default_url)
    return default.path.rstrip("/") if default.hostname == host else version_path


def _wrong(field: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {what}.", field=field)
