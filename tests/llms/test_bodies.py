"""Whatever a body holds, the answer is a clear 4xx in the envelope."""

import pytest

from tests.isolation.routes import tenant_routes
from tests.management import KEY, connections, model_body, models

DEEP = b'{"llm_factory": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
BROKEN = {
    "no JSON": (b"llm_factory=OpenAI", 400, "invalid_json"),
    "half": (b'{"llm_factory": "Open', 400, "invalid_json"),
    "a list": (b'["OpenAI"]', 400, "invalid_request"),
    "a word": (b'"OpenAI"', 400, "invalid_request"),
    "null": (b"null", 400, "invalid_request"),
    "10 MB": (b'{"llm_factory": "' + b"x" * 10_000_000 + b'"}', 413, "body_too_large"),
    "deep": (DEEP, 400, "invalid_json"),
    "NaN": (b'{"max_tokens": NaN}', 400, "invalid_json"),
    "a number of 5,000 digits": (b'{"max_tokens": ' + b"9" * 5000 + b"}", 400, ""),
    "a lone surrogate": (b'{"llm_factory": "\\ud800"}', 400, ""),
    "no UTF-8": (b'{"llm_factory": "\xff"}', 400, "invalid_json"),
    "a NUL": (b'{"llm_factory": "Open\\u0000AI"}', 400, ""),
}
WRITES = [r for r in tenant_routes() if r.is_write and r.verb != "DELETE" and "<" not in r.path]
# What each refuses to do without, in the order in which it says so.
REQUIRED = {
    "POST set_api_key": ["llm_factory", "api_key"],
    "POST delete_factory": ["llm_factory"],
    "POST add_llm": ["llm_factory", "llm_name", "model_type"],
    "POST delete_llm": ["llm_factory", "llm_name"],
    "POST enable_llm": ["llm_factory", "llm_name", "status"],
    "PUT defaults": [],
    "POST connections": ["llm_factory"],
    "POST routes": ["name", "model_type", "targets"],
    "POST tokens": ["name"],
    "POST set_price": ["llm_factory", "llm_name"],
    "POST limits": [],
    "POST budgets": ["name", "amount", "unit", "period"],
    "PUT alerts": [],
    "POST alerts/secret": [],
    "PATCH settings": [],
}
# An empty one is no choice, and the answer says which there are.
CHOICES = ("model_type", "status", "targets", "amount", "unit", "period")
# These do without every field, and so without the one that holds the NUL.
FIELDLESS = ("PUT alerts", "POST alerts/secret")
GOOD = {
    "llm_factory": "OpenAI",
    "llm_name": "gpt-4",
    "model_type": "chat",
    "name": "app",
    "amount": "1",
    "unit": "usd",
    "period": "month",
    "status": "1",
    "api_key": KEY,
    "targets": [{"model": "gpt-4"}],
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_body_is_refused_by_every_write(alice, kind):
    body, status, code = BROKEN[kind]
    for route in WRITES:
        if kind == "a NUL" and str(route) in FIELDLESS:
            continue
        answer = alice.api.send(route.verb, route.path, body).require_failure(status)
        assert answer.code == code or not code, str(route)
    assert connections(alice.api) == []


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_content_type_is_refused(alice, content_type):
    for route in WRITES:
        answer = alice.api.send(route.verb, route.path, b"a=b", content_type=content_type)
        assert answer.require_failure(415).code == "unsupported_media_type", str(route)


def test_every_write_has_its_required_fields_here():
    assert {str(route) for route in WRITES} == set(REQUIRED)


@pytest.mark.parametrize("name", REQUIRED)
def test_the_first_missing_parameter_is_named(alice, name):
    verb, path = name.split(" ")
    required = REQUIRED[name]
    for known, missing in enumerate(required):
        blanks = [{}, {missing: None}] + [{missing: ""}] * (missing not in CHOICES)
        for blank in blanks:
            body = {field: GOOD[field] for field in required[:known]} | blank
            answer = alice.api.send(verb, path, body).require_failure(400)
            assert answer.message == f"Missing required parameter: {missing}", blank
            assert answer.code == "missing_parameter"
            assert answer.error["details"] == {"field": missing}


@pytest.mark.parametrize("name", ["POST set_api_key", "POST add_llm", "POST connections"])
def test_an_unknown_factory_is_not_found(alice, name):
    verb, path = name.split(" ")
    body = {field: GOOD[field] for field in GOOD if field != "name"} | {"llm_factory": "Nobody"}
    answer = alice.api.send(verb, path, body).require_failure(404)
    assert answer.message == "Unknown factory 'Nobody'. GET /llm/factories lists them."


@pytest.mark.parametrize("model_type", ["talk", "CHAT", 7, ["chat"], {"a": 1}])
def test_a_wrong_type_says_what_there_is(alice, model_type):
    body = {field: GOOD[field] for field in REQUIRED["POST add_llm"]}
    for path in ("add_llm", "delete_llm"):
        answer = alice.api.post(path, body | {"model_type": model_type}).require_failure(400)
        assert answer.error["details"] == {"field": "model_type"}


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "a\u2028b", "a\x1bb"])
def test_control_characters_are_refused_in_keys_names_and_models(chat, provider, bad):
    """Promise 31."""
    body = model_body(provider)
    for field in ("llm_factory", "llm_name", "api_key", "connection", "api_base"):
        chat.api.post("add_llm", body | {field: bad}).require_failure(400)
    for field in ("llm_factory", "api_key", "connection", "api_base"):
        chat.api.post("set_api_key", body | {field: bad}).require_failure(400)
    selection = {"llm_factory": body["llm_factory"], "llm_name": "test-chat", "status": "0"}
    for field in ("llm_factory", "llm_name", "connection"):
        chat.api.post("enable_llm", selection | {field: bad}).require_failure(400)
        chat.api.post("delete_llm", selection | {field: bad}).require_failure(400)
    chat.api.put("defaults", {"chat": bad}).require_failure(400)
    for field in ("name", "model_type"):
        chat.api.post("routes", GOOD | {field: bad}).require_failure(400)
    chat.api.post("routes", GOOD | {"targets": [{"model": bad}]}).require_failure(400)
    address = f"connections/{connections(chat.api)[0]['id']}"
    for change in ({"name": bad}, {"api_key": bad}, {"api_base": bad}):
        chat.api.patch(address, change).require_failure(400)
    assert [m["llm_name"] for m in models(chat.api)] == ["test-chat"]
    assert len(provider.seen) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"since": "soon"},
        {"until": "0001-01-05"},
        {"since": "9999-12-31"},
        {"since": "2020-01-01", "until": "2026-01-01"},
        {"model_type": "talk"},
        {"llm_name": "a\0b"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(alice, query):
    alice.api.get("usage", **query).require_failure(400)


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 40])
def test_a_page_that_is_not_there_is_not_found(alice, page):
    for path in ("connections", "tokens", "routes"):
        alice.api.get(path, page=page).require_failure(404)
