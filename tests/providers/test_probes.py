import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmhub.base.errors import AddressForbidden, NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.probe_samples import sample_audio, sample_payload
from providers.probes import (
    ProbeReport,
    ProbeStep,
    model_probe,
    models_list,
    probe_until_known,
    run_models_list,
    run_probe,
    run_probes,
)
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.openai import OpenAI
from providers.protocols.wire import Target
from providers.transport import Transport
from tests.provider_server import MODELS, ProviderServer, Reply, chat_body, running_provider
from tests.providers.calls import LOOPBACK

OPENAI = OpenAI()
KEY = "sk+canary/right=key"
CHAT, EMBEDDING = "/v1/chat/completions", "/v1/embeddings"


class ChatOnly(OpenAI):
    name = "chat-only"
    serves = frozenset({ModelType.CHAT})


@pytest.fixture
async def provider() -> AsyncIterator[ProviderServer]:
    async with ProviderServer(api_key=KEY) as server:
        yield server


def _target(server: ProviderServer, key: str = KEY) -> Target:
    return Target(server.url, {"api_key": Secret(key)})


def _error(message: str, code: str = "", status: int = 400) -> Reply:
    return Reply(status, {"error": {"message": message, "code": code}})


async def _probe(
    transport: Transport,
    server: ProviderServer,
    model_type: ModelType = ModelType.CHAT,
    key: str = KEY,
    **options: Any,
) -> ProbeReport:
    target = _target(server, key)
    return await model_probe(transport, OPENAI, target, model_type, "the-model", **options)


@pytest.mark.parametrize(
    ("model_type", "path", "detail"),
    [
        (ModelType.CHAT, CHAT, "answered, 5 tokens"),
        (ModelType.IMAGE2TEXT, CHAT, "answered, 5 tokens"),
        (ModelType.EMBEDDING, EMBEDDING, "8 dimensions"),
        (ModelType.RERANK, "/v1/rerank", "2 documents ranked, the fitting one first"),
        (ModelType.SPEECH2TEXT, "/v1/audio/transcriptions", "transcribed, 5 characters"),
        (ModelType.TTS, "/v1/audio/speech", "9 bytes of audio"),
        (ModelType.MODERATION, "/v1/moderations", "1 text judged"),
    ],
)
async def test_a_model_of_each_type_is_called_once_as_its_type(
    transport: Transport,
    provider: ProviderServer,
    model_type: ModelType,
    path: str,
    detail: str,
) -> None:
    report = await _probe(transport, provider, model_type)
    assert (report.is_ok, report.failure, report.detail) == (True, None, detail)
    assert (report.model_type, report.llm_name) == (model_type, "the-model")
    assert report.latency_ms >= 0
    (seen,) = provider.seen
    assert seen.path == path
    assert b"the-model" in seen.body


@pytest.mark.parametrize(("llm_name", "is_ok"), [("dall-e-3", True), ("dall-e-9", False)])
async def test_no_picture_is_made_to_find_out(
    transport: Transport, provider: ProviderServer, llm_name: str, is_ok: bool
) -> None:
    report = await model_probe(transport, OPENAI, _target(provider), ModelType.IMAGE, llm_name)
    assert report.is_ok is is_ok
    if not is_ok:
        assert report.failure is not None
        assert report.failure.kind is FailureKind.NO_SUCH_MODEL
    assert [seen.path for seen in provider.seen] == ["/v1/models"]


async def test_a_wrong_key_is_refused_and_its_echo_is_masked(
    transport: Transport, provider: ProviderServer
) -> None:
    report = await _probe(transport, provider, key="sk+canary/wrong=key")
    assert not report.is_ok
    assert report.failure is not None
    assert report.failure.kind is FailureKind.INVALID_KEY
    assert report.failure.message == "Incorrect API key provided: ***."
    assert "canary" not in repr(report)


async def test_a_provider_that_repeats_the_whole_header_stays_masked(
    transport: Transport, provider: ProviderServer
) -> None:
    echo = b'{"error": {"message": "you sent {key} to us"}}'
    provider.script(CHAT, Reply(400, echo, {"content-type": "application/json"}))
    report = await _probe(transport, provider)
    assert report.failure is not None
    assert report.failure.message == "you sent Bearer *** to us"


@pytest.mark.parametrize("model_type", ModelType)
@pytest.mark.parametrize("body", [b"<html>welcome</html>", {"ok": True}, {"data": {}}, b""])
async def test_success_of_another_shape_is_a_failure(
    transport: Transport, provider: ProviderServer, model_type: ModelType, body: Any
) -> None:
    audio = ("/v1/audio/transcriptions", "/v1/audio/speech")
    for path in (CHAT, EMBEDDING, "/v1/rerank", *audio, "/v1/moderations", "/v1/models"):
        provider.script(path, Reply(body=body))
    report = await _probe(transport, provider, model_type)
    assert report.failure is not None
    assert report.failure.kind is FailureKind.BAD_REPLY
    assert not report.is_ok


