"""Why a provider said no, told from what each of them answers."""

import json
from typing import Any

import pytest

from llmhub.base.errors import InvalidRequest, NotSupported
from llmhub.base.model_types import ModelType
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import Target
from tests.providers.protocols.test_exchanges import AUDIO, TARGETS

KEY = FailureKind.INVALID_KEY
QUOTA = FailureKind.OUT_OF_QUOTA
RATE = FailureKind.RATE_LIMITED
MODEL = FailureKind.NO_SUCH_MODEL
BAD = FailureKind.BAD_REQUEST
BUSY = FailureKind.OVERLOADED
CONTENT = FailureKind.CONTENT_REFUSED
TIMEOUT = FailureKind.TIMEOUT

TRIAL = "You are using a Trial key, which is limited to"

REFUSED: list[tuple[str, int, Any, FailureKind]] = [
    ("cohere", 401, {"message": "invalid api token"}, KEY),
    ("cohere", 498, {"message": "invalid token"}, KEY),
    ("cohere", 402, {"message": "please add a payment method"}, QUOTA),
    ("cohere", 429, {"message": f"{TRIAL} 20 API calls / minute."}, RATE),
    ("cohere", 429, {"message": f"{TRIAL} 1000 API calls / month."}, QUOTA),
    ("cohere", 404, {"message": "model 'command-x' not found, make sure it is right"}, MODEL),
    ("cohere", 400, {"message": "invalid request: message must not be empty"}, BAD),
    ("cohere", 503, {"message": "service unavailable"}, BUSY),
    ("ollama", 404, {"error": "model 'x' not found"}, MODEL),
    ("ollama", 400, {"error": "registry.ollama.ai/library/gemma does not support tools"}, BAD),
    ("ollama", 401, {"error": "unauthorized"}, KEY),
    ("ollama", 503, {"error": "server busy, please try again.  maximum pending requests"}, BUSY),
    ("ollama", 500, {"error": "llama runner process has terminated"}, BUSY),
    ("mistral", 401, {"message": "Unauthorized", "request_id": "r"}, KEY),
    ("mistral", 429, {"object": "error", "message": "Requests rate limit exceeded"}, RATE),
    (
        "mistral",
        400,
        {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
        MODEL,
    ),
    ("mistral", 422, {"detail": [{"type": "extra_forbidden", "msg": "Extra inputs"}]}, BAD),
    ("mistral", 402, {"detail": "You have no credits left"}, QUOTA),
    ("jina", 401, {"detail": "Invalid API key"}, KEY),
    ("jina", 402, {"detail": "Insufficient account balance"}, QUOTA),
    ("jina", 422, {"detail": "The model jina-x is not found"}, MODEL),
    ("jina", 429, {"detail": "Rate limit exceeded"}, RATE),
    ("voyage", 401, {"detail": "Provided API key is invalid."}, KEY),
    ("voyage", 400, {"detail": "Model voyage-x is not supported. Supported are ..."}, MODEL),
    ("voyage", 429, {"detail": "You have exceeded your rate limit"}, RATE),
    ("tei", 429, {"error": "Model is overloaded", "error_type": "Overloaded"}, BUSY),
    ("tei", 413, {"error": "batch size 64 > maximum 32", "error_type": "Validation"}, BAD),
    ("tei", 422, {"error": "Tokenization error", "error_type": "Tokenizer"}, BAD),
    ("tei", 424, {"error": "Inference failed", "error_type": "Backend"}, BUSY),
    ("tei", 401, {"error": "Unauthorized"}, KEY),
    ("huggingface", 401, {"error": "Invalid username or password."}, KEY),
    ("huggingface", 402, {"error": "You have exceeded your monthly included credits"}, QUOTA),
    ("huggingface", 429, {"error": "Rate limit reached"}, RATE),
    ("huggingface", 429, {"error": "Model is overloaded", "error_type": "Overloaded"}, BUSY),
    ("huggingface", 503, {"error": "Model x is currently loading", "estimated_time": 20.0}, BUSY),
    ("nvidia", 401, {"status": 401, "title": "Unauthorized", "detail": "Authentication"}, KEY),
    ("nvidia", 404, {"status": 404, "title": "Not Found", "detail": "Model x not found"}, MODEL),
    ("nvidia", 402, {"status": 402, "detail": "Cloud credits expired"}, QUOTA),
    ("dashscope", 401, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, KEY),
    ("dashscope", 429, {"code": "Throttling.RateQuota", "message": "Too many requests"}, RATE),
    ("dashscope", 400, {"code": "Arrearage", "message": "Access denied, account"}, QUOTA),
    ("dashscope", 404, {"code": "ModelNotFound", "message": "Model x not exist."}, MODEL),
    ("dashscope", 400, {"code": "DataInspectionFailed", "message": "Input data may"}, CONTENT),
    ("dashscope", 400, {"code": "InvalidParameter", "message": "batch size"}, BAD),
    ("ark", 401, {"error": {"code": "AuthenticationError", "message": "The API key in"}}, KEY),
    (
        "ark",
        404,
        {
            "error": {
                "code": "InvalidEndpointOrModel.NotFound",
                "message": "The model does not exist",
            }
        },
        MODEL,
    ),
    (
        "ark",
        403,
        {"error": {"code": "AccountOverdueError", "message": "an overdue balance"}},
        QUOTA,
    ),
    ("ark", 429, {"error": {"code": "RateLimitExceeded.EndpointRPMExceeded"}}, RATE),
    ("ark", 400, {"error": {"code": "SensitiveContentDetected", "message": "x"}}, CONTENT),
    ("qianfan", 401, {"error": {"code": "invalid_iam_token", "message": "IAM Certification"}}, KEY),
    ("qianfan", 429, {"error": {"code": "rpm_rate_limit_exceeded", "message": "Rate"}}, RATE),
    ("qianfan", 401, {"error": {"code": "invalid_model", "message": "No permission"}}, KEY),
    ("minimax", 200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, KEY),
    ("minimax", 200, {"base_resp": {"status_code": 1008, "status_msg": "balance"}}, QUOTA),
    ("minimax", 200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, RATE),
    ("minimax", 200, {"base_resp": {"status_code": 1027, "status_msg": "sensitive"}}, CONTENT),
    ("minimax", 200, {"base_resp": {"status_code": 2013, "status_msg": "invalid params"}}, BAD),
    ("minimax", 401, {"error": {"message": "invalid api key"}}, KEY),
    ("xunfei-spark", 401, {"message": "HMAC signature cannot be verified"}, KEY),
    ("xunfei-spark", 200, {"code": 11200, "message": "AppIdNoAuthError"}, KEY),
    ("xunfei-spark", 200, {"error": {"code": "11202", "message": "QPS overflow"}}, RATE),
    ("xunfei-spark", 200, {"code": 10013, "message": "input audit"}, CONTENT),
    ("replicate", 401, {"title": "Unauthenticated", "detail": "You did not pass a token"}, KEY),
    ("replicate", 402, {"title": "Billing required", "detail": "add billing"}, QUOTA),
    ("replicate", 429, {"detail": "Request was throttled."}, RATE),
    ("replicate", 422, {"title": "Input validation failed", "detail": "- prompt"}, BAD),
    ("fish-audio", 401, {"status": 401, "message": "Unauthorized"}, KEY),
    ("fish-audio", 402, {"status": 402, "message": "Payment required"}, QUOTA),
    ("deepgram", 401, {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}, KEY),
    ("deepgram", 402, {"err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "no credits"}, QUOTA),
    ("deepgram", 429, {"err_code": "TOO_MANY_REQUESTS", "err_msg": "try later"}, RATE),
    (
        "tencent-speech",
        200,
        {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "x"}}},
        KEY,
    ),
    (
        "tencent-speech",
        200,
        {"Response": {"Error": {"Code": "FailedOperation.UserHasNoFreeAmount", "Message": "x"}}},
        QUOTA,
    ),
    (
        "tencent-speech",
        200,
        {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "x"}}},
        RATE,
    ),
    (
        "tencent-speech",
        200,
        {"Response": {"Error": {"Code": "InvalidParameterValue.ErrorVoiceFormat"}}},
        BAD,
    ),
    ("perplexity", 401, {"error": {"message": "Invalid API key", "code": 401}}, KEY),
    ("paddleocr", 401, {"errorCode": 401, "errorMsg": "unauthorized"}, KEY),
    ("mineru", 503, {"detail": "Service busy"}, BUSY),
]


