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

_JSON = (b"content-type", b"application/json")
_STREAM = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


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
        self._headers = [_JSON, *answer_headers(attempt)]

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
