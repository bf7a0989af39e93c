"""A provider that does as it is told: a real HTTP server on loopback that speaks OpenAI's dialect.

Unscripted it answers every endpoint as OpenAI would. `script` lays down replies for a path, used in
turn before it answers normally again. It records every request that reached it; `begun` has the
paths of those whose bodies may still be on their way.

    async with ProviderServer(api_key="sk-right") as provider:
        provider.script("/v1/chat/completions", Reply(status=503))
        ...
        assert len(provider.seen) == 2

`running_provider` runs one in a thread, for tests that block; `raw_server` writes bytes of a test's
own making.
"""

import asyncio
import itertools
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

MODELS = (
    "test-chat",
    "test-embedding",
    "test-rerank",
    "whisper-1",
    "tts-1",
    "dall-e-3",
    "omni-moderation-latest",
)
WORDS = ("Hello", " from", " the", " provider", ".")
PROMPT_TOKENS = 7
DIMENSIONS = 8
SSE = "text/event-stream"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Seen:
    """A request that reached the provider. `id` is its `x-request-id`, else empty."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to answer once.

    `body`: bytes, or what becomes JSON; `{key}` in bytes becomes the Authorization header received.
    `chunks` makes a chunked answer, with `pause_s` between the chunks. `hang` waits before the
    headers until the server stops; `ending` says what follows the last chunk: `end`, `cut` (the
    connection is dropped) or `hang`.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Sequence[bytes] | None = None
    pause_s: float = 0
    hang: bool = False
    ending: str = "end"


class ProviderServer:
    """Listens on `host`; `url` is its base URL with `/v1`. Port 0 takes a free one."""

    def __init__(self, *, api_key: str | None = None, host: str = "127.0.0.1", tls: Any = None):
        self.api_key = api_key
        self.host = host
        self.port = 0
        self.seen: list[Seen] = []
        self.begun: list[str] = []
        self._tls = tls
        self._refusals: dict[str, Reply] = {}
        self._scripts: dict[str, deque[Reply]] = defaultdict(deque)
        self._ids = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._may_answer = threading.Event()
        self._may_answer.set()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/v1"

    def script(self, path: str, *replies: Reply) -> None:
        """The next answers to `path`, which begins with `/v1`."""
        self._scripts[path].extend(replies)

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Requests are seen, and answered only after this."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def refuse_at_once(self, path: str, reply: Reply) -> None:
        """Answers to `path` before the request's body has come."""
        self._refusals[path] = reply

    def requests_to(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    async def __aenter__(self) -> Self:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._stopping.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.begun.append(request.path)
        if request.path in self._refusals:
            return await self._play(request, self._refusals[request.path])
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        request_id = headers.get("x-request-id", "")
        self.seen.append(Seen(request_id, request.method, request.path, headers, body))
        while not self._may_answer.is_set() and not self._stopping.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if self._scripts[request.path]:
            return await self._play(request, self._scripts[request.path].popleft())
        given = headers.get("authorization", "")
        if self.api_key is not None and given != f"Bearer {self.api_key}":
            return await self._play(request, wrong_key(given))
        return await self._play(request, self._usual(request.path, body))

    async def _play(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.hang:
            await self._stopping.wait()
        body, kind = _encode(reply.body, request.headers.get("authorization", ""))
        headers = {"content-type": kind, **reply.headers}
        if reply.chunks is None and reply.ending == "end":
            return web.Response(status=reply.status, body=body, headers=headers)
        response = web.StreamResponse(status=reply.status, headers=headers)
        await response.prepare(request)
        for chunk in reply.chunks or (body,):
            await response.write(chunk)
            await asyncio.sleep(reply.pause_s)
        if reply.ending == "hang":
            await self._stopping.wait()
        if reply.ending == "cut":
            assert request.transport is not None
            # What was written still leaves, and then the connection ends without its last chunk.
            request.transport.close()
        return response

    def _usual(self, path: str, body: bytes) -> Reply:
        number = next(self._ids)
        asked = json.loads(body) if body.startswith(b"{") else {}
        match path:
            case "/v1/models":
                return Reply(body={"object": "list", "data": [{"id": name} for name in MODELS]})
            case "/v1/chat/completions" if asked.get("stream"):
                return stream_reply(asked, f"chatcmpl-{number}")
            case "/v1/chat/completions":
                return Reply(body=chat_body(asked.get("model"), f"chatcmpl-{number}"))
            case "/v1/completions":
                return Reply(body=completion_body(asked.get("model"), f"cmpl-{number}"))
            case "/v1/embeddings":
                return Reply(body=embedding_body(asked))
            case "/v1/rerank":
                return Reply(body=rerank_body(asked))
        return other_reply(path, asked, body)


def other_reply(path: str, asked: Mapping[str, Any], body: bytes) -> Reply:
    """Everything but text."""
    match path:
        case "/v1/audio/speech" if asked.get("stream_format") == "sse":
            return Reply(headers={"content-type": SSE}, chunks=speech_events())
        case "/v1/audio/speech":
            return Reply(chunks=[b"ID3", b" audio"], headers={"content-type": "audio/mpeg"})
        case "/v1/audio/transcriptions" | "/v1/audio/translations":
            return transcript_reply(body)
        case "/v1/images/generations" if asked.get("stream"):
            return Reply(headers={"content-type": SSE}, chunks=image_events())
        case "/v1/images/generations":
            return Reply(body=image_body(asked))
        case "/v1/moderations":
            return Reply(body=moderation_body(asked))
    return Reply(status=404, body={"detail": "Not Found"})


def wrong_key(given: str) -> Reply:
    """As some providers do, it repeats the key it was sent."""
    message = f"Incorrect API key provided: {given.removeprefix('Bearer ')}."
    error = {"message": message, "type": "invalid_request_error", "code": "invalid_api_key"}
    return Reply(status=401, body={"error": error})


def chat_body(model: Any, reply_id: str = "chatcmpl-1") -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    head = {"id": reply_id, "object": "chat.completion", "created": 1, "model": model}
    return {**head, "choices": [choice], "usage": chat_usage()}


def completion_body(model: Any, reply_id: str = "cmpl-1") -> dict[str, Any]:
    choice = {"index": 0, "text": "".join(WORDS), "finish_reason": "stop", "logprobs": None}
    head = {"id": reply_id, "object": "text_completion", "created": 1, "model": model}
    return {**head, "choices": [choice], "usage": chat_usage()}


def chat_usage() -> dict[str, int]:
    """Seven tokens in, one out for each word."""
    total = PROMPT_TOKENS + len(WORDS)
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": len(WORDS),
        "total_tokens": total,
    }


def stream_reply(asked: Mapping[str, Any], reply_id: str = "chatcmpl-1") -> Reply:
    has_usage = (asked.get("stream_options") or {}).get("include_usage", False)
    chunks = stream_chunks(asked.get("model"), has_usage=has_usage, reply_id=reply_id)
    return Reply(headers={"content-type": SSE}, chunks=chunks)


def stream_chunks(
    model: Any = "test-chat", *, has_usage: bool, reply_id: str = "chatcmpl-1"
) -> list[bytes]:
    """The events of a streamed answer, the last one `[DONE]`."""
    head = {"id": reply_id, "object": "chat.completion.chunk", "created": 1, "model": model}
    deltas: list[tuple[dict[str, str], str | None]] = [({"content": w}, None) for w in WORDS]
    bodies: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in [*deltas, ({}, "stop")]
    ]
    if has_usage:
        bodies = [{**body, "usage": None} for body in bodies]
        bodies.append({**head, "choices": [], "usage": chat_usage()})
    events = [f"data: {json.dumps(body)}\n\n".encode() for body in bodies]
    return [*events, b"data: [DONE]\n\n"]