@pytest.mark.parametrize(
    ("name", "status", "body", "kind"),
    REFUSED,
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_is_told_for_what_it_is(
    name: str, status: int, body: Any, kind: FailureKind
) -> None:
    failure = PROTOCOLS[name].failure_of(status, {}, json.dumps(body).encode())
    assert failure.kind is kind
    assert failure.http_status == status
    assert failure.message


@pytest.mark.parametrize("name", sorted(TARGETS))
@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b"null", b'{"error":[[[1]]]}'])
def test_no_body_is_too_odd_to_be_told(name: str, body: bytes) -> None:
    failure = PROTOCOLS[name].failure_of(502, {"retry-after": "7"}, body)
    assert failure.is_retryable
    assert failure.retry_after_s == 7
    assert PROTOCOLS[name].usage_report(body).usage is None


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_each_type_is_served_or_refused_in_words(name: str) -> None:
    protocol, target = PROTOCOLS[name], TARGETS[name]
    calls = {
        ModelType.CHAT: lambda: protocol.chat_request(target, {"messages": []}, model="m"),
        ModelType.EMBEDDING: lambda: protocol.embedding_request(target, {"input": "a"}, model="m"),
        ModelType.RERANK: lambda: protocol.rerank_request(
            target, {"query": "q", "documents": []}, model="m"
        ),
        ModelType.TTS: lambda: protocol.speech_request(target, {"input": "a"}, model="m"),
        ModelType.SPEECH2TEXT: lambda: protocol.transcription_request(target, {}, AUDIO, model="m"),
        ModelType.IMAGE: lambda: protocol.image_request(target, {"prompt": "a"}, model="m"),
        ModelType.MODERATION: lambda: protocol.moderation_request(
            target, {"input": "a"}, model="m"
        ),
    }
    served = protocol.serves | (
        {ModelType.CHAT} if ModelType.IMAGE2TEXT in protocol.serves else frozenset()
    )
    for model_type, call in calls.items():
        if model_type not in served:
            with pytest.raises(NotSupported, match=r"over|WebSocket"):
                call()


