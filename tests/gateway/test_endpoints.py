"""Each endpoint as the official client sees it, and as it stands in the ledger."""

import json
from collections.abc import Iterator

import openai
import pytest

from llmhub.base.model_types import ModelType
from tenants.models import Tenant
from tests.committed_people import EVERY_MODEL, Person, committed_tenant, person_of
from tests.gateway.raw_http import request
from tests.gateway.server import RunningGateway
from tests.provider_server import TRANSCRIPTS, ProviderServer, Reply

WAV = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00\x80>\x00\x00"
WAV_BYTES_PER_S = 0x3E80
AUDIO = WAV + b"\x00" * (2 * WAV_BYTES_PER_S - len(WAV))


@pytest.fixture(scope="module")
def tenant(committed: None) -> Iterator[Tenant]:
    with committed_tenant("alice") as made:
        yield made


@pytest.fixture
def alice(tenant: Tenant, provider: ProviderServer) -> Iterator[Person]:
    with person_of(tenant) as person:
        person.connect(provider.url, models=EVERY_MODEL)
        yield person


def file_named(name: str, content: bytes = AUDIO) -> tuple[str, bytes, str]:
    return name, content, "audio/wav"


def test_speech_streams_through_and_its_characters_are_counted(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", input="Grüß dich", voice="alloy", response_format="mp3"
    ) as answer:
        assert answer.read() == b"ID3 audio"
        assert answer.headers["content-type"] == "audio/mpeg"
        assert answer.headers["x-llmhub-model"] == "tts-1@default@Scripted"
        assert answer.headers["x-request-id"]
    sent = provider.requests_to("/v1/audio/speech")[0].json
    assert sent == {
        "model": "tts-1",
        "input": "Grüß dich",
        "voice": "alloy",
        "response_format": "mp3",
    }
    [event] = alice.ledger()
    assert (event.model_type, event.is_estimated, event.error_kind) == (ModelType.TTS, False, "")
    assert event.characters == len("Grüß dich")


def test_speech_streams_as_events(client: openai.OpenAI, alice: Person) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", input="Hi", voice="alloy", stream_format="sse"
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        body = answer.read()
    assert b"speech.audio.delta" in body
    assert b"speech.audio.done" in body
    [event] = alice.ledger()
    assert (event.input_tokens, event.output_tokens, event.is_estimated) == (4, 20, False)
    assert event.characters == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body={"error": {"message": "overloaded", "type": "server_error"}}),
        Reply(body=b"<html>", headers={"content-type": "text/html"}),
        Reply(body=b"", headers={"content-type": "audio/mpeg"}),
    ],
)
def test_what_is_no_audio_is_no_answer(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, reply: Reply
) -> None:
    provider.script("/v1/audio/speech", reply)
    answer = request(
        gateway,
        "POST",
        "/v1/audio/speech",
        token=alice.token,
        body={"model": "tts-1", "input": "Hi", "voice": "alloy"},
    )
    assert answer.status in (502, 503)
    assert answer.code.startswith("provider_")


def test_audio_that_breaks_off_does_not_look_complete(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    cut = Reply(chunks=[b"ID3", b"more"], headers={"content-type": "audio/mpeg"}, ending="cut")
    provider.script("/v1/audio/speech", cut)
    with pytest.raises(openai.APIConnectionError):
        client.audio.speech.create(model="tts-1", input="Hi", voice="alloy")
    [event] = alice.ledger()
    assert event.error_kind == "unreachable"


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "verbose_json", "vtt"])
@pytest.mark.parametrize("kind", ["transcriptions", "translations"])
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_audio_is_written_down_in_every_format(
    client: openai.OpenAI, alice: Person, provider: ProviderServer, kind: str, response_format: str
) -> None:
    answer = getattr(client.audio, kind).with_raw_response.create(
        model="whisper-1", file=file_named("talk.wav"), response_format=response_format, prompt="p"
    )
    [seen] = provider.requests_to(f"/v1/audio/{kind}")
    assert AUDIO in seen.body
    assert b'filename="talk.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF' in seen.body
    for name, value in {
        "model": "whisper-1",
        "prompt": "p",
        "response_format": response_format,
    }.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in seen.body
    if response_format in TRANSCRIPTS:
        assert answer.text == TRANSCRIPTS[response_format]
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    else:
        assert answer.parse().text == "hello"
        assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-llmhub-model"] == "whisper-1@default@Scripted"
    [event] = alice.ledger()
    assert event.is_estimated is (response_format in TRANSCRIPTS)
    told = {"json": 3000, "verbose_json": 2500, "srt": 4000, "vtt": 4000}
    assert event.audio_ms == told.get(response_format, 2000)


def test_a_transcript_streams(client: openai.OpenAI, alice: Person) -> None:
    stream = client.audio.transcriptions.create(
        model="whisper-1", file=file_named("talk.wav"), stream=True
    )
    assert [event.type for event in stream] == [
        "transcript.text.delta",
        "transcript.text.delta",
        "transcript.text.done",
    ]
    [event] = alice.ledger()
    assert (event.input_tokens, event.output_tokens, event.is_streamed) == (14, 2, True)


