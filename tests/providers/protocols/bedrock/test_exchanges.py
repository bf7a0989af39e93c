import json

import pytest

from llmhub.base.secret import Secret
from providers.protocols.bedrock import Bedrock
from providers.protocols.failures import ProviderError
from providers.protocols.wire import Target
from tests.providers.protocols.bedrock.frames import stream
from tests.providers.protocols.exchanges import (
    Exchange,
    exchanges_of,
    plain,
    read_all,
    request_of,
    summed,
)

BEDROCK = Bedrock()
TARGET = Target("", {"bedrock_region": "us-east-1", "bedrock_api_key": Secret("bedrock-key")})
ALL = exchanges_of(__file__)
WHOLE = [exchange for exchange in ALL if not exchange.is_streamed]
STREAMED = [exchange for exchange in ALL if exchange.is_streamed]


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_a_request_is_said_in_converses_terms(exchange: Exchange) -> None:
    request = request_of(BEDROCK, TARGET, exchange)
    assert request.url == exchange.sent["url"]
    assert json.loads(request.body) == exchange.sent["body"]
    assert request.left_out == tuple(exchange.sent.get("left_out", ()))
    assert request.headers["authorization"] == Secret("Bearer bedrock-key")


@pytest.mark.parametrize("exchange", WHOLE, ids=lambda e: e.name)
def test_a_reply_becomes_a_completion(exchange: Exchange) -> None:
    reply = BEDROCK.chat_reply(json.dumps(exchange.reply).encode())
    assert plain(dict(reply.completion)) == exchange.answer
    assert reply.finish_reason == exchange.answer["choices"][0]["finish_reason"]
    assert reply.usage is not None
    assert reply.usage.total_tokens == exchange.answer["usage"]["total_tokens"]


@pytest.mark.parametrize("size", [0, 1, 7, 64])
@pytest.mark.parametrize("exchange", STREAMED, ids=lambda e: e.name)
def test_a_stream_becomes_chunks_however_it_was_cut(exchange: Exchange, size: int) -> None:
    reader = BEDROCK.chunk_reader()
    assert summed(read_all(reader, stream(exchange.events), size)) == exchange.answer
    assert reader.has_end_marker
    said = exchange.answer["choices"][0]["message"]
    assert said["content"] in reader.output_text
    assert said.get("reasoning_content", "") in reader.output_text


@pytest.mark.parametrize("exchange", STREAMED, ids=lambda e: e.name)
def test_a_stream_that_breaks_off_anywhere_is_an_error(exchange: Exchange) -> None:
    whole = stream(exchange.events)
    for cut in range(len(whole)):
        with pytest.raises(ProviderError):
            read_all(BEDROCK.chunk_reader(), whole[:cut])