REPLIES: list[tuple[str, str, Any, FailureKind]] = [
    ("cohere", "chat_reply", {"finish_reason": "ERROR", "message": {}}, BUSY),
    ("cohere", "chat_reply", {"finish_reason": "TIMEOUT", "message": {}}, TIMEOUT),
    ("cohere", "chat_reply", {"message": {"content": []}}, FailureKind.BAD_REPLY),
    ("cohere", "embedding_reply", {"embeddings": {"int8": [[1]]}}, FailureKind.BAD_REPLY),
    ("ollama", "chat_reply", {"message": {"content": "x"}}, FailureKind.BAD_REPLY),
    ("ollama", "chat_reply", {"error": "model 'x' not found"}, MODEL),
    ("mistral", "chat_reply", {"object": "error", "message": "Invalid model: x"}, MODEL),
    ("mistral", "chat_reply", {"choices": []}, FailureKind.BAD_REPLY),
    (
        "mistral",
        "chat_reply",
        {"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]},
        BUSY,
    ),
    ("minimax", "chat_reply", {"base_resp": {"status_code": 1008, "status_msg": "x"}}, QUOTA),
    ("minimax", "chat_reply", {"choices": None}, FailureKind.BAD_REPLY),
    ("xunfei-spark", "chat_reply", {"code": 11201, "message": "x"}, QUOTA),
    ("replicate", "chat_reply", {"status": "processing"}, TIMEOUT),
    ("replicate", "chat_reply", {"status": "failed", "error": "CUDA"}, BUSY),
    ("replicate", "chat_reply", {"detail": "x"}, FailureKind.BAD_REPLY),
    ("tei", "embedding_reply", {"error": "x"}, FailureKind.BAD_REPLY),
    ("tei", "embedding_reply", [[[1.0]]], FailureKind.BAD_REPLY),
    ("nvidia", "rerank_reply", {"rankings": [{"index": 0}]}, FailureKind.BAD_REPLY),
    ("dashscope", "embedding_reply", {"code": "InvalidApiKey", "message": "Invalid API-key"}, KEY),
    ("dashscope", "rerank_reply", {"output": {}}, FailureKind.BAD_REPLY),
    ("dashscope", "transcription_reply", {"output": {"choices": []}}, FailureKind.BAD_REPLY),
    ("perplexity", "embedding_reply", {"data": [{"embedding": "?"}]}, FailureKind.BAD_REPLY),
    ("deepgram", "transcription_reply", {"results": {"channels": []}}, FailureKind.BAD_REPLY),
    (
        "tencent-speech",
        "transcription_reply",
        {"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound", "Message": "x"}}},
        KEY,
    ),
    ("mineru", "chat_reply", {"results": {}}, FailureKind.BAD_REPLY),
    ("paddleocr", "chat_reply", {"errorCode": 500, "errorMsg": "x"}, BUSY),
    ("paddleocr", "chat_reply", {"errorCode": 0, "result": {}}, FailureKind.BAD_REPLY),
]


