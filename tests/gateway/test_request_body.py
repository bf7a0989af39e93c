"""Hostile bodies get a 4xx: promises 17 and 29."""

import gzip
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.request_body import MAX_BODY_BYTES, MAX_CONTAINERS, payload_parse
from tests.committed_people import Person
from tests.gateway.raw_http import CHAT, chat, request
from tests.gateway.server import RunningGateway
from tests.provider_server import ProviderServer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"NaN",
        b'{"temperature": NaN}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b"\xff\xfe{}",
        b'{"messages": "\\ud800"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        payload_parse(body)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"model": "a", "model": "b"}', "model"),
        (b'{"a": [{"b": 1, "b" :2}]}', "b"),
        (b'{"a": {"b\\\\": 1, "c": 2, "c": 3}}', "c"),
        (b'{"a\\"": 1, "x": ":", "a\\"": 2}', 'a"'),
        (b'{"a\\u0062": 1, "ab": 2}', "ab"),
    ],
)
def test_a_key_twice_is_refused(body: bytes, name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        payload_parse(body)
    assert (caught.value.code, caught.value.param) == ("duplicate_key", name)


@given(
    st.recursive(
        st.none() | st.integers(-9, 9) | st.text('":\\ {},a', max_size=6),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text('":\\ {},a', max_size=4), inner, max_size=4)
        ),
    )
)
def test_whatever_has_no_key_twice_is_taken(value: object) -> None:
    for separators in ((",", ":"), (" , ", "  :\t")):
        body = json.dumps({"value": value}, separators=separators).encode()
        assert payload_parse(body) == {"value": value}


def test_a_million_empty_lists_are_refused() -> None:
    with pytest.raises(BadRequest, match=str(MAX_CONTAINERS)):
        payload_parse(b'{"messages": [' + b"[]," * 1_000_000 + b"[]]}")


@pytest.mark.parametrize("field", ["api_base", "base_url", "api_key"])
def test_a_caller_does_not_choose_the_address(field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        payload_parse(b'{"%s": "http://169.254.169.254"}' % field.encode())
    assert caught.value.param == field


def big_chunks() -> Iterator[bytes]:
    for _ in range(MAX_BODY_BYTES // 2**20 + 2):
        yield b" " * 2**20


def test_a_body_that_is_too_large_is_refused(gateway: RunningGateway, alice: Person) -> None:
    whole = request(gateway, "POST", CHAT, token=alice.token, raw=b" " * (MAX_BODY_BYTES + 1))
    chunked = request(gateway, "POST", CHAT, token=alice.token, raw=big_chunks())
    for answer in (whole, chunked):
        assert (answer.status, answer.code) == (413, "body_too_large")


def test_a_compressed_body_is_refused(gateway: RunningGateway, alice: Person) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    answer = request(
        gateway, "POST", CHAT, token=alice.token, raw=bomb, headers={"content-encoding": "gzip"}
    )
    assert (answer.status, answer.code) == (415, "unsupported_encoding")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "test-chat"}, "messages"),
        ({"model": "test-chat", "messages": []}, "messages"),
        ({"model": "test-chat", "messages": ["x"], "stream": "yes"}, "stream"),
        ({"model": 5, "messages": ["x"]}, "model"),
    ],
)
def test_a_wrong_parameter_is_named(
    gateway: RunningGateway, alice: Person, body: object, param: str
) -> None:
    answer = request(gateway, "POST", CHAT, token=alice.token, body=body)
    assert answer.status == 400
    assert answer.json["error"]["param"] == param


def test_unknown_fields_reach_the_provider(
    gateway: RunningGateway, alice: Person, provider: ProviderServer
) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    assert chat(gateway, alice.token, tools=tools, reasoning={"effort": "low"}).status == 200
    assert provider.seen[-1].json["tools"] == tools
    assert provider.seen[-1].json["reasoning"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", CHAT, 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/models/test-chat", 405),
        ("GET", "/v1", 404),
        ("GET", "/v1/", 404),
        ("POST", "/v1/chat/completions/", 404),
        ("POST", "/v1/../llm/list", 404),
        ("OPTIONS", CHAT, 204),
        ("HEAD", "/v1/models", 200),
        ("GET", "/v1/models/test-chat", 200),
        ("GET", "/v1/models/Scripted/test-chat", 200),
        ("GET", "/v1/models/test-chat@default@Scripted", 200),
        ("GET", "/v1/models/none", 404),
    ],
)
def test_paths_and_methods(
    gateway: RunningGateway, alice: Person, method: str, path: str, status: int
) -> None:
    answer = request(gateway, method, path, token=alice.token)
    assert answer.status == status
    assert answer.headers["x-request-id"]
    if status >= 400:
        assert answer.code