async def test_a_ranking_of_other_documents_is_a_failure(
    transport: Transport, provider: ProviderServer
) -> None:
    provider.script("/v1/rerank", Reply(body={"results": [{"index": 7, "relevance_score": 1}]}))
    assert not (await _probe(transport, provider, ModelType.RERANK)).is_ok


async def test_a_ranker_that_prefers_the_wrong_document_works_and_is_told_on(
    transport: Transport, provider: ProviderServer
) -> None:
    results = [{"index": 0, "relevance_score": -3}, {"index": 1, "relevance_score": 2}]
    provider.script("/v1/rerank", Reply(body={"results": results}))
    report = await _probe(transport, provider, ModelType.RERANK)
    assert report.detail == "2 documents ranked, the fitting one last"


async def test_a_model_that_wants_the_newer_limit_gets_it(
    transport: Transport, provider: ProviderServer
) -> None:
    words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    provider.script(CHAT, _error(words, "unsupported_parameter"))
    assert (await _probe(transport, provider)).is_ok
    first, second = (seen.json for seen in provider.seen)
    assert "max_tokens" in first
    assert "max_tokens" not in second
    assert second["max_completion_tokens"] == first["max_tokens"]


async def test_a_model_that_thinks_past_the_limit_has_answered(
    transport: Transport, provider: ProviderServer
) -> None:
    words = "Could not finish the message because max_tokens or model output limit was reached."
    provider.script(CHAT, _error(words))
    assert (await _probe(transport, provider)).is_ok


async def test_an_empty_answer_is_an_answer(transport: Transport, provider: ProviderServer) -> None:
    body = chat_body("m")
    body["choices"][0] |= {
        "message": {"role": "assistant", "content": ""},
        "finish_reason": "length",
    }
    provider.script(CHAT, Reply(body=body))
    assert (await _probe(transport, provider)).is_ok


@pytest.mark.parametrize("model_type", [ModelType.CHAT, ModelType.TTS])
async def test_a_provider_that_is_silent_meets_a_deadline(
    transport: Transport, provider: ProviderServer, model_type: ModelType
) -> None:
    provider.script(CHAT, Reply(hang=True))
    provider.script("/v1/audio/speech", Reply(chunks=[b"ID3"], ending="hang"))
    report = await _probe(transport, provider, model_type, deadline_s=0.05)
    assert report.failure is not None
    assert report.failure.kind is FailureKind.TIMEOUT


async def test_a_page_of_error_of_any_size_is_read_at_its_beginning(
    transport: Transport, provider: ProviderServer
) -> None:
    page = b"<html><title>Blocked</title>" + b"x" * 5_000_000
    provider.script(CHAT, Reply(403, page))
    report = await _probe(transport, provider)
    assert report.failure is not None
    assert report.failure.message == "Blocked"


async def test_a_limited_rate_proves_the_key(
    transport: Transport, provider: ProviderServer
) -> None:
    provider.script(CHAT, Reply(429, {"error": "slow down"}, {"retry-after": "7"}))
    report = await _probe(transport, provider)
    assert report.is_ok
    assert report.failure is not None
    assert report.failure.retry_after_s == 7
    assert "accepted" in report.detail


async def test_a_type_that_the_protocol_does_not_serve_is_refused_before_any_call(
    transport: Transport, provider: ProviderServer
) -> None:
    with pytest.raises(NotSupported):
        await model_probe(transport, ChatOnly(), _target(provider), ModelType.TTS, "m")
    assert provider.seen == []


async def test_the_connections_voice_is_used(
    transport: Transport, provider: ProviderServer
) -> None:
    target = Target(provider.url, {"api_key": Secret(KEY)}, {"voice": "af_sky"})
    await model_probe(transport, OPENAI, target, ModelType.TTS, "kokoro")
    assert provider.seen[0].json["voice"] == "af_sky"
    assert sample_payload(ModelType.TTS)["voice"] != "af_sky"


async def test_an_address_that_is_forbidden_is_the_callers_error(provider: ProviderServer) -> None:
    async with Transport() as closed:
        with pytest.raises(AddressForbidden):
            await _probe(closed, provider)
    assert provider.seen == []


async def test_models_are_listed(transport: Transport, provider: ProviderServer) -> None:
    models = await models_list(transport, OPENAI, _target(provider))
    assert tuple(model.llm_name for model in models) == MODELS
    assert models[1].model_types == {ModelType.EMBEDDING}


async def test_a_list_that_is_refused_is_masked_too(
    transport: Transport, provider: ProviderServer
) -> None:
    with pytest.raises(ProviderError) as caught:
        await models_list(transport, OPENAI, _target(provider, "sk+canary/wrong=key"))
    assert caught.value.failure.kind is FailureKind.INVALID_KEY
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def _steps(server: ProviderServer, *types: ModelType, key: str = KEY) -> list[ProbeStep]:
    return [ProbeStep(OPENAI, _target(server, key), t, f"the-{t}") for t in types]