@pytest.mark.parametrize(
    ("name", "method", "body", "kind"), REPLIES, ids=lambda value: str(value)[:40]
)
def test_a_reply_that_is_no_answer_fails(
    name: str, method: str, body: Any, kind: FailureKind
) -> None:
    with pytest.raises(ProviderError) as raised:
        getattr(PROTOCOLS[name], method)(json.dumps(body).encode())
    assert raised.value.failure.kind is kind


@pytest.mark.parametrize("name", ["fish-audio", "minimax", "dashscope"])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"error":"no"}', b"<html>"])
def test_what_is_no_audio_is_no_speech(name: str, body: bytes) -> None:
    with pytest.raises(ProviderError):
        PROTOCOLS[name].speech_reply({}, body)


CHUNKS = [
    ("cohere", b'data: {"message":"model \'x\' not found"}\n\n', None),
    ("cohere", b'data: {"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}\n\n', TIMEOUT),
    ("cohere", b'data: {"type":"tool-call-delta","delta":{}}\n\n', FailureKind.BAD_REPLY),
    ("cohere", b"data: [1]\n\n", FailureKind.BAD_REPLY),
    ("ollama", b'{"error":"model \'x\' not found"}\n', MODEL),
    ("ollama", b'"x"\n', FailureKind.BAD_REPLY),
    ("mistral", b'data: {"object":"error","message":"Invalid model: x"}\n\n', MODEL),
    (
        "mistral",
        b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"error"}]}\n\n',
        BUSY,
    ),
    ("minimax", b'data: {"base_resp":{"status_code":1008,"status_msg":"x"}}\n\n', QUOTA),
    ("xunfei-spark", b'data: {"code":11202,"message":"QPS"}\n\n', RATE),
    ("replicate", b'{"status":"failed","error":"x"}', BUSY),
]


