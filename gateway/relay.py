"""From the provider's reply to the caller, untouched where both speak the same protocol."""

import time
from functools import lru_cache
from urllib.parse import quote

from gateway.call import Attempt, Call
from gateway.caller import Caller, Header
from providers.protocols.failures import ProviderError
from providers.protocols.wire import StreamReader, WireProtocol
from providers.response import ProviderResponse
from tenants.snapshots import ModelView

_STREAM = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class Relay:
    """Takes over the first reply that is a success, and passes it on in the way that suits it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._chosen: PlainRelay | StreamRelay | BytesRelay | None = None

    async def __call__(
        self, call: Call, attempt: Attempt, protocol: WireProtocol, response: ProviderResponse
    ) -> None:
        """Raises ProviderError as long as nothing has reached the caller."""
        self._chosen = _suiting(call, protocol, response)(self._caller)
        await self._chosen(call, attempt, protocol, response)

    async def finish(self) -> None:
        assert self._chosen is not None
        await self._chosen.finish()


def _suiting(
    call: Call, protocol: WireProtocol, response: ProviderResponse
) -> "type[PlainRelay | StreamRelay | BytesRelay]":
    """Where providers may ignore that a stream was asked for, the reply itself tells."""
    endpoint = call.endpoint
    if not (endpoint.is_audio or endpoint.may_ignore_stream):
        return StreamRelay if call.is_streamed else PlainRelay
    passes = endpoint.model_type in protocol.passes
    is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
    if is_stream and passes and call.is_streamed:
        return StreamRelay
    return BytesRelay if endpoint.is_audio and passes else PlainRelay


class PlainRelay:
    """Takes a whole reply in, and gives it out with `finish`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._body = b""
        self._headers: list[Header] = []

    async def __call__(
        self, call: Call, attempt: Attempt, protocol: WireProtocol, response: ProviderResponse
    ) -> None:
        """Raises ProviderError where it is no reply of the protocol."""
        body = await response.read()
        arrived = time.monotonic()
        facts = call.endpoint.read(protocol, attempt.target, call.payload, body)
        attempt.reported, attempt.text = facts.usage, facts.text
        attempt.is_usage_refused = facts.usage is None and protocol.usage_report(body).is_impossible
        attempt.first_byte = arrived
        self._body = facts.body
        self._headers = [(b"content-type", facts.content_type), *answer_headers(attempt)]

    async def finish(self) -> None:
        await self._caller.respond(200, self._headers, self._body)


class StreamRelay:
    """Passes a stream on as it comes; its last bytes wait for `finish`.

    The caller's answer begins with the first bytes that are for the caller: until then an error
    inside the stream is an error of the attempt, and another model may still be tried.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._last = b""

    async def __call__(
        self, call: Call, attempt: Attempt, protocol: WireProtocol, response: ProviderResponse
    ) -> None:
        reader = call.endpoint.stream(protocol, attempt.target, call.payload)
        attempt.reader = reader
        try:
            await self._pass_on(attempt, reader, response)
            self._last = reader.finish()
        except ProviderError as error:
            if not self._caller.has_started:
                raise
            attempt.failed(error.failure)
            assert attempt.failure is not None
            self._last = reader.error_event(attempt.failure)
        else:
            if not self._caller.has_started:
                await self._start(attempt)

    async def finish(self) -> None:
        await self._caller.write(self._last, more=False)

    async def _pass_on(
        self, attempt: Attempt, reader: StreamReader, response: ProviderResponse
    ) -> None:
        while not reader.has_end_marker and (chunk := await response.read_chunk()):
            passed = reader.feed(chunk)
            if passed:
                if not self._caller.has_started:
                    await self._start(attempt)
                await self._caller.write(passed)
            if reader.failure is not None:
                raise ProviderError(reader.failure)

    async def _start(self, attempt: Attempt) -> None:
        attempt.first_byte = time.monotonic()
        await self._caller.start(200, [*_STREAM, *answer_headers(attempt)])


class BytesRelay:
    """Passes audio on as it comes; the end waits for `finish`.

    What the first bytes show to be no audio is a failed attempt. Audio that breaks off ends with
    its connection: there is no other way to say so.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._is_broken = False

    async def __call__(
        self, call: Call, attempt: Attempt, protocol: WireProtocol, response: ProviderResponse
    ) -> None:
        first = await response.read_chunk()
        if _looks_like_text(response, first):
            first += await response.read_head(_TEXT_BYTES)
        protocol.speech_reply(response.headers, first)
        attempt.reported = call.endpoint.estimate(call.payload, "")
        attempt.first_byte = time.monotonic()
        kind = response.headers.get("content-type", "application/octet-stream")
        headers = [(b"content-type", _printable(kind)), *answer_headers(attempt)]
        await self._caller.start(200, headers)
        await self._caller.write(first)
        try:
            while chunk := await response.read_chunk():
                await self._caller.write(chunk)
        except ProviderError as error:
            attempt.failed(error.failure)
            self._is_broken = True

    async def finish(self) -> None:
        if self._is_broken:
            await self._caller.break_off()
            return
        await self._caller.write(b"", more=False)


def _looks_like_text(response: ProviderResponse, first: bytes) -> bool:
    kind = response.headers.get("content-type", "")
    return first[:1] in (b"{", b"<") or kind.startswith(("application/json", "text/"))


def _printable(kind: str) -> bytes:
    return kind.encode("latin-1", "replace") if kind.isprintable() else b"application/octet-stream"


def answer_headers(attempt: Attempt) -> list[Header]:
    """Which model answered, and which of the caller's fields its provider has no word for."""
    headers = [model_header(attempt.model)]
    if attempt.left_out:
        headers.append(
            (b"x-llmhub-left-out", quote(", ".join(attempt.left_out), safe=_PLAIN).encode())
        )
    return headers


def model_header(model: ModelView) -> Header:
    """Which model on which connection answered; percent-encoded where it is not plain ASCII."""
    return _model_header(model.qualified_name)


@lru_cache(maxsize=4096)
def _model_header(name: str) -> Header:
    return b"x-llmhub-model", quote(name, safe="@/:+ ()").encode()


_PLAIN = " ,.[]"
_TEXT_BYTES = 64 * 1024
