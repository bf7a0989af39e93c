"""What every reader of a foreign stream has in common: a ChunkReader but for the reading itself."""

from typing import Any

from providers.protocols.chat.answer import ChunkWriter
from providers.protocols.failures import ProviderError, ProviderFailure, bad_reply
from providers.protocols.usage import NOT_REPORTED, UsageReport


class ForeignStream:
    """A ChunkReader (see `providers.protocols.wire`); a subclass gives `_take`, `_end` and
    `is_done`.

    It keeps what was said and used, and the first failure, after which nothing more is given.
    """

    __slots__ = ("_failure", "_texts", "_usage", "_writer")

    def __init__(self) -> None:
        self._writer = ChunkWriter()
        self._texts: list[str] = []
        self._usage: UsageReport = NOT_REPORTED
        self._failure: ProviderFailure | None = None

    @property
    def usage_report(self) -> UsageReport:
        return self._usage

    @property
    def output_text(self) -> str:
        return "".join(self._texts)

    @property
    def is_done(self) -> bool:
        raise NotImplementedError

    @property
    def has_end_marker(self) -> bool:
        return False

    @property
    def failure(self) -> ProviderFailure | None:
        return self._failure

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        if self._failure is not None:
            return []
        given: list[dict[str, Any]] = []
        try:
            self._take(chunk, given)
        except ProviderError as error:
            self._failure = error.failure
        return given

    def finish(self) -> list[dict[str, Any]]:
        given: list[dict[str, Any]] = []
        if self._failure is None:
            self._end(given)
        if self._failure is not None:
            raise ProviderError(self._failure)
        if not self.is_done:
            raise bad_reply("the stream ended before the answer was complete")
        usage = self.usage_report.usage
        if usage is not None:
            given.append(self._writer.usage_chunk(usage))
        return given

    def _take(self, chunk: bytes, given: list[dict[str, Any]]) -> None:
        """Read what arrived and append the chunks that are complete. Raises ProviderError for an
        error inside the stream; what was appended before it still goes out."""
        raise NotImplementedError

    def _end(self, given: list[dict[str, Any]]) -> None:
        """Read what is left once nothing more comes. Raises ProviderError where it is cut."""
        raise NotImplementedError
