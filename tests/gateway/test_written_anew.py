"""What a protocol of another shape answers, in the hub's terms. It is played by OpenAI's own, told
that none of its replies pass."""

import base64
import json
import struct
from typing import Any

import openai.types
import pytest

from gateway.endpoints.audio import TRANSCRIPTIONS
from gateway.endpoints.embedding import EMBEDDINGS
from gateway.endpoints.images import IMAGES
from gateway.endpoints.moderation import MODERATIONS
from gateway.endpoints.rerank import RERANK
from gateway.endpoints.speech import SPEECH
from gateway.errors import BadRequest
from providers.protocols.failures import ProviderError
from providers.protocols.openai import OpenAI
from providers.protocols.wire import AudioFile, Target
from tests.provider_server import image_body, moderation_body

TARGET = Target("http://127.0.0.1:1/v1")


class Foreign(OpenAI):
    passes = frozenset()


class Silence:
    def audio(self) -> AudioFile:
        return AudioFile("a.wav", "audio/wav", b"RIFF")


FOREIGN = Foreign()
VECTORS = {"data": [{"embedding": [0.5, -1.0]}, {"embedding": [1.0, 0.25]}], "x": "theirs"}


def test_vectors_are_written_as_numbers() -> None:
    payload = {"model": "m", "input": ["a", "b"]}
    facts = EMBEDDINGS.read(FOREIGN, TARGET, payload, json.dumps(VECTORS).encode())
    assert json.loads(facts.body) == {
        "object": "list",
        "model": "m",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [1.0, 0.25]},
        ],
    }
    assert facts.usage is None


def test_vectors_are_written_as_base64_with_their_usage() -> None:
    reply = json.dumps(VECTORS | {"usage": {"total_tokens": 3}}).encode()
    payload = {"model": "m", "input": "a", "encoding_format": "base64"}
    answer = json.loads(EMBEDDINGS.read(FOREIGN, TARGET, payload, reply).body)
    first = base64.b64decode(answer["data"][0]["embedding"])
    assert struct.unpack("<2f", first) == (0.5, -1.0)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    openai.types.CreateEmbeddingResponse.model_validate(answer | {"data": []})


def test_a_ranking_of_a_document_that_was_not_sent_is_refused() -> None:
    body = b'[{"index": 2, "score": 0.5}]'
    with pytest.raises(ProviderError):
        RERANK.read(OpenAI(), TARGET, {"query": "q", "documents": ["a", "b"]}, body)


def test_a_ranking_as_asked_passes_untouched() -> None:
    body = b'{ "results": [{"index":1,"relevance_score":0.5,"extra":1}], "id": "x" }'
    payload = {"query": "q", "documents": ["a", "b"], "top_n": 1}
    assert RERANK.read(OpenAI(), TARGET, payload, body).body == body
    assert b"extra" not in RERANK.read(FOREIGN, TARGET, payload, body).body


def test_judgements_are_written() -> None:
    reply = json.dumps(moderation_body({"input": ["a", "b"]})).encode()
    answer = json.loads(MODERATIONS.read(FOREIGN, TARGET, {"model": "m", "input": "a"}, reply).body)
    assert (answer["model"], len(answer["results"])) == ("m", 2)


def test_pictures_are_written_and_counted() -> None:
    reply = json.dumps(image_body({"n": 2})).encode()
    facts = IMAGES.read(FOREIGN, TARGET, {"prompt": "p"}, reply)
    assert len(json.loads(facts.body)["data"]) == 2
    assert facts.usage is not None
    assert (facts.usage.images, facts.usage.output_tokens) == (2, 50)


@pytest.mark.parametrize("body", [b'{"data": []}', b'{"data": [{"id": 1}]}', b"[]", b"<html>"])
def test_what_holds_no_picture_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderError):
        IMAGES.read(OpenAI(), TARGET, {"prompt": "p"}, body)


@pytest.mark.parametrize("body", [b'{"results": []}', b'{"results": [{}]}', b"{}", b"<html>"])
def test_what_judges_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderError):
        MODERATIONS.read(OpenAI(), TARGET, {"input": "a"}, body)


@pytest.mark.parametrize(
    ("audio", "kind"),
    [(b"RIFF...", b"audio/wav"), (b"OggS...", b"audio/ogg"), (b"\xff\xfb", b"audio/mpeg")],
)
def test_audio_is_named_by_its_beginning(audio: bytes, kind: bytes) -> None:
    facts = SPEECH.read(FOREIGN, TARGET, {"input": "Hi"}, audio)
    assert (facts.body, facts.content_type) == (audio, kind)
    assert facts.usage is not None
    assert facts.usage.characters == 2


@pytest.mark.parametrize(
    ("response_format", "body"), [(None, b'{"text":"hello"}'), ("text", b"hello\n")]
)
def test_a_transcript_is_written_in_the_two_plain_formats(
    response_format: str | None, body: bytes
) -> None:
    payload: dict[str, Any] = {"response_format": response_format, "file": Silence()}
    assert TRANSCRIPTIONS.request(FOREIGN, TARGET, payload, "m").url.endswith("transcriptions")
    assert TRANSCRIPTIONS.read(FOREIGN, TARGET, payload, b'{"text": "hello"}').body == body


def test_another_format_is_refused_before_the_call() -> None:
    payload = {"response_format": "srt", "file": Silence()}
    with pytest.raises(BadRequest) as caught:
        TRANSCRIPTIONS.request(FOREIGN, TARGET, payload, "m")
    assert caught.value.param == "response_format"
