import json
from typing import Any

import pytest

from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.gemini import Gemini
from providers.protocols.wire import Target
from tests.providers.protocols.exchanges import (
    Exchange,
    exchanges_of,
    plain,
    read_all,
    request_of,
    summed,
)

GEMINI = Gemini()
TARGET = Target("https://generativelanguage.googleapis.com/v1beta", {"api_key": Secret("AIza-key")})
ALL = exchanges_of(__file__)
WHOLE = [exchange for exchange in ALL if not exchange.is_streamed]
STREAMED = [exchange for exchange in ALL if exchange.is_streamed]


def stream_of(exchange: Exchange) -> bytes:
    events: list[Any] = exchange.events
    return b"".join(
        b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\r\n\r\n" for event in events
    )


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_a_request_is_said_in_geminis_terms(exchange: Exchange) -> None:
    request = request_of(GEMINI, TARGET, exchange)
    assert request.url == exchange.sent["url"]
    assert json.loads(request.body) == exchange.sent["body"]
    assert request.left_out == tuple(exchange.sent.get("left_out", ()))
    assert request.headers["x-goog-api-key"] == Secret("AIza-key")


@pytest.mark.parametrize("exchange", WHOLE, ids=lambda e: e.name)
def test_a_reply_becomes_a_completion(exchange: Exchange) -> None:
    reply = GEMINI.chat_reply(json.dumps(exchange.reply).encode())
    assert plain(dict(reply.completion)) == exchange.answer
    assert reply.finish_reason == exchange.answer["choices"][0]["finish_reason"]
    assert reply.usage is not None
    assert reply.usage.total_tokens == exchange.answer["usage"]["total_tokens"]


@pytest.mark.parametrize("size", [0, 1, 7, 64])
@pytest.mark.parametrize("exchange", STREAMED, ids=lambda e: e.name)
def test_a_stream_becomes_chunks_however_it_was_cut(exchange: Exchange, size: int) -> None:
    reader = GEMINI.chunk_reader()
    assert summed(read_all(reader, stream_of(exchange), size)) == exchange.answer
    said = exchange.answer["choices"][0]["message"]
    assert said["content"] in reader.output_text
    assert said.get("reasoning_content", "") in reader.output_text


@pytest.mark.parametrize("exchange", STREAMED, ids=lambda e: e.name)
def test_a_stream_that_breaks_off_anywhere_is_an_error(exchange: Exchange) -> None:
    whole = stream_of(exchange)
    complete = len(whole.rstrip())
    for cut in range(complete):
        with pytest.raises(ProviderError):
            read_all(GEMINI.chunk_reader(), whole[:cut])
    for cut in range(complete, len(whole) + 1):
        assert summed(read_all(GEMINI.chunk_reader(), whole[:cut])) == exchange.answer
