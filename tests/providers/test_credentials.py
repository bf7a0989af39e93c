import json
from typing import Any

import pytest

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.credentials import CredentialField, credentials_parse

KEY = CredentialField(
    "api_key", "API key", pattern=r"sk-[\w-]{8,}", help="Make one at x.test.", placeholder="sk-..."
)
VERSION = CredentialField("api_version", "API version", is_secret=False, is_required=False)
REGION = CredentialField("region", "Region", is_secret=False)
OPENAI = (KEY,)
AZURE = (KEY, VERSION, REGION)
GOOD = "sk-canary-1234"


def _message(fields: Any, given: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        credentials_parse(fields, given)
    assert "canary" not in caught.value.message
    return caught.value


def test_a_plain_string_is_the_secret_field() -> None:
    assert credentials_parse(OPENAI, f"  {GOOD}\n") == {"api_key": Secret(GOOD)}


@pytest.mark.parametrize("encode", [dict, json.dumps])
def test_an_object_and_its_json_text_are_the_same(encode: Any) -> None:
    given = {"api_key": GOOD, "region": " eu ", "api_version": ""}
    read = credentials_parse(AZURE, encode(given))
    assert read == {"api_key": Secret(GOOD), "region": "eu"}


def test_a_key_file_is_taken_with_its_line_breaks() -> None:
    account = {"type": "service_account", "private_key": "x\\ny"}
    fields = (CredentialField("service_account", "Service account"),)
    pasted = json.dumps(account, indent=2)
    assert credentials_parse(fields, pasted) == {"service_account": Secret(json.dumps(account))}


def test_a_json_text_of_other_names_is_itself_the_secret() -> None:
    service_account = json.dumps({"type": "service_account", "private_key": "x\\ny"})
    fields = (CredentialField("service_account", "Service account"),)
    assert credentials_parse(fields, service_account) == {
        "service_account": Secret(service_account)
    }
    nested = {"service_account": {"type": "service_account"}}
    assert credentials_parse(fields, nested)["service_account"]


@pytest.mark.parametrize("given", ["", None, {}, {"api_key": "  "}, "{}"])
def test_a_missing_required_field_is_named_with_what_to_do(given: Any) -> None:
    error = _message((KEY,), given)
    assert error.details["field"] == "api_key.api_key"


def test_a_factory_without_fields_takes_nothing() -> None:
    assert credentials_parse((), "") == {}
    assert credentials_parse((), None) == {}
    assert "takes no credentials" in _message((), "something").message
    optional = (CredentialField("api_key", "API key", is_required=False),)
    assert credentials_parse(optional, "") == {}


def test_an_unknown_field_is_refused_by_name() -> None:
    error = _message(AZURE, {"api_key": GOOD, "regoin": "eu"})
    assert error.details["field"] == "api_key.regoin"
    assert "api_key, api_version, region" in error.message


def test_a_secret_pasted_as_a_name_is_not_shown() -> None:
    _message(OPENAI, {"sk-canary-as-a-name": "x"})


def test_a_wrong_format_is_explained_without_the_value() -> None:
    error = _message(OPENAI, "pk-canary-1234")
    assert "such as sk-..." in error.message
    assert "Make one at x.test." in error.message


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "…", "\u2028", "键"])
def test_what_cannot_be_in_a_header_is_refused(bad: str) -> None:
    fields = (CredentialField("api_key", "API key"),)
    assert _message(fields, f"sk-canary{bad}1234").details["field"] == "api_key.api_key"


@pytest.mark.parametrize("value", [5, True, ["sk-canary"], 1.5])
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    _message(OPENAI, {"api_key": value})
    _message(OPENAI, value)


def test_an_endless_key_is_refused() -> None:
    _message((CredentialField("api_key", "API key"),), "x" * 100_000)


def test_json_of_many_levels_is_only_a_wrong_key() -> None:
    _message(OPENAI, '{"a":' * 5000 + "1" + "}" * 5000)


def test_a_field_survives_its_storage() -> None:
    assert CredentialField.from_json(json.loads(json.dumps(KEY.to_json()))) == KEY


@pytest.mark.parametrize("stored", [{}, {"name": "x", "label": "y", "colour": 1}])
def test_a_stored_field_that_cannot_be_used_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a credential field"):
        CredentialField.from_json(stored)
    with pytest.raises(ValueError, match="not a credential field"):
        CredentialField.from_json({"name": "x", "label": "y", "pattern": "("})
