"""What is said in one dialect and back again is the same."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from providers.protocols.anthropic import Anthropic
from providers.protocols.anthropic.request import messages_body
from providers.protocols.dialects.exchange import DIALECTS, exchange_stream
from providers.protocols.wire import NOT_IN_CATALOG, Dialect, Target
from tests.gateway import anthropic_peer as peer
from tests.properties import untimed

MESSAGES = DIALECTS[Dialect.MESSAGES]
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
values = st.one_of(words, st.integers(-(2**40), 2**40), st.booleans(), st.none())
objects = st.dictionaries(words, values, max_size=3)
texts = words.map(lambda text: {"type": "text", "text": text})
thoughts = words.map(lambda text: {"type": "thinking", "thinking": text, "signature": "c2ln"})
pictures = st.builds(
    lambda data: {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
    },
    st.from_regex(r"[A-Za-z0-9+/]{4,12}", fullmatch=True),
)


@st.composite
def calls(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = draw(st.lists(st.tuples(names, objects), max_size=3))
    return [
        {"type": "tool_use", "id": f"toolu_{place}", "name": name, "input": arguments}
        for place, (name, arguments) in enumerate(made)
    ]


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns that alternate, each call of a tool answered in the turn after it."""
    turns: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        said = draw(st.lists(st.one_of(texts, pictures), min_size=1, max_size=3))
        turns.append({"role": "user", "content": [*results, *said]})
        called = draw(calls())
        answered = draw(st.lists(texts, min_size=0 if called else 1, max_size=2))
        turns.append({"role": "assistant", "content": [*answered, *called]})
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": [draw(texts)]}
            for call in called
        ]
    return turns


@given(conversations(), st.lists(texts, max_size=1), st.integers(1, 9999))
@untimed
def test_a_request_comes_back(
    turns: list[dict[str, Any]], system: list[dict[str, Any]], limit: int
) -> None:
    tools = [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]
    asked = {
        "max_tokens": limit,
        "messages": turns,
        "tools": tools,
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "stop_sequences": ["x"],
        "temperature": 0.5,
        "metadata": {"user_id": "u"},
    } | ({"system": system} if system else {})
    form = MESSAGES.to_chat(json.loads(json.dumps(asked)))
    body, left_out = messages_body(form.payload, model="m", known=NOT_IN_CATALOG)
    assert body == {**asked, "model": "m"}
    assert form.left_out == left_out == ()


@given(st.lists(thoughts, max_size=1), st.lists(texts, max_size=1), calls())
@untimed
def test_a_reply_and_its_stream_come_back(
    thought: list[dict[str, Any]], text: list[dict[str, Any]], called: list[dict[str, Any]]
) -> None:
    """But for the signature, which chat completions have no word for, and empty answers."""
    blocks = [*thought, *text, *called] or [peer.TEXT]
    reason = "tool_use" if called else "end_turn"
    expected = [{**b, "signature": ""} if b["type"] == "thinking" else b for b in blocks]
    claude = Anthropic()
    reply = claude.chat_reply(orjson.dumps(peer.message(*blocks, reason=reason)))
    message = json.loads(MESSAGES.reply(reply.completion, {}))
    assert (message["content"], message["stop_reason"]) == (expected, reason)
    assert message["usage"] == peer.USAGE
    reader = exchange_stream(claude, Dialect.RESPONSES, Target("https://x.test"), {})
    told = reader.feed(b"".join(peer.stream(*blocks, reason=reason))) + reader.finish()
    response = json.loads(told.rstrip().rsplit(b"data: ", 1)[1])["response"]
    assert _said_in_response(response) == _said_in_message(expected)
    assert reader.usage == reply.usage


def _said_in_message(blocks: list[dict[str, Any]]) -> list[Any]:
    return [(b["name"], b["input"]) if b["type"] == "tool_use" else b[b["type"]] for b in blocks]


def _said_in_response(response: dict[str, Any]) -> list[Any]:
    return [
        (item["name"], json.loads(item["arguments"] or "{}"))
        if item["type"] == "function_call"
        else item["content"][0]["text"]
        for item in response["output"]
    ]
