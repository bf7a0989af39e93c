import base64
import io
import json
import logging
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmhub.base.redact import MASK, RedactingFilter, redact
from llmhub.base.secret import Secret
from tests.properties import untimed

KEY = "sk+canary/9f8e7d6c5b4a=x?y"


def _masked(text: str, key: str = KEY) -> str:
    return redact(text, [Secret(key)])


def test_it_masks_the_secret_as_it_is() -> None:
    assert _masked(f"Incorrect key {KEY}, sorry") == "Incorrect key ***, sorry"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz", "zzz"])
def test_it_masks_the_secret_inside_base64_at_every_alignment(before: str, after: str) -> None:
    plain = (before + KEY + after).encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = _masked("seen " + encode(plain).decode())
        padded = shown.replace(MASK, "").removeprefix("seen ")
        assert MASK in shown
        assert len(padded) <= 14


@pytest.mark.parametrize(
    "form",
    [
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower().replace("sk%2b", "sk%2b"),
        quote(quote(KEY, safe=""), safe=""),
        json.dumps('"' + KEY + '"'),
        json.dumps(KEY).replace("/", "\\/"),
    ],
)
def test_it_masks_the_secret_in_what_was_url_or_json_encoded(form: str) -> None:
    assert "canary" not in _masked(f"GET /?k={form} failed")


@pytest.mark.parametrize("is_ascii", [True, False])
def test_it_masks_the_secret_in_json_that_had_to_escape_it(is_ascii: bool) -> None:
    key = 'can"ary\\clé-9f8e'
    assert _masked(json.dumps({"sent": key}, ensure_ascii=is_ascii), key) == '{"sent": "***"}'


@untimed
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=4).filter(
        lambda value: len(value.strip()) == len(value) and "*" not in value and "…" not in value
    ),
    st.text(max_size=50),
    st.text(max_size=50),
)
def test_no_secret_survives_whatever_surrounds_it(key: str, before: str, after: str) -> None:
    forms = [key, quote(key, safe=""), json.dumps(key)[1:-1]]
    for form in forms:
        shown = redact(f"{before} {form} {after}", [Secret(key)], max_length=10_000)
        expected = redact(f"{before} \x00 {after}", [], max_length=10_000)
        assert shown.count(key) <= expected.count(key)


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-abcde***************wxyz.",
        "key sk-proj-AbCd1234567890_efgh",
        "Authorization: Bearer abcdef1234567890",
        '{"api_key": "0123456789abcdef"}',
        "gsk_1234567890abcdefghij is unknown",
        "AIzaSyA1234567890abcdefghijk",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def_ghi",
        "-----BEGIN PRIVATE KEY----- MIIEvQIBADANBg",
    ],
)
def test_what_looks_like_a_key_is_masked_unasked(text: str) -> None:
    shown = redact(text, [])
    assert MASK in shown
    for tail in ("wxyz", "1234", "cdef", "EXAMPLE", "MIIE"):
        assert tail not in shown


@pytest.mark.parametrize(
    "text",
    [
        "The model `gpt-4-turbo-2024-04-09` does not exist",
        "Rate limit reached for tokens per min: Limit 30000, Used 29000",
        "This model's maximum context length is 8192 tokens.",
        "sk-learn-contrib is a package",
        "Use jina-embeddings-v3, paraformer-realtime-v2, skywork-13b-base or hubert-large-ls960",
        "Bearer authentication is required",
        "Unexpected token: something",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text, [Secret("other-key-123")]) == text


def test_control_characters_do_not_reach_a_log_or_a_terminal() -> None:
    assert redact("a\r\nb\x1b[31mc\x00d\u202ee", []) == "a b [31mc d e"


def test_a_long_text_is_cut_after_masking() -> None:
    shown = redact("x" * 990 + KEY, [Secret(KEY)])
    assert len(shown) <= 1000
    assert "canary" not in shown
    assert len(redact("y" * 5000, [])) == 1000


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    key = "first-line-of-the-key-1\nsecond-line-of-the-key-2"
    assert redact(f"echo: {key}", [Secret(key)]) == f"echo: {MASK} {MASK}"


def test_a_log_record_is_masked_with_its_arguments_and_traceback() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter([Secret(KEY)]))
    logger = logging.Logger("test_redact")
    logger.addHandler(handler)
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError:
        logger.exception("with %s", KEY)
    assert "canary" not in stream.getvalue()
    assert stream.getvalue().startswith("with ***\nTraceback")
