"""The bound of a prompt holds, and a picture's bytes are no text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.token_bounds import TOKENS_PER_PICTURE, prompt_bound, prompt_count
from providers.token_counts import count_prompt
from tests.properties import untimed


def said(text: str) -> dict:
    return {"messages": [{"role": "user", "content": text}]}


@untimed
@given(st.text(max_size=300))
def test_it_is_never_below_what_a_tokenizer_counts(text):
    assert prompt_bound(said(text)) >= count_prompt(said(text))


@pytest.mark.parametrize(
    "text", ["a" * 20_000, "日本語" * 5_000, "\ud800" * 100, "hello world " * 3_000, ""]
)
def test_a_count_is_never_below_either(text):
    assert prompt_count(said(text)) >= count_prompt(said(text))


def test_a_picture_is_not_its_bytes():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10**6}}
    payload = {"messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}]}
    assert TOKENS_PER_PICTURE < prompt_bound(payload) < TOKENS_PER_PICTURE + 200


def test_numbers_of_tokens_count_one_each():
    assert 1_000 <= prompt_bound({"input": list(range(1_000))}) < 1_100
