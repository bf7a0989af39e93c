import json
from typing import Any

import pytest

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.azure_openai import AzureOpenAI
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.wire import AudioFile, Dialect, ListedModel, ProviderRequest, Target

AZURE = AzureOpenAI()
ROOT = "https://mine.openai.azure.com"
KEY = Secret("0123456789abcdef")


def target(version: str = "2024-10-21", base_url: str = ROOT) -> Target:
    return Target(base_url, {"api_key": KEY, "api_version": version})


def ask(of: Target, **fields: Any) -> ProviderRequest:
    return AZURE.chat_request(of, {"messages": [], **fields}, model="my gpt/4o")


def test_a_deployment_is_called_under_its_version() -> None:
    request = ask(target(), temperature=1)
    path = "/openai/deployments/my%20gpt%2F4o/chat/completions?api-version=2024-10-21"
    assert request.url == ROOT + path
    assert request.headers == {"content-type": "application/json", "api-key": KEY}
    assert json.loads(request.body) == {"messages": [], "temperature": 1, "model": "my gpt/4o"}


@pytest.mark.parametrize(
    ("version", "query"), [("v1", ""), ("latest", ""), ("preview", "?api-version=preview")]
)
def test_the_v1_surface_has_no_deployment_in_its_path(version: str, query: str) -> None:
    assert ask(target(version)).url == f"{ROOT}/openai/v1/chat/completions{query}"


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        (ROOT, ROOT),
        (f"{ROOT}/openai", ROOT),
        (f"{ROOT}/openai/deployments/gpt-4", ROOT),
        (f"{ROOT}/openai/deployments", ROOT),
        ("https://gateway.example.com/azure", "https://gateway.example.com/azure"),
    ],
)
def test_what_people_paste_leads_to_the_resource(base_url: str, root: str) -> None:
    assert ask(target(base_url=base_url)).url.startswith(f"{root}/openai/deployments/my%20gpt")


def test_a_pasted_v1_address_means_that_surface() -> None:
    url = ask(target("2024-10-21", f"{ROOT}/openai/v1")).url
    assert url == f"{ROOT}/openai/v1/chat/completions"


@pytest.mark.parametrize("version", ["2024-10-21", "2024-09-01-preview", "v1"])
def test_a_stream_is_asked_for_its_usage(version: str) -> None:
    sent = json.loads(ask(target(version), stream=True).body)
    assert sent["stream_options"] == {"include_usage": True}


def test_an_old_version_is_not_asked_what_it_does_not_know() -> None:
    request = ask(target("2024-02-01"), stream=True, stream_options={"include_usage": True})
    assert json.loads(request.body) == {"messages": [], "stream": True, "model": "my gpt/4o"}
    assert request.left_out == ("stream_options",)


def test_each_type_has_its_endpoint() -> None:
    base = f"{ROOT}/openai/deployments/m"
    audio = AudioFile("a.wav", "audio/wav", b"RIFF")
    assert {
        AZURE.embedding_request(target(), {"input": "x"}, model="m").url,
        AZURE.speech_request(target(), {"input": "x"}, model="m").url,
        AZURE.transcription_request(target(), {}, audio, model="m").url,
    } == {
        f"{base}/embeddings?api-version=2024-10-21",
        f"{base}/audio/speech?api-version=2024-10-21",
        f"{base}/audio/transcriptions?api-version=2024-10-21",
    }
    assert AZURE.embedding_request(target(), {}, model="m").headers["api-key"] == KEY
    assert ModelType.RERANK not in AZURE.serves
    with pytest.raises(NotSupported, match="reranking"):
        AZURE.rerank_request(target(), {}, model="m")


def test_it_speaks_chat_as_openai_does() -> None:
    assert AZURE.speaks(target()) == {Dialect.CHAT}


def test_the_deployments_are_listed_by_what_their_models_can_do() -> None:
    request = AZURE.models_request(target("v1"))
    assert request.url == f"{ROOT}/openai/deployments?api-version=2023-03-15-preview"
    assert request.headers == {"api-key": KEY}
    deployments = [
        {"id": "talk", "model": "gpt-4o", "status": "succeeded", "object": "deployment"},
        {"id": "vec", "model": "text-embedding-3-small", "status": "succeeded"},
        {"id": "late", "model": "gpt-4o", "status": "running"},
        {"id": "", "model": "gpt-4o", "status": "succeeded"},
    ]
    body = json.dumps({"data": deployments, "object": "list"}).encode()
    assert AZURE.models_reply(body) == [
        ListedModel("talk", frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})),
        ListedModel("vec", frozenset({ModelType.EMBEDDING})),
    ]
    with pytest.raises(ProviderError):
        AZURE.models_reply(b'{"value": []}')


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"code": "401", "message": "Access denied due to invalid subscription key."}, "key"),
        (404, {"code": "DeploymentNotFound", "message": "The deployment is not there."}, "model"),
        (400, {"code": "content_filter", "message": "x", "status": 400}, "content"),
        (429, {"code": "429", "message": "Rate limit. Please retry after 6 seconds."}, "rate"),
    ],
)
def test_azures_refusals_are_told_apart(status: int, error: dict[str, Any], kind: str) -> None:
    kinds = {
        "key": FailureKind.INVALID_KEY,
        "model": FailureKind.NO_SUCH_MODEL,
        "content": FailureKind.CONTENT_REFUSED,
        "rate": FailureKind.RATE_LIMITED,
    }
    failure = AZURE.failure_of(status, {"retry-after": "6"}, json.dumps({"error": error}).encode())
    assert failure.kind is kinds[kind]
    assert failure.retry_after_s == 6
