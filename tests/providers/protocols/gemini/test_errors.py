import json
from typing import Any

import pytest

from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.gemini import Gemini

GEMINI = Gemini()


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> bytes:
    content = {"code": code, "message": message, "status": status, "details": list(details)}
    return json.dumps({"error": content}).encode()


def info(reason: str) -> dict[str, Any]:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": "googleapis.com"}


def quota(quota_id: str) -> dict[str, Any]:
    kind = "type.googleapis.com/google.rpc.QuotaFailure"
    return {"@type": kind, "violations": [{"quotaId": quota_id, "quotaMetric": "requests"}]}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error(400, "INVALID_ARGUMENT", "API key not valid.", info("API_KEY_INVALID")), "key"),
        (error(400, "INVALID_ARGUMENT", "API key expired. Renew it."), "key"),
        (error(401, "UNAUTHENTICATED", "No valid credential."), "key"),
        (error(403, "PERMISSION_DENIED", "Not used before.", info("SERVICE_DISABLED")), "key"),
        (error(403, "PERMISSION_DENIED", "Off.", info("BILLING_DISABLED")), "quota"),
        (error(429, "RESOURCE_EXHAUSTED", "Quota.", quota("RequestsPerDayPerProject")), "quota"),
        (error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), "quota"),
        (error(429, "RESOURCE_EXHAUSTED", "Quota.", quota("RequestsPerMinutePerModel")), "rate"),
        (error(429, "RESOURCE_EXHAUSTED", "Resource exhausted. Try again later."), "rate"),
        (error(404, "NOT_FOUND", "models/x is not found for API version v1beta."), "model"),
        (error(400, "INVALID_ARGUMENT", "Unknown name x."), "request"),
        (error(400, "FAILED_PRECONDITION", "Not here."), "request"),
        (error(500, "INTERNAL", "Oops."), "busy"),
        (error(503, "UNAVAILABLE", "The model is overloaded."), "busy"),
        (error(504, "DEADLINE_EXCEEDED", "Too slow."), "late"),
    ],
)
def test_each_refusal_has_its_class(body: bytes, kind: str) -> None:
    kinds = {
        "key": FailureKind.INVALID_KEY,
        "quota": FailureKind.OUT_OF_QUOTA,
        "rate": FailureKind.RATE_LIMITED,
        "model": FailureKind.NO_SUCH_MODEL,
        "request": FailureKind.BAD_REQUEST,
        "busy": FailureKind.OVERLOADED,
        "late": FailureKind.TIMEOUT,
    }
    status = json.loads(body)["error"]["code"]
    failure = GEMINI.failure_of(status, {}, body)
    assert failure.kind is kinds[kind]
    assert failure.message == json.loads(body)["error"]["message"]
    assert failure.http_status == status


def test_a_rate_limit_says_how_long_to_wait() -> None:
    body = error(429, "RESOURCE_EXHAUSTED", "Slow down.", quota("PerMinute"), RETRY)
    assert GEMINI.failure_of(429, {"retry-after": "9"}, body).retry_after_s == 34.5
    body = error(429, "RESOURCE_EXHAUSTED", "Slow down.")
    assert GEMINI.failure_of(429, {"retry-after": "9"}, body).retry_after_s == 9


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><title>Nothing here</title>", FailureKind.BAD_REPLY),
        (b'{"error": "gone"}', FailureKind.BAD_REPLY),
        (b"", FailureKind.BAD_REPLY),
        (b"[[[", FailureKind.BAD_REPLY),
        (b"[" + error(404, "NOT_FOUND", "No.") + b"]", FailureKind.NO_SUCH_MODEL),
    ],
)
def test_a_404_without_googles_words_is_no_missing_model(body: bytes, kind: FailureKind) -> None:
    assert GEMINI.failure_of(404, {}, body).kind is kind


def test_a_refused_prompt_is_refused_content() -> None:
    body = b'{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {}}'
    with pytest.raises(ProviderError) as caught:
        GEMINI.chat_reply(body)
    assert caught.value.failure.kind is FailureKind.CONTENT_REFUSED
    assert "PROHIBITED_CONTENT" in caught.value.failure.message
    reader = GEMINI.chunk_reader()
    assert reader.feed(b"data: " + body + b"\n\n") == []
    assert reader.failure is not None
    assert reader.failure.kind is FailureKind.CONTENT_REFUSED
    assert not reader.is_done


def test_an_error_inside_a_stream_ends_it() -> None:
    said = b'data: {"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]}\n\n'
    failed = b"data: " + error(503, "UNAVAILABLE", "Busy.") + b"\n\n"
    reader = GEMINI.chunk_reader()
    chunks = reader.feed(said + failed + said)
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == ["Hi"]
    assert reader.feed(said) == []
    with pytest.raises(ProviderError) as caught:
        reader.finish()
    assert caught.value.failure.kind is FailureKind.OVERLOADED
    assert reader.output_text == "Hi"


def test_an_error_in_place_of_a_stream_is_classified() -> None:
    reader = GEMINI.chunk_reader()
    reader.feed(b"[" + error(429, "RESOURCE_EXHAUSTED", "Slow down.") + b"]")
    with pytest.raises(ProviderError) as caught:
        reader.finish()
    assert caught.value.failure.kind is FailureKind.RATE_LIMITED


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"])
def test_a_model_that_failed_to_answer_is_no_success(reason: str) -> None:
    reply = {"candidates": [{"content": {}, "finishReason": reason, "finishMessage": "what()"}]}
    with pytest.raises(ProviderError, match=reason):
        GEMINI.chat_reply(json.dumps(reply).encode())
    reader = GEMINI.chunk_reader()
    reader.feed(b"data: " + json.dumps(reply).encode() + b"\n\n")
    with pytest.raises(ProviderError, match=reason):
        reader.finish()
