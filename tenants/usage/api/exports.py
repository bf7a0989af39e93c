"""Tables as CSV and JSON lines: written row by row into a file that is nowhere, and sent from it.

A file because the database must not wait for a slow reader, and because Django under ASGI takes
whole what a synchronous iterator gives.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import orjson
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

FORMATS = ("json", "csv", "jsonl")
_MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_IN_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024

# A spreadsheet takes a cell that begins so for a formula: OWASP, "CSV Injection".
_FORMULA = re.compile(r"^[=+\-@\t\r]")

Rows = Iterable[Iterable[Any]]
Write = Callable[[Rows], None]


class OnlyJSONNegotiation(DefaultContentNegotiation):
    """`format` and Accept are the view's to read; errors are JSON whatever was asked for."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


def format_wanted(request: Request, named: str | None) -> str:
    """The parameter decides, then the first type in Accept that is one of ours."""
    if named:
        return named
    accepted = request.META.get("HTTP_ACCEPT", "")
    for part in accepted.split(","):
        media_type = part.partition(";")[0].strip().lower()
        for name, known in _MEDIA_TYPES.items():
            if media_type == known:
                return name
    return "json"


def export_answer(
    request: Request,
    export: str,
    *,
    filename: str,
    columns: Sequence[str],
    produce: Callable[[Write], None],
) -> StreamingHttpResponse:
    """`produce` is given a function that takes rows, each in the order of the columns."""
    # The response closes it, once it was sent or nobody reads it any more.
    spool: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115
    try:
        writer = _write_csv if export == "csv" else _write_lines
        writer(spool, columns, produce)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    is_async = isinstance(request._request, ASGIRequest)
    response = StreamingHttpResponse(
        _chunks_async(spool) if is_async else _chunks(spool),
        content_type=f"{_MEDIA_TYPES[export]}; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{filename}.{export}"'
    response._resource_closers.append(spool.close)  # type: ignore[attr-defined]
    return response


def _write_csv(spool: IO[bytes], columns: Sequence[str], produce: Callable[[Write], None]) -> None:
    text = io.TextIOWrapper(spool, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)
    produce(lambda rows: writer.writerows([cell_safe(cell) for cell in row] for row in rows))
    text.flush()
    text.detach()


def _write_lines(
    spool: IO[bytes], columns: Sequence[str], produce: Callable[[Write], None]
) -> None:
    def write(rows: Rows) -> None:
        for row in rows:
            line = dict(zip(columns, row, strict=True))
            spool.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))

    produce(write)


def cell_safe(value: Any) -> Any:
    """What a spreadsheet shows and does not carry out."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value


def _chunks(spool: IO[bytes]) -> Iterator[bytes]:
    while chunk := spool.read(_CHUNK_BYTES):
        yield chunk


async def _chunks_async(spool: IO[bytes]) -> AsyncIterator[bytes]:
    read = sync_to_async(spool.read, thread_sensitive=False)
    while chunk := await read(_CHUNK_BYTES):
        yield chunk
