import json
from typing import Any

import pytest

from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.openai import OpenAI
from providers.protocols.usage import Usage
from tests.provider_server import chat_body, embedding_body, rerank_body

OPENAI = OpenAI()


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()


def _refused(read: Any, *arguments: Any) -> FailureKind:
    with pytest.raises(ProviderError) as caught:
        read(*arguments)
    return caught.value.failure.kind


def test_it_reads_a_chat_reply() -> None:
    reply = OPENAI.chat_reply(_body(chat_body("m")))
    assert reply.text == "Hello from the provider."
    assert reply.finish_reason == "stop"
    assert reply.usage == Usage(7, 5)


def test_a_reply_that_calls_a_tool_has_no_content_and_is_good() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    assert OPENAI.chat_reply(_body({"choices": [choice]})).text == "f{}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": ["x"]}',
        b'{"choices": [{"message": "x"}]}',
        b'{"choices": [{"message": {"content": NaN}}]}',
    ],
)
def test_another_shape_is_no_chat_reply(body: bytes) -> None:
    assert _refused(OPENAI.chat_reply, body) is FailureKind.BAD_REPLY


@pytest.mark.parametrize(
    "read", [OPENAI.chat_reply, OPENAI.embedding_reply, OPENAI.rerank_reply, OPENAI.models_reply]
)
def test_an_error_that_comes_with_success_is_read_as_what_it_says(read: Any) -> None:
    body = _body({"error": {"message": "invalid api key", "code": "invalid_api_key"}})
    assert _refused(read, body) is FailureKind.INVALID_KEY


def test_it_reads_embeddings() -> None:
    reply = OPENAI.embedding_reply(_body(embedding_body({"input": ["a", "b"]})))
    assert len(reply.vectors) == 2
    assert reply.dimensions == 8
    assert reply.usage == Usage(4, 0)


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"embedding": []}],
        [{"embedding": ["x"]}],
        [{"embedding": [None]}],
        [{"embedding": [True]}],
        [{"embedding": "AAAA"}],
        [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}],
        ["x"],
        {"embedding": [1.0]},
    ],
)
def test_embeddings_that_are_no_equal_lists_of_numbers_are_refused(data: Any) -> None:
    assert _refused(OPENAI.embedding_reply, _body({"data": data})) is FailureKind.BAD_REPLY


@pytest.mark.parametrize(
    "reply",
    [
        rerank_body({"documents": ["a", "b"]}),
        {"results": [{"index": 1, "score": 0.5}, {"index": 0, "score": 1}]},
        {"data": [{"index": 0, "relevance_score": 1.0}, {"index": 1, "relevance_score": 0.5}]},
        [{"index": 0, "score": 1.0}, {"index": 1, "score": 0.5}],
    ],
)
def test_it_reads_a_ranking_in_every_known_shape(reply: Any) -> None:
    assert OPENAI.rerank_reply(_body(reply)).scores == {0: 1.0, 1: 0.5}


@pytest.mark.parametrize(
    "results",
    [
        [],
        "x",
        [{"index": 0}],
        [{"index": -1, "score": 1}],
        [{"index": "0", "score": 1}],
        [{"index": 0, "score": 1}, {"index": 0, "score": 2}],
        [{"index": 0, "score": None}],
        [{"index": 0, "score": 1}, 7],
    ],
)
def test_a_ranking_of_nothing_or_of_one_document_twice_is_refused(results: Any) -> None:
    assert _refused(OPENAI.rerank_reply, _body({"results": results})) is FailureKind.BAD_REPLY


def test_it_reads_audio_and_refuses_what_is_none() -> None:
    assert OPENAI.speech_reply({"content-type": "audio/mpeg"}, b"ID3") == b"ID3"
    for headers, body in [
        ({"content-type": "application/json; charset=utf-8"}, b'{"ok": true}'),
        ({"content-type": "text/html"}, b"<html>"),
        ({}, b"<html>"),
        ({"content-type": "audio/mpeg"}, b""),
    ]:
        assert _refused(OPENAI.speech_reply, headers, body) is FailureKind.BAD_REPLY


def test_it_reads_a_transcription_and_silence_is_a_good_one() -> None:
    assert OPENAI.transcription_reply(b'{"text": ""}') == ""
    assert _refused(OPENAI.transcription_reply, b'{"texts": ""}') is FailureKind.BAD_REPLY


@pytest.mark.parametrize(
    ("reply", "usage"),
    [
        (chat_body("m"), Usage(7, 5)),
        ({"meta": {"tokens": {"input_tokens": 4, "output_tokens": 0}}}, Usage(4, 0)),
        ({"meta": None}, None),
        ([1], None),
    ],
)
def test_it_finds_the_usage_of_any_reply(reply: Any, usage: Usage | None) -> None:
    assert OPENAI.usage_of(_body(reply)) == usage
    assert OPENAI.usage_of(reply) == usage


def test_what_is_no_json_reports_no_usage() -> None:
    assert OPENAI.usage_report(b"ID3") == (None, False)
    assert OPENAI.usage_report(b'{"usage": {"prompt_tokens": -3}}') == (None, True)
