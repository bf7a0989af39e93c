"""Counting where a provider does not."""

import pytest

from providers.token_counts import TOKENS_PER_IMAGE, count_prompt, count_tokens

DOCUMENT = {"type": "text", "media_type": "text/plain", "data": "Hello"}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("Hello", 1), ("Hello world, how are you?", 7), ("数据库", 1), ("\ud800", 1)],
)
def test_texts(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_a_long_text_is_counted_in_pieces() -> None:
    sentence = "The quick brown fox jumps over the lazy dog. "
    some, many = count_tokens(sentence * 10), count_tokens(sentence * 2000)
    assert many == pytest.approx(some * 200, rel=0.01)


@pytest.mark.parametrize(
    ("payload", "tokens"),
    [
        ({}, 0),
        ({"messages": [{"role": "user", "content": "Hello"}]}, 5),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}, 5),
        (
            {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
            4 + TOKENS_PER_IMAGE,
        ),
        ({"messages": [{"content": None, "tool_calls": [{"function": {"name": "f"}}]}]}, 13),
        ({"messages": "nonsense", "input": None}, 0),
        ({"messages": [1, None, {"content": 5}]}, 13),
        ({"system": "Hello", "messages": []}, 1),
        ({"system": [{"type": "text", "text": "Hello"}]}, 1),
        ({"messages": [{"content": [{"type": "tool_result", "content": "Hello"}]}]}, 5),
        ({"messages": [{"content": [{"type": "tool_use", "name": "f", "input": {}}]}]}, 5),
        ({"messages": [{"content": [{"type": "image", "source": {}}]}]}, 4 + TOKENS_PER_IMAGE),
        (
            {"messages": [{"content": [{"type": "document", "source": DOCUMENT}]}]},
            5,
        ),
        ({"instructions": "Hello", "input": [{"role": "user", "content": "Hello"}]}, 6),
        ({"input": [{"type": "function_call_output", "output": "Hello"}]}, 1),
        ({"input": [{"type": "input_image", "image_url": "data:x"}]}, TOKENS_PER_IMAGE),
        ({"prompt": ["Hello", "Hello"]}, 2),
        ({"input": "Hello"}, 1),
        ({"input": ["Hello", "Hello"]}, 2),
        ({"input": [[1, 2, 3], [4]]}, 4),
    ],
    ids=str,
)
def test_prompts(payload: dict[str, object], tokens: int) -> None:
    assert count_prompt(payload) == tokens


@pytest.mark.parametrize("name", ["content", "text", "tool_calls", "input", "output"])
def test_what_is_nested_too_deeply_for_words_is_no_prompt(name: str) -> None:
    deep: object = "Hello"
    for _ in range(1000):
        deep = {name: [deep]}
    for payload in ({"messages": [deep]}, {"input": deep}, {"tools": deep}, {"system": [[deep]]}):
        assert count_prompt(payload) <= 4
