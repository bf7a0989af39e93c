"""Every recorded exchange of the protocols below, said and read: `exchanges.py` tells what one is.

Here besides: `kind` of an exchange that is not chat, and its `answer` as `answer_of` gives it.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.registry import PROTOCOLS
from providers.protocols.usage import Usage
from providers.protocols.wire import AudioFile, ProviderRequest, Target
from tests.providers.protocols.exchanges import Exchange, plain, read_all, summed

KEY = {"api_key": Secret("key-of-alice")}
AUDIO = AudioFile("a.wav", "audio/wav", b"RIFFaudio")

TARGETS = {
    "ark": Target(
        "https://ark.cn-beijing.volces.com/api/v3",
        {"ark_api_key": Secret("key-of-alice"), "endpoint_id": "ep-20260101-abcde"},
    ),
    "cohere": Target("https://api.cohere.com", KEY),
    "dashscope": Target("https://dashscope.aliyuncs.com/api/v1", KEY),
    "deepgram": Target("https://api.greenpt.ai/v1", KEY),
    "fish-audio": Target(
        "https://api.fish.audio",
        {"fish_audio_ak": Secret("key-of-alice"), "fish_audio_refid": "voice-of-alice"},
    ),
    "huggingface": Target("https://router.huggingface.co/hf-inference", KEY),
    "jina": Target("https://api.jina.ai/v1", KEY),
    "mineru": Target("http://localhost:8000", {"mineru_backend": "pipeline"}),
    "minimax": Target("https://api.minimax.io/v1", {**KEY, "group_id": "17"}),
    "mistral": Target("https://api.mistral.ai/v1", KEY),
    "nvidia": Target("https://ai.api.nvidia.com/v1/retrieval/nvidia", KEY),
    "ollama": Target("http://localhost:11434", KEY),
    "paddleocr": Target("http://localhost:8080", {"paddleocr_access_token": Secret("tok")}),
    "perplexity": Target("https://api.perplexity.ai", KEY),
    "qianfan": Target("https://qianfan.baidubce.com/v2", KEY),
    "replicate": Target("https://api.replicate.com/v1", KEY),
    "tei": Target("http://localhost:8080", KEY),
    "tencent-speech": Target(
        "https://asr.tencentcloudapi.com",
        {
            "tencent_cloud_sid": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
            "tencent_cloud_sk": Secret("key-of-alice"),
        },
    ),
    "voyage": Target("https://api.voyageai.com/v1", KEY),
    "xunfei-spark": Target(
        "https://spark-api-open.xf-yun.com/v1", {"spark_api_password": Secret("key-of-alice")}
    ),
}
FRAMES = {
    "ark": "data: {data}\n\n",
    "cohere": "event: {type}\ndata: {data}\n\n",
    "mineru": "{data}",
    "minimax": "data: {data}\n\n",
    "mistral": "data: {data}\n\n",
    "ollama": "{data}\n",
    "qianfan": "data: {data}\n\n",
    "replicate": "{data}",
    "xunfei-spark": "data:{data}\n\n",
}


def exchanges() -> list[Exchange]:
    found = []
    for name in TARGETS:
        folder = Path(__file__).parent / name.replace("-", "_") / "exchanges"
        paths = sorted(folder.glob("*.json"))
        assert paths, f"there are no exchanges of {name}"
        found += [Exchange(f"{name}/{path.stem}", json.loads(path.read_text())) for path in paths]
    return found


def protocol_of(exchange: Exchange) -> str:
    return exchange.name.partition("/")[0]


def stream_of(name: str, exchange: Exchange) -> bytes:
    frame = FRAMES[name]
    events: list[Any] = exchange.events
    return "".join(
        frame.replace("{type}", str(event.get("type")) if isinstance(event, dict) else "").replace(
            "{data}", event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        )
        for event in events
    ).encode()


def request_of(name: str, exchange: Exchange) -> ProviderRequest:
    protocol, target = PROTOCOLS[name], TARGETS[name]
    asked, model = exchange.content.get("asked", {}), exchange.content.get("model", "")
    match exchange.content.get("kind", "chat"):
        case "chat":
            return protocol.chat_request(target, asked, model=model)
        case "embedding":
            return protocol.embedding_request(target, asked, model=model)
        case "rerank":
            return protocol.rerank_request(target, asked, model=model)
        case "speech":
            return protocol.speech_request(target, asked, model=model)
        case "transcription":
            return protocol.transcription_request(target, asked, AUDIO, model=model)
        case "models":
            return protocol.models_request(target)
        case kind:
            raise AssertionError(kind)


def answer_of(name: str, exchange: Exchange) -> Any:
    """A chat's completion; else what the reply says, with the usage where it reports one."""
    protocol = PROTOCOLS[name]
    if exchange.is_streamed:
        return summed(read_all(protocol.chunk_reader(), stream_of(name, exchange)))
    body = json.dumps(exchange.reply).encode()
    match exchange.content.get("kind", "chat"):
        case "chat":
            return plain(dict(protocol.chat_reply(body).completion))
        case "embedding":
            vectors = protocol.embedding_reply(body)
            return {"vectors": list(vectors.vectors), "usage": _used(vectors.usage)}
        case "rerank":
            ranking = protocol.rerank_reply(body)
            scores = {str(index): score for index, score in ranking.scores.items()}
            return {"scores": scores, "usage": _used(ranking.usage)}
        case "speech":
            return {"audio": protocol.speech_reply({}, speech_of(exchange)).hex()}
        case "transcription":
            told = protocol.usage_report(body).usage
            return {"text": protocol.transcription_reply(body), "usage": _used(told)}
        case "models":
            return {
                model.llm_name: {
                    "types": sorted(model.model_types),
                    "context_tokens": model.context_tokens,
                }
                for model in protocol.models_reply(body)
            }
        case kind:
            raise AssertionError(kind)


