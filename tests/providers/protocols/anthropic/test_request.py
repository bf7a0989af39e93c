"""Chat completions' requests in Anthropic's words."""

from typing import Any

import orjson
import pytest

from llmhub.base.errors import HubError, InvalidRequest, NotSupported
from llmhub.base.secret import Secret
from providers.protocols.anthropic import Anthropic
from providers.protocols.wire import Dialect, KnownModel, ProviderRequest, Target

CLAUDE = Anthropic()
KNOWN = KnownModel(8000, frozenset({"reasoning", "tools"}))
TARGET = Target("https://api.anthropic.com", {"api_key": Secret("sk-ant-canary")}, model=KNOWN)
HELLO = [{"role": "user", "content": "Hello"}]
NEW, OLD = "claude-opus-4-6", "claude-sonnet-4-5-20250929"


def ask(model: str = NEW, target: Target = TARGET, **asked: Any) -> ProviderRequest:
    return CLAUDE.chat_request(target, {"messages": HELLO, **asked}, model=model)


def body(**asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(ask(**asked).body)
    return found


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_where_it_goes_and_who_pays() -> None:
    request = ask()
    assert (request.method, request.url) == ("POST", "https://api.anthropic.com/v1/messages")
    key = request.headers["x-api-key"]
    assert isinstance(key, Secret)
    assert key.reveal() == "sk-ant-canary"
    assert request.headers["anthropic-version"] == "2023-06-01"
    for base_url in ("https://proxy.test/api", "https://proxy.test/api/v1"):
        request = CLAUDE.models_request(Target(base_url))
        assert request.url == "https://proxy.test/api/v1/models?limit=1000"
        assert "x-api-key" not in request.headers


def test_a_caller_of_the_dialect_chooses_the_version_and_no_other_header() -> None:
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "a\r\nx-evil: 1"}
    target = Target("https://x.test", headers=headers)
    request = CLAUDE.chat_request(target, {"a": 1}, model="m", dialect=Dialect.MESSAGES)
    assert orjson.loads(request.body) == {"a": 1, "model": "m"}
    assert request.headers["anthropic-version"] == "2026-10-21"
    assert "anthropic-beta" not in request.headers
    assert ask(target=target).headers["anthropic-version"] == "2023-06-01"


def test_turns_are_merged_and_instructions_hoisted() -> None:
    function = {"name": "weather", "arguments": '{"city": "Rome"}'}
    call = {"id": "c1", "type": "function", "function": function}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [text("Look:"), image("data:image/png;base64,iVBO")]},
        {"role": "user", "content": [image("https://x.test/a.png")]},
        {"role": "assistant", "content": "", "tool_calls": [call, {**call, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "tool", "tool_call_id": "c2", "content": [text("sun")]},
        {"role": "user", "content": "And?"},
        {"role": "system", "content": "Be kind."},
    ]
    found = body(messages=messages)
    assert found["system"] == [text("Be brief."), text("Be kind.")]
    use = {"type": "tool_use", "name": "weather", "input": {"city": "Rome"}}
    png = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    result = {"type": "tool_result"}
    assert found["messages"] == [
        {
            "role": "user",
            "content": [
                text("Look:"),
                {"type": "image", "source": png},
                {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
            ],
        },
        {"role": "assistant", "content": [{**use, "id": "c1"}, {**use, "id": "c2"}]},
        {
            "role": "user",
            "content": [
                {**result, "tool_use_id": "c1", "content": [text("rain")]},
                {**result, "tool_use_id": "c2", "content": [text("sun")]},
                text("And?"),
            ],
        },
    ]


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_files_become_documents() -> None:
    pdf = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    plain = {"filename": "a.txt", "file_data": "data:text/plain;base64,SGVsbG8="}
    parts = [{"type": "file", "file": file} for file in (pdf, plain)]
    [turn] = body(messages=[{"role": "user", "content": parts}])["messages"]
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    words = {"type": "text", "media_type": "text/plain", "data": "Hello"}
    assert turn["content"] == [
        {"type": "document", "source": source, "title": "a.pdf"},
        {"type": "document", "source": words, "title": "a.txt"},
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"max_tokens": 8000}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"temperature": 1.7, "top_p": 0.5}, {"temperature": 1, "top_p": 0.5}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"top_k": 7}, {"top_k": 7}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"n": 1, "logprobs": False, "frequency_penalty": 0, "seed": None}, {}),
        ({"response_format": {"type": "text"}}, {}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}}},
            {"output_config": {"format": {"type": "json_schema", "schema": {"a": 1}}}},
        ),
        ({"reasoning_effort": "none"}, {}),
        (
            {"reasoning_effort": "low"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        (
            {"model": OLD, "reasoning_effort": "low"},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        ),
        (
            {"model": OLD, "reasoning_effort": "high"},
            {"thinking": {"type": "enabled", "budget_tokens": 7999}},
        ),
    ],
    ids=str,
)
def test_each_field_is_said_in_anthropics_words(
    asked: dict[str, Any], expected: dict[str, Any]
) -> None:
    model = asked.get("model", NEW)
    request = ask(**{"model": model, **asked})
    usual = {"model": model, "max_tokens": 8000, "messages": body()["messages"]}
    assert orjson.loads(request.body) == {**usual, **expected}
    assert request.left_out == ()