@pytest.mark.parametrize(("name", "stream", "kind"), CHUNKS, ids=lambda value: str(value)[:40])
def test_an_error_within_a_stream_is_an_error(
    name: str, stream: bytes, kind: FailureKind | None
) -> None:
    reader = PROTOCOLS[name].chunk_reader()
    reader.feed(stream)
    with pytest.raises(ProviderError) as raised:
        reader.finish()
    assert kind is None or raised.value.failure.kind is kind
    assert not reader.is_done


ASKED: list[tuple[str, dict[str, Any], str]] = [
    ("cohere", {"messages": [{"role": "narrator"}]}, "narrator"),
    ("cohere", {"messages": [], "reasoning_effort": "much"}, "reasoning_effort"),
    ("ollama", {"messages": [{"role": "tool", "tool_call_id": "x"}]}, "answers no call"),
    (
        "ollama",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
                    ],
                }
            ]
        },
        "data: URL",
    ),
    ("mistral", {"messages": [{"role": "narrator"}]}, "narrator"),
    ("replicate", {"messages": [], "tools": [{"type": "function"}]}, "no tools"),
    ("mineru", {"messages": [{"role": "user", "content": "Read it."}]}, "one image or file"),
    ("paddleocr", {"messages": []}, "one image or file"),
]


@pytest.mark.parametrize(("name", "asked", "words"), ASKED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_said_is_refused_by_name(
    name: str, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        PROTOCOLS[name].chat_request(TARGETS[name], asked, model="m")


@pytest.mark.parametrize("name", ["cohere", "jina", "ollama", "tei", "voyage", "dashscope"])
def test_tokens_are_no_texts(name: str) -> None:
    with pytest.raises(InvalidRequest, match="tokens"):
        PROTOCOLS[name].embedding_request(TARGETS[name], {"input": [[1, 2]]}, model="m")


def test_hugging_faces_router_ranks_nothing_and_ones_own_endpoint_does() -> None:
    asked = {"query": "q", "documents": ["a"]}
    with pytest.raises(InvalidRequest, match="own endpoint"):
        PROTOCOLS["huggingface"].rerank_request(TARGETS["huggingface"], asked, model="m")
    own = Target("https://alice.endpoints.huggingface.cloud")
    request = PROTOCOLS["huggingface"].rerank_request(own, asked, model="m")
    assert request.url == "https://alice.endpoints.huggingface.cloud/rerank"
    embedding = PROTOCOLS["huggingface"].embedding_request(own, {"input": "a"}, model="m")
    assert embedding.url.endswith("/embed")


@pytest.mark.parametrize("model", ["cosyvoice-v2", "paraformer-v2", "qwen3-tts-flash-realtime"])
def test_dashscopes_models_behind_a_websocket_are_refused_in_words(model: str) -> None:
    with pytest.raises(NotSupported, match="WebSocket"):
        PROTOCOLS["dashscope"].speech_request(TARGETS["dashscope"], {"input": "a"}, model=model)
    with pytest.raises(NotSupported, match="WebSocket"):
        PROTOCOLS["dashscope"].transcription_request(TARGETS["dashscope"], {}, AUDIO, model=model)


def test_xunfeis_speech_says_that_there_is_no_websocket() -> None:
    with pytest.raises(NotSupported, match="WebSocket"):
        PROTOCOLS["xunfei-spark"].speech_request(TARGETS["xunfei-spark"], {}, model="m")


@pytest.mark.parametrize(
    "name", ["voyage", "perplexity", "dashscope", "deepgram", "fish-audio", "xunfei-spark"]
)
def test_who_lists_no_models_says_so(name: str) -> None:
    with pytest.raises(NotSupported, match="list of models"):
        PROTOCOLS[name].models_request(TARGETS[name])


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_rate_limit_tells_its_delay(name: str) -> None:
    failure = PROTOCOLS[name].failure_of(429, {"retry-after": "12"}, b'{"message":"too many"}')
    assert failure.kind in (RATE, BUSY)
    assert failure.retry_after_s == 12
