"""POST /llm/set_api_key with what the clouds want for a key."""

import json
from typing import Any

import pytest

from tests.management import connections, models
from tests.provider_server import Reply
from tests.providers.protocols.vertex.keys import key_file

PROJECT = "/v1/projects/my-project-123/locations/us-central1/publishers/google/models"
ANSWER = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


def google(provider: Any, key: Any) -> dict[str, Any]:
    return {
        "llm_factory": "Google Cloud",
        "api_base": provider.url,
        "api_key": {
            "google_project_id": "my-project-123",
            "google_region": "us-central1",
            "google_service_account_key": key,
        },
    }


def granting(provider: Any) -> str:
    root = provider.url.removesuffix("/v1")
    token = {"access_token": "ya29.one", "expires_in": 3600}
    provider.script("/token", *[Reply(body=token)] * 5)
    return key_file(token_uri=f"{root}/token")


@pytest.mark.parametrize("as_object", [True, False])
def test_a_service_accounts_key_is_taken_as_an_object_or_a_text(alice, provider, as_object):
    key = granting(provider)
    body = google(provider, json.loads(key) if as_object else key)
    # The cheapest model of the type chat is asked.
    provider.script(f"{PROJECT}/gemini-2.0-flash-lite:generateContent", Reply(body=ANSWER))
    alice.api.post("set_api_key", body).require_success()
    (connection,) = connections(alice.api)
    assert connection["state"] == "valid"
    assert "gemini-2.5-flash" in {model["llm_name"] for model in models(alice.api)}
    first, second = provider.seen[:2]
    assert first.path == "/token"
    assert second.headers["authorization"] == "Bearer ya29.one"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ({"type": "authorized_user", "client_email": "a@example.com"}, "service_account"),
        ('{"type": "service_account", "client_email": "a@example.com"}', "private_key"),
        ("AAAA", "not JSON"),
    ],
)
def test_a_file_that_is_no_such_key_is_refused_before_the_network(alice, provider, key, words):
    answer = alice.api.post("set_api_key", google(provider, key)).require_failure(400)
    assert words in answer.message
    assert answer.error["details"]["field"] == "api_key.google_service_account_key"
    assert provider.seen == []
    assert connections(alice.api) == []


def test_a_key_that_google_refuses_is_explained(alice, provider):
    refused = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    provider.script("/token", Reply(400, refused))
    key = key_file(token_uri=provider.url.removesuffix("/v1") + "/token")
    answer = alice.api.post("set_api_key", google(provider, key)).require_failure(422)
    assert answer.code == "invalid_key"
    assert "Invalid JWT Signature." in answer.message
    assert len(provider.seen) == 1


def test_a_deployment_of_azures_is_added_with_its_key(alice, provider):
    root = provider.url.removesuffix("/v1")
    reply = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    provider.script("/openai/deployments/ours/chat/completions", Reply(body=reply))
    body = {
        "llm_factory": "Azure-OpenAI",
        "llm_name": "ours",
        "model_type": "chat",
        "api_base": root,
        "api_key": {"api_key": "0123456789abcdef", "api_version": "2024-10-21"},
        "max_tokens": 4096,
    }
    alice.api.post("add_llm", body).require_success()
    (seen,) = provider.seen
    assert seen.headers["api-key"] == "0123456789abcdef"


CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
}


@pytest.mark.parametrize(
    ("key", "authorization"),
    [
        ({"bedrock_api_key": "bedrock-api-key-0123456789"}, "Bearer bedrock-api-key-0123456789"),
        (
            {"bedrock_ak": "AKIAIOSFODNN7EXAMPLE", "bedrock_sk": "wJalrXUtnFEMI0K7MDENG0bPxR"},
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/",
        ),
    ],
)
def test_bedrock_takes_an_access_key_or_a_key_of_its_own(alice, provider, key, authorization):
    provider.script("/model/amazon.nova-lite-v1:0/converse", Reply(body=CONVERSED))
    alice.api.post("add_llm", bedrock(provider, key)).require_success()
    (seen,) = provider.seen
    assert seen.headers["authorization"].startswith(authorization)


def test_bedrock_without_either_is_refused_before_the_network(alice, provider):
    answer = alice.api.post("add_llm", bedrock(provider, {})).require_failure(400)
    assert answer.error["details"]["field"] == "api_key.bedrock_ak"
    assert provider.seen == []


def bedrock(provider: Any, key: dict[str, str]) -> dict[str, Any]:
    return {
        "llm_factory": "Bedrock",
        "llm_name": "amazon.nova-lite-v1:0",
        "model_type": "chat",
        "api_base": provider.url.removesuffix("/v1"),
        "api_key": {"bedrock_region": "us-east-1", **key},
        "max_tokens": 4096,
    }