def test_tools_and_their_choice() -> None:
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    tools = [
        {"type": "function", "function": function},
        {"type": "function", "function": {"name": "g"}},
        {"type": "web_search_20250305", "name": "web_search"},
    ]
    found = body(tools=tools, tool_choice="required", parallel_tool_calls=False)
    empty = {"type": "object", "properties": {}}
    assert found["tools"] == [
        {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True},
        {"name": "g", "input_schema": empty},
        {"type": "web_search_20250305", "name": "web_search"},
    ]
    assert found["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    named = {"type": "function", "function": {"name": "f"}}
    assert body(tools=tools, tool_choice=named)["tool_choice"] == {"type": "tool", "name": "f"}
    choice = body(tools=tools, parallel_tool_calls=False)["tool_choice"]
    assert choice == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ({"seed": 1, "logit_bias": {"1": 2}}, ("seed", "logit_bias")),
        ({"logprobs": True, "frequency_penalty": 0.5}, ("logprobs", "frequency_penalty")),
        ({"response_format": {"type": "json_object"}}, ("response_format",)),
        ({"service_tier": "flex"}, ("service_tier",)),
        ({"messages": [{"role": "user", "name": "Bob", "content": "x"}]}, ("messages[].name",)),
        ({"model": OLD, "max_tokens": 99, "reasoning_effort": "low"}, ("reasoning_effort",)),
        ({"temperature": 0.2, "reasoning_effort": "low"}, ("temperature",)),
        (
            {
                "model": OLD,
                "tools": [{"type": "function", "function": {"name": "g"}}],
                "tool_choice": "required",
                "reasoning_effort": "low",
            },
            ("reasoning_effort",),
        ),
    ],
    ids=str,
)
def test_what_cannot_be_said_is_named(asked: dict[str, Any], left_out: tuple[str, ...]) -> None:
    assert ask(**asked).left_out == left_out


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    target = Target("https://x.test", model=KnownModel(4000, frozenset({"tools"})))
    request = ask(target=target, reasoning_effort="high")
    assert "thinking" not in orjson.loads(request.body)
    assert request.left_out == ("reasoning_effort",)


def test_without_a_catalog_the_limit_is_one_that_every_model_takes() -> None:
    request = ask(target=Target("https://x.test"))
    assert orjson.loads(request.body)["max_tokens"] == 4096


def test_signed_thoughts_come_back_where_they_were() -> None:
    thought = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    turn = {"role": "assistant", "content": None, "thinking_blocks": [thought]}
    said = [*HELLO, {**turn, "tool_calls": [call]}]
    answered = [*said, {"role": "tool", "tool_call_id": "c", "content": "x"}]
    found = body(model=OLD, messages=answered, reasoning_effort="low")
    kinds = [block["type"] for block in found["messages"][1]["content"]]
    assert kinds == ["thinking", "tool_use"]
    assert found["thinking"]["type"] == "enabled"
    del said[1]["thinking_blocks"]  # type: ignore[arg-type]
    request = ask(OLD, messages=answered, reasoning_effort="low")
    assert request.left_out == ("reasoning_effort",)


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"n": 2}, NotSupported, "n"),
        ({"modalities": ["text", "audio"]}, NotSupported, "modalities"),
        ({"functions": [{"name": "f"}]}, InvalidRequest, "functions"),
        ({"messages": "Hello"}, InvalidRequest, "messages"),
        ({"messages": [{"role": "nobody"}]}, InvalidRequest, "messages[0].role"),
        ({"messages": [{"role": "tool"}]}, InvalidRequest, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            NotSupported,
            "messages[0].content[0].type",
        ),
        ({"tools": [{"type": "custom"}]}, NotSupported, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, InvalidRequest, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, InvalidRequest, None),
        ({"response_format": {"type": "json_schema"}}, InvalidRequest, None),
    ],
    ids=str,
)
def test_what_is_wrong_or_impossible_is_refused_by_name(
    asked: dict[str, Any], error: type[HubError], field: str | None
) -> None:
    with pytest.raises(error) as refused:
        ask(**asked)
    assert field is None or refused.value.details["field"] == field


def test_no_other_type_is_served() -> None:
    assert {t.value for t in CLAUDE.serves} == {"chat", "image2text"}
    with pytest.raises(NotSupported):
        CLAUDE.embedding_request(TARGET, {}, model="m")