def speech_of(exchange: Exchange) -> bytes:
    """JSON, the events of a stream, or the audio itself as hexadecimal digits."""
    if isinstance(exchange.reply, str):
        return bytes.fromhex(exchange.reply)
    if isinstance(exchange.reply, list):
        return b"".join(b"data:" + json.dumps(e).encode() + b"\n\n" for e in exchange.reply)
    return json.dumps(exchange.reply).encode()


def _used(usage: Usage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    return {name: count for name, count in asdict(usage).items() if count}


ALL = exchanges()
CHATS = [e for e in ALL if "kind" not in e.content and not e.is_streamed]
STREAMED = [exchange for exchange in ALL if exchange.is_streamed]


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_a_request_is_said_in_the_providers_terms(exchange: Exchange) -> None:
    request = request_of(protocol_of(exchange), exchange)
    assert request.url == exchange.sent["url"]
    assert request.left_out == tuple(exchange.sent.get("left_out", ()))
    if "body" in exchange.sent:
        assert isinstance(request.body, bytes)
        assert json.loads(request.body) == exchange.sent["body"]


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_a_reply_is_said_in_the_hubs_terms(exchange: Exchange) -> None:
    assert answer_of(protocol_of(exchange), exchange) == exchange.answer


@pytest.mark.parametrize("exchange", ALL, ids=lambda e: e.name)
def test_no_request_shows_a_key_in_words(exchange: Exchange) -> None:
    request = request_of(protocol_of(exchange), exchange)
    assert "key-of-alice" not in repr(request)


@pytest.mark.parametrize("exchange", CHATS, ids=lambda e: e.name)
def test_a_whole_reply_tells_its_end_and_its_usage_apart(exchange: Exchange) -> None:
    reply = PROTOCOLS[protocol_of(exchange)].chat_reply(json.dumps(exchange.reply).encode())
    choice = exchange.answer["choices"][0]
    assert reply.finish_reason == choice["finish_reason"]
    assert (choice["message"]["content"] or "") in reply.text
    told = exchange.answer["usage"]
    assert (reply.usage and reply.usage.total_tokens) == (told and told["total_tokens"])


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("exchange", STREAMED, ids=lambda e: e.name)
def test_a_stream_becomes_chunks_however_it_was_cut(exchange: Exchange, size: int) -> None:
    name = protocol_of(exchange)
    reader = PROTOCOLS[name].chunk_reader()
    assert summed(read_all(reader, stream_of(name, exchange), size)) == exchange.answer
    assert exchange.answer["choices"][0]["message"]["content"] in reader.output_text


@pytest.mark.parametrize("exchange", STREAMED, ids=lambda e: e.name)
def test_a_stream_that_breaks_off_anywhere_is_an_error_or_whole(exchange: Exchange) -> None:
    """What follows the end of the answer may be missing; nothing of the answer may."""
    name = protocol_of(exchange)
    whole = stream_of(name, exchange)
    broken = 0
    for cut in range(len(whole)):
        reader = PROTOCOLS[name].chunk_reader()
        try:
            chunks = read_all(reader, whole[:cut])
        except ProviderError:
            broken += 1
        else:
            assert _without_usage(summed(chunks)) == _without_usage(exchange.answer)
    assert broken > len(whole) // 2


def _without_usage(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "usage"}