def embedding_body(asked: Mapping[str, Any]) -> dict[str, Any]:
    given = asked.get("input", "")
    count = len(given) if isinstance(given, list) else 1
    vector = [round(0.1 * (i + 1), 1) for i in range(DIMENSIONS)]
    data = [{"object": "embedding", "index": i, "embedding": vector} for i in range(count)]
    usage = {"prompt_tokens": 2 * count, "total_tokens": 2 * count}
    return {"object": "list", "model": asked.get("model"), "data": data, "usage": usage}


def rerank_body(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Earlier documents fit better; the results come best first."""
    count = len(asked.get("documents", ()))
    results = [{"index": i, "relevance_score": 1 / (i + 1)} for i in range(count)]
    return {"model": asked.get("model"), "results": results, "usage": {"total_tokens": 9}}


def transcript_reply(form: bytes) -> Reply:
    """As whisper-1 answers, and streamed as newer models do."""
    if b'name="stream"\r\n\r\ntrue' in form:
        return Reply(headers={"content-type": SSE}, chunks=transcript_events())
    found = re.search(rb'name="response_format"\r\n\r\n(\w+)', form)
    wanted = found[1].decode() if found else "json"
    if wanted in TRANSCRIPTS:
        headers = {"content-type": "text/plain; charset=utf-8"}
        return Reply(body=TRANSCRIPTS[wanted].encode(), headers=headers)
    if wanted == "verbose_json":
        body = {"task": "transcribe", "language": "english", "duration": 2.5, "text": "hello"}
        return Reply(body={**body, "segments": []})
    return Reply(body={"text": "hello", "usage": {"type": "duration", "seconds": 3}})


TRANSCRIPTS = {
    "text": "hello\n",
    "srt": "1\n00:00:00,000 --> 00:00:04,000\nhello\n\n",
    "vtt": "WEBVTT\n\n00:00.000 --> 00:04.000\nhello\n\n",
}


def events(*bodies: Mapping[str, Any]) -> list[bytes]:
    """Events that carry a type."""
    return [f"event: {b['type']}\ndata: {json.dumps(b)}\n\n".encode() for b in bodies]


def transcript_events() -> list[bytes]:
    details = {"text_tokens": 0, "audio_tokens": 14}
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 2, "total_tokens": 16}
    return events(
        {"type": "transcript.text.delta", "delta": "hel"},
        {"type": "transcript.text.delta", "delta": "lo"},
        {
            "type": "transcript.text.done",
            "text": "hello",
            "usage": {**usage, "input_token_details": details},
        },
    )


def speech_events() -> list[bytes]:
    usage = {"input_tokens": 4, "output_tokens": 20, "total_tokens": 24}
    return events(
        {"type": "speech.audio.delta", "audio": "SUQz"},
        {"type": "speech.audio.done", "usage": usage},
    )


IMAGE_USAGE = {
    "input_tokens": 10,
    "output_tokens": 50,
    "total_tokens": 60,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
}


def image_events() -> list[bytes]:
    picture = {"b64_json": "cGljdHVyZQ==", "created_at": 1, "size": "1024x1024"}
    more = {**picture, "quality": "low", "background": "opaque", "output_format": "png"}
    return events(
        {**more, "type": "image_generation.partial_image", "partial_image_index": 0},
        {**more, "type": "image_generation.completed", "usage": IMAGE_USAGE},
    )


def image_body(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Addresses and no usage as from older models, or bytes and usage as from newer ones."""
    count = asked["n"] if type(asked.get("n")) is int else 1
    if asked.get("response_format") == "url":
        return {"created": 1, "data": [{"url": "https://example.com/picture.png"}] * count}
    return {"created": 1, "data": [{"b64_json": "cGljdHVyZQ=="}] * count, "usage": IMAGE_USAGE}


def moderation_body(asked: Mapping[str, Any]) -> dict[str, Any]:
    given = asked.get("input", "")
    count = len(given) if isinstance(given, list) else 1
    result = {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 0.01}}
    return {"id": "modr-1", "model": asked.get("model"), "results": [result] * count}


def _encode(body: Any, authorization: str) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body.replace(b"{key}", authorization.encode()), "application/octet-stream"
    return json.dumps(body).encode(), "application/json"


@asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """A server that writes what it likes; the value is its URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@contextmanager
def running_provider(**options: Any) -> Iterator[ProviderServer]:
    """A provider in a thread of its own. Scripts and `seen` may be used from outside."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="provider")
    thread.start()
    server = ProviderServer(**options)

    def run(coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=10)

    try:
        run(server.__aenter__())
        yield server
        run(server.__aexit__())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
