"""multipart/form-data, parsed as it arrives. https://www.rfc-editor.org/rfc/rfc7578

Bounded in everything but the length of a part: its reader decides about that.
"""

import re
from enum import Enum, auto
from typing import NamedTuple

from gateway.errors import BadRequest

MAX_BOUNDARY = 70
"""RFC 2046, section 5.1.1."""
MAX_PARTS = 64
MAX_HEAD_BYTES = 8 * 1024
MAX_PREAMBLE_BYTES = 1024

_FORM = re.compile(r"\s*multipart/form-data\s*(;.*)?", re.IGNORECASE)
_PARAMETER = r';\s*{}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))'
_BOUNDARY = re.compile(_PARAMETER.format("boundary"), re.IGNORECASE)
_NAME = re.compile(_PARAMETER.format("name"), re.IGNORECASE)
_FILENAME = re.compile(_PARAMETER.format("filename"), re.IGNORECASE)


class PartHead(NamedTuple):
    """A part begins. `filename` is None for a field."""

    name: str
    filename: str | None
    content_type: str


class PartEnd(NamedTuple):
    """The part that began last is complete."""


Piece = PartHead | PartEnd | bytes


class _At(Enum):
    PREAMBLE = auto()
    DELIMITER = auto()
    HEAD = auto()
    CONTENT = auto()
    EPILOGUE = auto()


def boundary_read(content_type: bytes | None) -> bytes:
    """Raises BadRequest where the body is no form, or its boundary none of RFC 2046."""
    text = (content_type or b"").decode("latin-1")
    form = _FORM.fullmatch(text)
    if form is None:
        raise BadRequest("Send the file as multipart/form-data.", code="invalid_content_type")
    found = _BOUNDARY.search(form[1] or "")
    boundary = (found[1] or found[2] or "") if found else ""
    if not 0 < len(boundary) <= MAX_BOUNDARY or not boundary.isascii() or boundary[-1] == " ":
        raise _invalid(f"its boundary is not one of 1 to {MAX_BOUNDARY} characters")
    return boundary.encode()


class FormParser:
    """Feed it what arrives; it gives heads, contents and ends of parts, wherever it was cut.

    Raises BadRequest for what is no such form.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # A delimiter begins with a line break, which the first one may lack.
        self._rest = bytearray(b"\r\n")
        self._at = _At.PREAMBLE
        self._parts = 0
        self._preamble = 0

    @property
    def is_complete(self) -> bool:
        """The last delimiter was seen; what follows it is passed over."""
        return self._at is _At.EPILOGUE

    def feed(self, data: bytes) -> list[Piece]:
        self._rest += data
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def _step(self, pieces: list[Piece]) -> bool:
        """Whether it came further."""
        match self._at:
            case _At.PREAMBLE | _At.CONTENT:
                return self._content(pieces)
            case _At.DELIMITER:
                return self._after_delimiter()
            case _At.HEAD:
                return self._head(pieces)
            case _At.EPILOGUE:
                self._rest.clear()
                return False

    def _content(self, pieces: list[Piece]) -> bool:
        end = self._rest.find(self._delimiter)
        is_found = end >= 0
        if not is_found:
            end = max(0, len(self._rest) - len(self._delimiter) + 1)
        self._take(end, pieces)
        if not is_found:
            return False
        if self._at is _At.CONTENT:
            pieces.append(PartEnd())
        del self._rest[: len(self._delimiter)]
        self._at = _At.DELIMITER
        return True

    def _take(self, size: int, pieces: list[Piece]) -> None:
        if self._at is _At.CONTENT and size:
            pieces.append(bytes(self._rest[:size]))
        if self._at is _At.PREAMBLE:
            self._preamble += size
            if self._preamble > MAX_PREAMBLE_BYTES:
                raise _invalid("its first boundary is missing")
        del self._rest[:size]

    def _after_delimiter(self) -> bool:
        if self._rest[:2] == b"--":
            self._at = _At.EPILOGUE
            return True
        end = self._rest.find(b"\r\n")
        if self._rest[: max(end, 0)].strip(b" \t") or (end < 0 and len(self._rest) > 64):
            raise _invalid("a boundary is not followed by a line break")
        if end < 0:
            return False
        # The line break stays: it ends the head of a part that has no headers.
        del self._rest[:end]
        self._at = _At.HEAD
        return True

    def _head(self, pieces: list[Piece]) -> bool:
        end = self._rest.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._rest) >= MAX_HEAD_BYTES:
                raise _invalid(f"the headers of a part exceed {MAX_HEAD_BYTES} bytes")
            return False
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _invalid(f"it has more than {MAX_PARTS} parts")
        pieces.append(_head_read(bytes(self._rest[:end])))
        del self._rest[: end + 4]
        self._at = _At.CONTENT
        return True


def _head_read(head: bytes) -> PartHead:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    headers = {name.strip().lower(): value for name, _, value in lines}
    disposition = headers.get(b"content-disposition", b"").decode("utf-8", "replace")
    name = _parameter(_NAME, disposition)
    if not disposition.strip().lower().startswith("form-data") or not name:
        raise _invalid("a part has no name")
    content_type = headers.get(b"content-type", b"").decode("latin-1").strip()
    return PartHead(name, _parameter(_FILENAME, disposition), content_type)


def _parameter(pattern: re.Pattern[str], disposition: str) -> str | None:
    found = pattern.search(disposition)
    if found is None:
        return None
    return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]


def _invalid(why: str) -> BadRequest:
    return BadRequest(f"The body is not valid multipart/form-data: {why}.", code="invalid_form")
