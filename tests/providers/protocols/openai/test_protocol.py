import json
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from llmhub.base.errors import InvalidRequest
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.openai import OpenAI
from providers.protocols.wire import AudioFile, ProviderRequest, Target

OPENAI = OpenAI()
TARGET = Target("https://api.example.com/v1", {"api_key": Secret("sk-canary")})


def _sent(request: ProviderRequest) -> Any:
    return json.loads(request.body)


def test_it_serves_every_type() -> None:
    assert OPENAI.serves == set(ModelType)


def test_a_chat_request_keeps_unknown_fields_and_sets_the_model() -> None:
    payload = {"model": "mine", "messages": [{"role": "user"}], "brand_new": {"deep": [1, None]}}
    request = OPENAI.chat_request(TARGET, payload, model="gpt-4o")
    assert (request.method, request.url) == ("POST", "https://api.example.com/v1/chat/completions")
    assert _sent(request) == {**payload, "model": "gpt-4o"}
    assert payload["model"] == "mine"


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": None}, {"include_usage": True}),
        ({"stream_options": {"include_usage": False, "x": 1}}, {"include_usage": True, "x": 1}),
    ],
)
def test_a_stream_is_asked_for_its_usage(options: dict[str, Any], sent: dict[str, Any]) -> None:
    request = OPENAI.chat_request(TARGET, {"stream": True, **options}, model="m")
    assert _sent(request)["stream_options"] == sent


def test_a_plain_call_gets_no_stream_options() -> None:
    assert "stream_options" not in _sent(OPENAI.chat_request(TARGET, {"stream": False}, model="m"))


@pytest.mark.parametrize(
    ("build", "path"),
    [
        (OPENAI.embedding_request, "/embeddings"),
        (OPENAI.rerank_request, "/rerank"),
        (OPENAI.speech_request, "/audio/speech"),
    ],
)
def test_each_type_has_its_endpoint(build: Any, path: str) -> None:
    request = build(TARGET, {"input": "x", "extra": 1}, model="m")
    assert request.url == TARGET.base_url + path
    assert _sent(request) == {"input": "x", "extra": 1, "model": "m"}


def test_the_key_travels_as_a_secret_and_shows_itself_to_nobody() -> None:
    request = OPENAI.models_request(TARGET)
    assert (request.method, request.body) == ("GET", b"")
    header = request.headers["authorization"]
    assert isinstance(header, Secret)
    assert header.reveal() == "Bearer sk-canary"
    assert "canary" not in repr(request) + repr(TARGET)


def test_a_local_server_without_key_gets_no_authorization() -> None:
    assert "authorization" not in OPENAI.models_request(Target("http://localhost:8000/v1")).headers


def _parts(request: ProviderRequest) -> list[Message]:
    content_type = request.headers["content-type"]
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + request.body)
    parts = message.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def test_a_transcription_is_an_upload() -> None:
    audio = AudioFile('odd "name".wav', "audio/wav", b"RIFF\r\n--\x00\xff")
    fields = {
        "language": "en",
        "temperature": 0,
        "granularities[]": ["word", "segment"],
        "no": None,
    }
    request = OPENAI.transcription_request(TARGET, fields, audio, model="whisper-1")
    parts = _parts(request)
    read = [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in parts
    ]
    assert read == [
        ("language", b"en"),
        ("temperature", b"0"),
        ("granularities[]", b"word"),
        ("granularities[]", b"segment"),
        ("model", b"whisper-1"),
        ("file", b"RIFF\r\n--\x00\xff"),
    ]
    assert parts[-1].get_content_type() == "audio/wav"


@pytest.mark.parametrize("character", ["\r", "\n", "\0"])
def test_an_upload_takes_no_line_break_in_a_name(character: str) -> None:
    for audio in (
        AudioFile(f"a{character}b", "audio/wav", b""),
        AudioFile("a", f"audio/wav{character}X: y", b""),
    ):
        with pytest.raises(InvalidRequest):
            OPENAI.transcription_request(TARGET, {}, audio, model="m")
    audio = AudioFile("a", "audio/wav", b"")
    with pytest.raises(InvalidRequest):
        OPENAI.transcription_request(TARGET, {f"a{character}b": 1}, audio, model="m")