def test_a_model_that_does_not_stream_answers_whole(
    gateway: RunningGateway, client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    provider.script("/v1/audio/transcriptions", Reply(body={"text": "whole"}))
    with client.audio.transcriptions.with_streaming_response.create(
        model="whisper-1", file=file_named("talk.wav"), stream=True
    ) as answer:
        assert json.loads(answer.read()) == {"text": "whole"}


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_documents_are_ranked(gateway: RunningGateway, alice: Person, path: str) -> None:
    body = {"model": "test-rerank", "query": "q", "documents": ["a", "b", "c"]}
    answer = request(gateway, "POST", path, token=alice.token, body=body)
    assert [result["index"] for result in answer.json["results"]] == [0, 1, 2]
    assert answer.headers["x-llmhub-model"] == "test-rerank@default@Scripted"
    [event] = alice.ledger()
    assert (event.input_tokens, event.is_estimated) == (9, False)


@pytest.mark.parametrize(
    "reply",
    [
        [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.5}, {"index": 2, "score": 0.1}],
        {
            "object": "list",
            "data": [
                {"index": 0, "relevance_score": 0.5},
                {"index": 2, "relevance_score": 0.1},
                {"index": 1, "relevance_score": 0.9},
            ],
            "usage": {"total_tokens": 4},
        },
    ],
    ids=["TEI", "Voyage"],
)
def test_other_rankings_are_written_in_the_usual_shape(
    gateway: RunningGateway, alice: Person, provider: ProviderServer, reply: object
) -> None:
    provider.script("/v1/rerank", Reply(body=reply))
    body = {
        "model": "test-rerank",
        "query": "q",
        "documents": ["a", {"text": "b"}, "c"],
        "top_n": 2,
        "return_documents": True,
    }
    answer = request(gateway, "POST", "/v1/rerank", token=alice.token, body=body)
    assert answer.json["results"] == [
        {"index": 1, "relevance_score": 0.9, "document": {"text": "b"}},
        {"index": 0, "relevance_score": 0.5, "document": {"text": "a"}},
    ]
    [event] = alice.ledger()
    assert event.is_estimated is isinstance(reply, list)
    assert event.input_tokens == 4


def test_pictures_come_as_bytes_or_addresses(client: openai.OpenAI, alice: Person) -> None:
    made = client.images.generate(model="dall-e-3", prompt="a cat", n=2)
    assert made.data is not None
    assert [picture.b64_json for picture in made.data] == ["cGljdHVyZQ=="] * 2
    assert made.usage is not None
    assert made.usage.output_tokens == 50
    linked = client.images.generate(model="dall-e-3", prompt="a cat", response_format="url")
    assert linked.data is not None
    assert linked.data[0].url == "https://example.com/picture.png"
    first, second = alice.ledger()
    assert (first.input_tokens, first.output_tokens, first.is_estimated) == (10, 50, False)
    assert (second.input_tokens, second.output_tokens, second.is_estimated) == (0, 0, False)
    assert (first.images, second.images) == (2, 1)


def test_partial_pictures_stream(client: openai.OpenAI, alice: Person) -> None:
    stream = client.images.generate(model="dall-e-3", prompt="a cat", stream=True, partial_images=1)
    kinds = [event.type for event in stream]
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]
    [event] = alice.ledger()
    assert (event.input_tokens, event.output_tokens, event.images) == (10, 50, 1)


def test_texts_are_moderated(client: openai.OpenAI, alice: Person) -> None:
    judged = client.moderations.create(model="omni-moderation-latest", input=["one", "two"])
    assert [result.flagged for result in judged.results] == [False, False]
    [event] = alice.ledger()
    assert (event.model_type, event.is_estimated) == (ModelType.MODERATION, True)


def test_the_client_lists_and_finds_models(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert listed == {facts.llm_name for facts in EVERY_MODEL}
    assert client.models.retrieve("whisper-1").owned_by == "Scripted"


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/rerank", {"query": "q"}, "documents"),
        ("/v1/rerank", {"query": "q", "documents": "d"}, "documents"),
        ("/v1/rerank", {"query": "q", "documents": ["d"], "top_n": 0}, "top_n"),
        ("/v1/rerank", {"documents": ["d"]}, "query"),
        ("/v1/audio/speech", {"voice": "alloy"}, "input"),
        ("/v1/audio/speech", {"input": 5, "voice": "alloy"}, "input"),
        ("/v1/images/generations", {}, "prompt"),
        ("/v1/moderations", {}, "input"),
        ("/v1/embeddings", {}, "input"),
    ],
)
def test_what_is_missing_is_named(
    gateway: RunningGateway, alice: Person, path: str, body: object, param: str
) -> None:
    answer = request(gateway, "POST", path, token=alice.token, body=body)
    assert (answer.status, answer.json["error"]["param"]) == (400, param)
    assert answer.headers["x-request-id"]
