"""A stream of one dialect on its way to a caller of another."""

from providers.protocols.dialects.caller_dialect import ChunkWriter
from providers.protocols.failures import ProviderFailure
from providers.protocols.usage import Usage, UsageReport
from providers.protocols.wire import ChunkReader


class TranslatedStream:
    """A StreamReader (see `providers.protocols.wire`) made of a reader and a writer of chunks."""

    __slots__ = ("_reader", "_writer")

    def __init__(self, reader: ChunkReader, writer: ChunkWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def usage_report(self) -> UsageReport:
        return self._reader.usage_report

    @property
    def usage(self) -> Usage | None:
        return self._reader.usage_report.usage

    @property
    def output_text(self) -> str:
        return self._reader.output_text

    @property
    def is_done(self) -> bool:
        return self._reader.is_done

    @property
    def has_end_marker(self) -> bool:
        return self._reader.has_end_marker

    @property
    def failure(self) -> ProviderFailure | None:
        return self._reader.failure

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([self._writer.write(found) for found in self._reader.feed(chunk)])

    def finish(self) -> bytes:
        last = [self._writer.write(found) for found in self._reader.finish()]
        return b"".join([*last, self._writer.finish()])

    def error_event(self, failure: ProviderFailure) -> bytes:
        return self._writer.error_event(failure)
