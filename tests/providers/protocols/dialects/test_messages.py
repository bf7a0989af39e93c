"""Anthropic's dialect: what callers ask in it, and what they are told."""

import json
from typing import Any

import pytest

from llmhub.base.errors import HubError, InvalidRequest, NotSupported
from providers.protocols.dialects.exchange import DIALECTS, exchange_request
from providers.protocols.failures import ProviderError
from providers.protocols.openai import OpenAI
from providers.protocols.wire import Dialect, KnownModel, Target

MESSAGES = DIALECTS[Dialect.MESSAGES]
HELLO = [{"role": "user", "content": "Hello"}]


def chat(**asked: Any) -> dict[str, Any]:
    return MESSAGES.to_chat({"messages": HELLO, **asked}).payload


def turns(*blocks: dict[str, Any], role: str = "user") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chat(messages=[{"role": role, "content": list(blocks)}])[
        "messages"
    ]
    return found


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            {"system": "Be brief."},
            {"messages": [{"role": "system", "content": "Be brief."}, *HELLO]},
        ),
        ({"stop_sequences": ["x"]}, {"stop": ["x"]}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"service_tier": "auto"}, {}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"thinking": {"type": "adaptive"}}, {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 9000}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, {"reasoning_effort": "high"}),
        ({"output_config": {"effort": "xhigh"}}, {"reasoning_effort": "xhigh"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        ({"stream": True}, {"stream": True}),
    ],
    ids=str,
)
def test_each_field_in_the_hubs_terms(asked: dict[str, Any], expected: dict[str, Any]) -> None:
    form = MESSAGES.to_chat({"messages": HELLO, **asked})
    assert form.payload == {"messages": HELLO, **expected}
    assert form.left_out == ()


def test_a_schema_for_the_answer() -> None:
    wanted = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    named = {"name": "output", "schema": {"type": "object"}, "strict": True}
    for asked in ({"output_config": wanted}, {"output_format": wanted["format"]}):
        assert chat(**asked)["response_format"] == {"type": "json_schema", "json_schema": named}


def test_documents_pictures_and_findings() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    found = {"type": "search_result", "title": "T", "source": "S", "content": [text("C")]}
    [turn] = turns(
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {"type": "document", "title": "a.pdf", "source": pdf},
        {"type": "document", "title": "t", "source": {"type": "text", "data": "words"}},
        found,
    )
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    assert turn["content"] == [
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "file", "file": file},
        *(text(words) for words in ("t", "words", "T", "S", "C")),
    ]


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_a_picture_in_a_tools_result_follows_in_the_users_turn() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    content = [text("a"), {"type": "image", "source": source}, text("b")]
    tool, user = turns({"type": "tool_result", "tool_use_id": "t1", "content": content})
    assert tool == {"role": "tool", "tool_call_id": "t1", "content": "a\nb"}
    url = "data:image/png;base64,iVBO"
    assert user == {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def test_everything_that_is_left_out_is_named() -> None:
    marked = {**text("Hello"), "cache_control": {"type": "ephemeral"}}
    thought = {"type": "thinking", "thinking": "Hm", "signature": "x"}
    tool = {"name": "f", "input_schema": {}, "defer_loading": True}
    form = MESSAGES.to_chat(
        {
            "messages": [
                {"role": "user", "content": [marked]},
                {"role": "assistant", "content": [thought, text("Hi")]},
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": True}],
                },
            ],
            "tools": [tool],
            "top_k": 4,
            "container": "c",
            "metadata": {"other": 1},
            "output_config": {"task_budget": 4},
        }
    )
    assert form.left_out == (
        "top_k",
        "container",
        "content[].cache_control",
        "messages[].content[].thinking",
        "messages[].content[].is_error",
        "tools[].defer_loading",
        "output_config.task_budget",
        "metadata.other",
    )


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"messages": [1]}, InvalidRequest, "messages[0]"),
        ({"messages": [{"role": "nobody", "content": ""}]}, InvalidRequest, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, InvalidRequest, "messages[0].content"),
        ({"system": 5}, InvalidRequest, "system"),
        ({"tools": [{"name": "f"}]}, InvalidRequest, "tools[0].input_schema"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, NotSupported, "tools[0].type"),
        ({"tool_choice": {"type": "some"}}, InvalidRequest, "tool_choice.type"),
        ({"thinking": {"type": "enabled"}}, InvalidRequest, "thinking.budget_tokens"),
        ({"output_config": {"format": {}}}, InvalidRequest, "output_config.format.schema"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
                    }
                ]
            },
            NotSupported,
            "messages[0].content.source",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]},
            NotSupported,
            "messages[0].content.type",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_or_impossible_is_refused_by_name(
    asked: dict[str, Any], error: type[HubError], field: str
) -> None:
    with pytest.raises(error) as refused:
        chat(**asked)
    assert refused.value.details["field"] == field


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-5.1", "max_completion_tokens"),
        ("openai/o3", "max_completion_tokens"),
        ("gpt-4o", "max_tokens"),
        ("llama-3", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_model_knows(model: str, name: str) -> None:
    asked = {"messages": HELLO, "max_tokens": 7}
    target = Target("https://x.test/v1")
    request = exchange_request(OpenAI(), Dialect.MESSAGES, target, asked, model=model)
    assert json.loads(request.body) == {"model": model, "messages": HELLO, name: 7}


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    asked = {"messages": HELLO, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    for capabilities, left_out in ((frozenset({"tools"}), ("thinking",)), (None, ())):
        target = Target("https://x.test/v1", model=KnownModel(None, capabilities))
        request = exchange_request(OpenAI(), Dialect.MESSAGES, target, asked, model="m")
        assert request.left_out == left_out
        assert ("reasoning_effort" in json.loads(request.body)) is not bool(left_out)


def completion(message: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"message": message, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("message", "reason", "stop_reason"),
    [
        ({"content": "x"}, "stop", "end_turn"),
        ({"content": "x"}, "length", "max_tokens"),
        ({"content": "x"}, "content_filter", "refusal"),
        ({"refusal": "no"}, "stop", "refusal"),
        ({"content": "x"}, None, "end_turn"),
        ({"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "stop", "tool_use"),
    ],
    ids=str,
)
def test_why_an_answer_stopped(message: dict[str, Any], reason: str, stop_reason: str) -> None:
    told = json.loads(MESSAGES.reply(completion(message, reason), {}))
    assert told["stop_reason"] == stop_reason


def test_arguments_that_are_no_json_are_kept_under_a_name() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": '{"a": '}}
    told = json.loads(MESSAGES.reply(completion({"tool_calls": [call]}, "tool_calls"), {}))
    assert told["content"][0]["input"] == {"INVALID_JSON": '{"a": '}


@pytest.mark.parametrize("dialect", [Dialect.MESSAGES, Dialect.RESPONSES])
def test_calls_that_are_mixed_up_in_a_stream_are_not_passed_on_as_something_else(
    dialect: Dialect,
) -> None:
    writer = DIALECTS[dialect].chunk_writer({})
    chunks = [
        {"choices": [{"delta": {"tool_calls": [{"index": place, "function": {"name": "f"}}]}}]}
        for place in (0, 1, 0)
    ]
    assert writer.write(chunks[0])
    assert writer.write(chunks[1])
    with pytest.raises(ProviderError):
        writer.write(chunks[2])
