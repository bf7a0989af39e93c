"""Audio that a caller uploads: on its way to the provider while it is still arriving.

What arrives is kept until the call is over, in memory as long as it is small and else in a file
that has no name, so that a second provider can be tried. The provider's request begins as soon as
the form has named the model and reached the file; what follows the file is sent after it.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from gateway.caller import Caller
from gateway.errors import BadRequest, BodyTooLarge, EncodingRefused, TooBusy
from gateway.form_parser import FormParser, PartEnd, PartHead, Piece, boundary_read
from gateway.request_body import ADDRESS_FIELDS, Payload
from providers.protocols.wire import AudioFile, StreamedBody

MAX_UPLOAD_BYTES = 100 * 1024 * 1024
"""Providers take 25 MB (OpenAI) to 100 MB (Groq)."""
MAX_KEPT_BYTES = 2 * 1024 * 1024 * 1024
"""Of all uploads of a process together: a disk is finite."""
MEMORY_BYTES = 256 * 1024
"""Of each upload; what is longer goes to a file."""
MAX_FIELD_BYTES = 256 * 1024
UPLOAD_S = 240.0
"""The whole upload; less than a provider gets for its first byte, so that a slow caller is not
taken for a slow provider. 100 MB need 3.5 Mbit/s."""

_CHUNK = 64 * 1024
_HEAD_BYTES = 64 * 1024
_MAX_NAME = 200
_FLAGS = {"true": True, "false": False}


async def upload_read(caller: Caller) -> Payload:
    """The form's fields, and under `file` its Upload, as far as it takes to call a provider.

    Fields that come later are added. Lists have names that end with `[]`. Raises BadRequest for
    what is no such form, BodyTooLarge, EncodingRefused, TooBusy, CallerStalled and CallerGone.
    """
    if caller.header(b"content-encoding") not in (None, b"identity"):
        raise EncodingRefused("Send the body uncompressed.")
    length = caller.header(b"content-length")
    if length and length.isdigit() and int(length) > MAX_UPLOAD_BYTES:
        raise _too_large()
    upload = Upload(caller, FormParser(boundary_read(caller.header(b"content-type"))))
    caller.on_end = upload.close
    await upload.read_head()
    return upload.fields


class Upload:
    """`fields` grow until the form is complete; `size` is what has arrived of the audio, and `head`
    its beginning."""

    kept_bytes: ClassVar[int] = 0

    def __init__(self, caller: Caller, parser: FormParser) -> None:
        self.fields: Payload = {}
        self.size = 0
        self.head = b""
        self._filename = ""
        self._content_type = "application/octet-stream"
        self._caller = caller
        self._parser = parser
        self._ends_at = asyncio.get_running_loop().time() + UPLOAD_S
        self._received = 0
        self._is_complete = False
        self._part: PartHead | None = None
        self._field = bytearray()
        self._pulling = asyncio.Lock()
        self._kept = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 see `close`

    def __repr__(self) -> str:
        """What stands for the audio where a tenant keeps its requests."""
        return f"<{self._filename}, {self.size} bytes>"

    async def read_head(self) -> None:
        """Until the model and the file's beginning are known, or the form is complete."""
        while not self._is_complete and not self.fields.keys() >= {"model", "file"}:
            await self._pull()

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The audio from its beginning; returns when the whole form has arrived."""
        sent = 0
        while True:
            if sent < self.size:
                self._kept.seek(sent)
                chunk = self._kept.read(_CHUNK)
                sent += len(chunk)
                yield chunk
            elif self._is_complete:
                return
            else:
                await self._pull_unless(sent)

    def audio(self) -> AudioFile:
        """As it is to be sent now: with its length once that is known."""
        length = self.size if self._is_complete else None
        content = StreamedBody(self.chunks, length)
        return AudioFile(self._filename, self._content_type, content, self._own_fields)

    def close(self) -> None:
        Upload.kept_bytes -= self.size
        self.size = 0
        self._kept.close()

    async def _pull_unless(self, sent: int) -> None:
        """The reader of an attempt that was given up may still be waiting for the same bytes."""
        async with self._pulling:
            if sent >= self.size and not self._is_complete:
                await self._pull()

    async def _pull(self) -> None:
        data, more = await self._caller.receive_body(self._ends_at)
        self._received += len(data)
        if self._received > MAX_UPLOAD_BYTES:
            raise _too_large()
        for piece in self._parser.feed(data):
            self._take(piece)
        if more:
            return
        if not self._parser.is_complete:
            raise BadRequest("The form ends before its last boundary.", code="invalid_form")
        self._is_complete = True

    def _take(self, piece: Piece) -> None:
        if isinstance(piece, PartHead):
            self._begin(piece)
        elif isinstance(piece, PartEnd):
            self._end()
        elif self._is_in_file:
            self._keep(piece)
        else:
            self._field += piece
            if len(self._field) > MAX_FIELD_BYTES:
                raise BadRequest(f"{self._name} is longer than {MAX_FIELD_BYTES} bytes.")

    @property
    def _name(self) -> str:
        return self._part.name if self._part is not None else ""

    @property
    def _is_in_file(self) -> bool:
        return self._name == "file"

    def _begin(self, head: PartHead) -> None:
        self._part = head
        self._field.clear()
        if len(head.name) > _MAX_NAME or not head.name.isprintable():
            raise BadRequest("A field of the form has no usable name.", code="invalid_form")
        if head.name in ADDRESS_FIELDS:
            raise BadRequest(
                f"A request does not choose a provider's address or key: leave out {head.name}.",
                param=head.name,
            )
        if head.name in self.fields and not head.name.endswith("[]"):
            raise BadRequest(f"{head.name} is given twice.", code="duplicate", param=head.name)
        if head.name == "file":
            self._begin_file(head)

    def _begin_file(self, head: PartHead) -> None:
        name = (head.filename or "").replace("\\", "/").rsplit("/", 1)[-1][-_MAX_NAME:]
        if not name or not name.isprintable():
            raise BadRequest("The file has no usable name.", code="invalid_form", param="file")
        self._filename = name
        if head.content_type and head.content_type.isprintable():
            self._content_type = head.content_type
        self.fields["file"] = self

    def _own_fields(self) -> Payload:
        return {name: value for name, value in self.fields.items() if name != "file"}

    def _end(self) -> None:
        if self._part is None or self._is_in_file:
            return
        try:
            text = self._field.decode()
        except UnicodeDecodeError:
            message = f"{self._name} is not UTF-8."
            raise BadRequest(message, code="invalid_form", param=self._name) from None
        if self._name.endswith("[]"):
            self.fields.setdefault(self._name, []).append(text)
        else:
            self.fields[self._name] = _value(self._name, text)

    def _keep(self, data: bytes) -> None:
        if Upload.kept_bytes + len(data) > MAX_KEPT_BYTES:
            raise TooBusy("Too many uploads are under way.", retry_after_s=10)
        if len(self.head) < _HEAD_BYTES:
            self.head += data[: _HEAD_BYTES - len(self.head)]
        self._kept.seek(self.size)
        self._kept.write(data)
        self.size += len(data)
        Upload.kept_bytes += len(data)


def _value(name: str, text: str) -> Any:
    """A form knows texts alone; `stream` is what the hub itself goes by."""
    return _FLAGS.get(text.strip().lower(), text) if name == "stream" else text


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The upload has more than {MAX_UPLOAD_BYTES // 1024 // 1024} MB.")
