import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.protocols.openai.errors import failure_classify, failure_in_stream
from tests.properties import untimed


def _openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> Any:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, _openai("Incorrect API key provided", "invalid_api_key"), "invalid_key"),
        (401, {"error": "Unauthorized"}, "invalid_key"),
        (401, b"", "invalid_key"),
        (403, _openai("Forbidden"), "invalid_key"),
        (400, [{"error": {"code": 400, "message": "API key not valid."}}], "invalid_key"),
        (400, _openai("API key expired. Please renew the API key."), "invalid_key"),
        (429, _openai("You exceeded your current quota", "insufficient_quota"), "out_of_quota"),
        (402, {"error": {"message": "Insufficient Balance"}}, "out_of_quota"),
        (403, {"message": "account balance is insufficient", "code": 30001}, "out_of_quota"),
        (400, _openai("Hard limit", "billing_hard_limit_reached"), "out_of_quota"),
        (429, _openai("Rate limit reached", "rate_limit_exceeded"), "rate_limited"),
        (429, b"Too Many Requests", "rate_limited"),
        (429, {"error": {"message": "exceeded your current quota. Retry in 12s."}}, "rate_limited"),
        (404, _openai("The model `x` does not exist", "model_not_found"), "no_such_model"),
        (404, {"object": "error", "message": "The model `x` does not exist."}, "no_such_model"),
        (404, {"error": 'model "x" not found, try pulling it first'}, "no_such_model"),
        (400, _openai("x is not a valid model ID"), "no_such_model"),
        (403, _openai("Project does not have access to model `o1`"), "no_such_model"),
        (404, {"detail": "Not Found"}, "bad_reply"),
        (404, b"<html><head><title>404 Not Found</title></head></html>", "bad_reply"),
        (405, b"", "bad_reply"),
        (301, b"", "bad_reply"),
        (400, _openai("maximum context length is 8192", "context_length_exceeded"), "bad_request"),
        (400, _openai("Unsupported parameter: 'max_tokens'"), "bad_request"),
        (413, b"", "bad_request"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "bad_request"),
        (400, _openai("rejected", "content_policy_violation"), "content_refused"),
        (400, {"error": {"code": "content_filter", "message": "filtered"}}, "content_refused"),
        (500, {"error": {"code": 500, "message": "image input is not supported"}}, "bad_request"),
        (501, {"error": {"message": "This server does not support reranking."}}, "bad_request"),
        (408, b"", "timeout"),
        (504, b"<html><title>Gateway Time-out</title>", "timeout"),
        (500, _openai("The server had an error"), "overloaded"),
        (503, {"error": {"code": 503, "message": "Loading model"}}, "overloaded"),
        (529, {"error": {"type": "overloaded_error"}}, "overloaded"),
        (200, {"error": {"message": "Incorrect API key", "code": "x"}}, "invalid_key"),
        (200, b"<html>", "bad_reply"),
    ],
)  # fmt: skip
def test_it_classifies_what_servers_say(status: int, body: Any, kind: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    failure = failure_classify(status, {}, raw)
    assert failure.kind == kind
    assert failure.http_status == status
    assert failure.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "words"}}', "words"),
        (b'{"error": "words"}', "words"),
        (b'{"detail": "words"}', "words"),
        (b'{"detail": [{"msg": "words"}]}', "words"),
        (b'{"message": "words"}', "words"),
        (b'{"errors": [{"message": "words"}]}', "words"),
        (b'[{"error": {"message": "words"}}]', "words"),
        (b'"words"', "words"),
        (b"words", "words"),
        (b"<html><title> words </title>", "words"),
        (b"<html><body>404", "The server answered with a web page."),
        (b"", "HTTP 418 without an explanation"),
        (b"null", "HTTP 418 without an explanation"),
        (b"{}", "HTTP 418 without an explanation"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_it_finds_the_words_in_every_shape_of_error(body: bytes, message: str) -> None:
    assert failure_classify(418, {}, body).message == message


def test_it_masks_keys_and_bounds_the_words() -> None:
    body = json.dumps({"error": {"message": "key sk-1234567890abcdef " + "x" * 5000}}).encode()
    message = failure_classify(401, {}, body).message
    assert message.startswith("key *** x")
    assert len(message) <= 1000


def test_it_says_how_long_to_wait() -> None:
    assert failure_classify(429, {"retry-after": "20"}, b"").retry_after_s == 20


def test_a_redirect_is_named_as_such() -> None:
    assert "redirect" in failure_classify(307, {"location": "http://10.0.0.1/"}, b"").message


def test_an_error_in_a_stream_keeps_the_status_it_names() -> None:
    failure = failure_in_stream({"error": {"code": 429, "message": "slow down"}})
    assert (failure.kind, failure.http_status) == ("rate_limited", 429)
    assert failure_in_stream({"error": "overloaded"}).kind == "overloaded"
    assert failure_in_stream(None).kind == "bad_reply"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "detail", "code", "x"]), inner)
    ),
    max_leaves=10,
)


@untimed
@given(st.integers(100, 599), st.binary() | json_values.map(lambda v: json.dumps(v).encode()))
def test_no_body_makes_it_raise(status: int, body: bytes) -> None:
    assert failure_classify(status, {}, body).message


def test_a_body_of_many_levels_is_only_an_odd_body() -> None:
    assert failure_classify(500, {}, b'{"error":' * 900 + b"1" + b"}" * 900).kind == "overloaded"
    assert failure_classify(500, {}, b"[" * 100_000).kind == "overloaded"
