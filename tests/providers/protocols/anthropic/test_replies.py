"""Anthropic's replies, errors and lists, as its reference shows them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from providers.pricing import PriceAt, PriceFigures, cost_usd
from providers.protocols.anthropic import Anthropic
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.usage import Usage
from providers.protocols.wire import Dialect
from tests.gateway import anthropic_peer as peer

CLAUDE = Anthropic()
WHOLE = Usage(3210, 12, cached_tokens=3000, reasoning_tokens=4, cache_write_tokens=200)


def test_a_message_becomes_a_completion() -> None:
    said = (peer.THINKING, peer.TEXT, peer.CALL)
    reply = CLAUDE.chat_reply(orjson.dumps(peer.message(*said, reason="tool_use")))
    assert reply.usage == WHOLE
    assert reply.finish_reason == "tool_calls"
    assert reply.text == 'Paris, I think.Let me look.weather{"city":"Paris"}'
    [choice] = reply.completion["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Let me look.",
        "reasoning_content": "Paris, I think.",
        "thinking_blocks": [peer.THINKING],
        "tool_calls": [
            {
                "id": "toolu_01",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
            }
        ],
    }


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_why_it_stopped(reason: str, finish: str) -> None:
    reply = CLAUDE.chat_reply(orjson.dumps(peer.message(reason=reason)))
    assert reply.finish_reason == finish


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.MESSAGES])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"type": "message"}', b'{"choices": []}'],
    ids=str,
)
def test_what_is_no_message_is_refused(body: bytes, dialect: Dialect) -> None:
    with pytest.raises(ProviderError) as refused:
        CLAUDE.chat_reply(body, dialect)
    assert refused.value.failure.kind is FailureKind.BAD_REPLY


def test_a_golden_bill_charges_each_token_once() -> None:
    """USD a million: 10 fresh at 3, 3000 read at 0.30, 200 written at 3.75, 12 generated at 15."""
    figures = PriceFigures(
        input_usd_per_mtok=Decimal(3),
        output_usd_per_mtok=Decimal(15),
        cached_input_usd_per_mtok=Decimal("0.3"),
        cache_write_usd_per_mtok=Decimal("3.75"),
    )
    price = PriceAt(figures, "hand", datetime(2026, 1, 1, tzinfo=UTC))
    usage = CLAUDE.usage_of(orjson.dumps(peer.message()))
    assert usage == WHOLE
    assert cost_usd(usage, price) == Decimal("0.001860000")


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": -1},
        {"input_tokens": "many", "output_tokens": 1},
        {"input_tokens": 10**30, "output_tokens": 1},
        {"input_tokens": 5, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 2}},
    ],
    ids=str,
)
def test_usage_that_cannot_be_true(usage: dict[str, Any]) -> None:
    assert CLAUDE.usage_report({"usage": usage}).is_impossible


def test_usage_that_is_not_there() -> None:
    for reply in (b"no JSON", b"[]", {}, {"usage": None}, {"usage": {}}):
        assert CLAUDE.usage_of(reply) is None


ERRORS = [
    (401, "authentication_error", "invalid x-api-key", FailureKind.INVALID_KEY),
    (403, "permission_error", "not allowed", FailureKind.INVALID_KEY),
    (403, "permission_error", "no access to this model", FailureKind.NO_SUCH_MODEL),
    (402, "billing_error", "payment", FailureKind.OUT_OF_QUOTA),
    (400, "invalid_request_error", "Your credit balance is too low", FailureKind.OUT_OF_QUOTA),
    (400, "invalid_request_error", "max_tokens: wrong", FailureKind.BAD_REQUEST),
    (400, "invalid_request_error", "blocked by content filter", FailureKind.CONTENT_REFUSED),
    (404, "not_found_error", "model: claude-nope", FailureKind.NO_SUCH_MODEL),
    (404, "not_found_error", "Not found", FailureKind.BAD_REPLY),
    (413, "request_too_large", "Too large", FailureKind.BAD_REQUEST),
    (429, "rate_limit_error", "Too fast", FailureKind.RATE_LIMITED),
    (500, "api_error", "Internal server error", FailureKind.OVERLOADED),
    (504, "timeout_error", "Timed out", FailureKind.TIMEOUT),
    (529, "overloaded_error", "Overloaded", FailureKind.OVERLOADED),
]


@pytest.mark.parametrize(("status", "error_type", "words", "kind"), ERRORS)
def test_errors_are_classified(status: int, error_type: str, words: str, kind: FailureKind) -> None:
    error = {"type": "error", "error": {"type": error_type, "message": words}}
    failure = CLAUDE.failure_of(status, {"retry-after": "9"}, orjson.dumps(error))
    assert (failure.kind, failure.message, failure.retry_after_s) == (kind, words, 9)
    with pytest.raises(ProviderError) as refused:
        CLAUDE.chat_reply(orjson.dumps(error))
    assert refused.value.failure.kind is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 1}', b'{"error": null}'])
def test_an_error_without_a_type_goes_by_its_status(body: bytes) -> None:
    assert CLAUDE.failure_of(503, {}, body).kind is FailureKind.OVERLOADED
    assert CLAUDE.failure_of(401, {}, body).kind is FailureKind.INVALID_KEY


def test_models_are_listed_with_what_they_see() -> None:
    items = [
        {"type": "model", "id": "claude-a", "max_input_tokens": 200000},
        {"id": "claude-b", "capabilities": {"image_input": {"supported": False}}},
        {"id": "claude-c", "lifecycle": "retired"},
        {"display_name": "nameless"},
        5,
    ]
    models = CLAUDE.models_reply(orjson.dumps({"data": items, "has_more": False}))
    assert [(m.llm_name, m.context_tokens, len(m.model_types)) for m in models] == [
        ("claude-a", 200000, 2),
        ("claude-b", None, 1),
    ]
    for body in (b"", b"[]", b"{}"):
        with pytest.raises(ProviderError):
            CLAUDE.models_reply(body)


def test_a_count_is_a_count() -> None:
    assert CLAUDE.count_reply(b'{"input_tokens": 14}') == 14
    for body in (b"", b"{}", b'{"input_tokens": -1}', b'{"input_tokens": "1"}'):
        with pytest.raises(ProviderError):
            CLAUDE.count_reply(body)