async def test_one_success_is_enough(transport: Transport, provider: ProviderServer) -> None:
    outcome = await probe_until_known(transport, _steps(provider, *ModelType))
    assert (outcome.is_ok, outcome.failure, len(outcome.reports)) == (True, None, 1)
    assert len(provider.seen) == 1


async def test_a_refused_key_stops_at_once(transport: Transport, provider: ProviderServer) -> None:
    outcome = await probe_until_known(transport, _steps(provider, *ModelType, key="wrong"))
    assert not outcome.is_ok
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.INVALID_KEY
    assert len(provider.seen) == 1


async def test_an_empty_account_stops_and_fails(
    transport: Transport, provider: ProviderServer
) -> None:
    provider.script(CHAT, _error("You exceeded your current quota", "insufficient_quota", 429))
    outcome = await probe_until_known(transport, _steps(provider, *ModelType))
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.OUT_OF_QUOTA
    assert not outcome.is_ok
    assert len(provider.seen) == 1


async def test_a_limited_rate_stops_and_succeeds(
    transport: Transport, provider: ProviderServer
) -> None:
    provider.script(CHAT, _error("Rate limit", "rate_limit_exceeded", 429))
    outcome = await probe_until_known(transport, _steps(provider, *ModelType))
    assert outcome.is_ok
    assert outcome.telling is outcome.reports[0]
    assert len(provider.seen) == 1


@pytest.mark.parametrize(
    "undecided",
    [
        _error("The model does not exist", "model_not_found", 404),
        _error("bad parameter"),
        Reply(503, b"busy"),
        Reply(404, b"<html>"),
        Reply(200, b"<html>"),
    ],
)
async def test_what_says_nothing_about_the_key_leads_to_the_next_type(
    transport: Transport, provider: ProviderServer, undecided: Reply
) -> None:
    provider.script(CHAT, undecided)
    steps = _steps(provider, ModelType.CHAT, ModelType.EMBEDDING)
    outcome = await probe_until_known(transport, steps)
    assert outcome.is_ok
    assert [report.is_ok for report in outcome.reports] == [False, True]
    assert outcome.telling is outcome.reports[1]


async def test_where_nothing_decides_the_first_failure_counts(
    transport: Transport, provider: ProviderServer
) -> None:
    provider.script(CHAT, _error("The model does not exist", "model_not_found", 404))
    provider.script(EMBEDDING, Reply(500))
    steps = _steps(provider, ModelType.CHAT, ModelType.EMBEDDING)
    outcome = await probe_until_known(transport, steps)
    assert not outcome.is_ok
    assert outcome.failure == outcome.reports[0].failure
    assert outcome.telling is outcome.reports[0]


async def test_each_type_is_tried_once(transport: Transport, provider: ProviderServer) -> None:
    provider.script(CHAT, *[_error("no such model", status=404)] * 3)
    steps = [*_steps(provider, ModelType.CHAT) * 3, *_steps(provider, ModelType.EMBEDDING)]
    assert (await probe_until_known(transport, steps)).is_ok
    assert len(provider.requests_to(CHAT)) == 1


async def test_a_host_that_does_not_answer_is_not_asked_twice(
    transport: Transport, provider: ProviderServer
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = Target(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        steps = [ProbeStep(OPENAI, dead, t, "m") for t in (ModelType.CHAT, ModelType.EMBEDDING)]
        outcome = await probe_until_known(transport, steps)
        assert len(outcome.reports) == 1
        assert outcome.failure is not None
        assert outcome.failure.kind is FailureKind.UNREACHABLE
        elsewhere = _steps(provider, ModelType.RERANK)
        outcome = await probe_until_known(transport, [*steps, *elsewhere])
    assert outcome.is_ok
    assert len(outcome.reports) == 2


async def test_nothing_to_try_is_not_a_success(
    transport: Transport, provider: ProviderServer
) -> None:
    tts = ProbeStep(ChatOnly(), _target(provider), ModelType.TTS, "m")
    outcome = await probe_until_known(transport, [tts])
    assert (outcome.is_ok, outcome.reports, outcome.failure) == (False, (), None)
    assert outcome.telling is None


def test_synchronous_callers_get_the_same() -> None:
    with running_provider(api_key=KEY) as provider:
        (chat,) = _steps(provider, ModelType.CHAT)
        assert run_probe(chat, LOOPBACK).is_ok
        assert run_probes([chat], LOOPBACK).is_ok
        assert len(run_models_list(OPENAI, chat.target, LOOPBACK)) == len(MODELS)
        with pytest.raises(AddressForbidden):
            run_probes([chat], ())
        assert len(provider.seen) == 3


def test_the_samples_are_what_they_say() -> None:
    audio = sample_audio()
    assert (audio.content[:4], audio.content[8:12]) == (b"RIFF", b"WAVE")
    assert len(audio.content) < 20_000
    image = json.dumps(sample_payload(ModelType.IMAGE2TEXT))
    assert "data:image/png;base64,iVBORw0KGgo" in image
    assert len(image) < 1000
