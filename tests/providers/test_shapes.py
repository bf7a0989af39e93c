import pytest
from django.core.exceptions import ValidationError

from providers.shapes import validate_credential_fields, validate_endpoints, validate_logo

FIELD = {
    "name": "api_key",
    "label": "API key",
    "is_secret": True,
    "is_required": True,
    "pattern": "sk-.+",
    "placeholder": "",
    "help": "",
}


@pytest.mark.parametrize("base_url", ["", "https://a.example/v1", "http://127.0.0.1:8080"])
def test_it_takes_an_endpoint(base_url):
    validate_endpoints({"chat": {"protocol": "azure-openai", "base_url": base_url}})


@pytest.mark.parametrize(
    "base_url",
    [
        "a.example/v1",
        "ftp://a.example",
        "https://",
        "https://[::1",
        "https://a.example:0",
        "https://user:key@a.example",
        "https://a.example?key=1",
        "https://a.example#x",
        None,
    ],
)
def test_it_refuses_a_base_url(base_url):
    with pytest.raises(ValidationError, match="chat: a base URL is empty"):
        validate_endpoints({"chat": {"protocol": "openai", "base_url": base_url}})


@pytest.mark.parametrize("protocol", ["", "Open AI", "openai\n", None])
def test_it_refuses_a_protocol_name(protocol):
    with pytest.raises(ValidationError, match="a protocol's name is lower case"):
        validate_endpoints({"chat": {"protocol": protocol, "base_url": ""}})


@pytest.mark.parametrize("dialects", [[], ["responses"], ["messages", "responses"]])
def test_an_endpoint_may_speak_more_dialects(dialects):
    validate_endpoints({"chat": {"protocol": "openai", "base_url": "", "dialects": dialects}})


@pytest.mark.parametrize("dialects", [None, "responses", ["klingon"], [5], {"responses": 1}])
def test_it_refuses_other_dialects(dialects):
    with pytest.raises(ValidationError, match="dialects is a list of some of: chat"):
        validate_endpoints({"chat": {"protocol": "openai", "base_url": "", "dialects": dialects}})


@pytest.mark.parametrize("endpoints", [[], None, {"talk": {}}, {"chat": "openai"}])
def test_it_refuses_other_endpoints(endpoints):
    with pytest.raises(ValidationError):
        validate_endpoints(endpoints)


def test_it_takes_credential_fields():
    validate_credential_fields([FIELD, FIELD | {"name": "region", "is_secret": False}])


@pytest.mark.parametrize(
    "fields",
    [
        None,
        "api_key",
        [FIELD, FIELD],
        [FIELD | {"extra": 1}],
        [FIELD | {"name": "API key"}],
        [FIELD | {"label": None}],
        [FIELD | {"is_secret": "yes"}],
        [FIELD | {"pattern": "["}],
    ],
)
def test_it_refuses_credential_fields(fields):
    with pytest.raises(ValidationError):
        validate_credential_fields(fields)


@pytest.mark.parametrize("logo", ["logos/azure-openai.svg", "AC", "vL"])
def test_it_takes_a_logo(logo):
    validate_logo(logo)


@pytest.mark.parametrize("logo", ["logos/../x.svg", "https://a.example/x.svg", "ACME", "<b>"])
def test_it_refuses_a_logo(logo):
    with pytest.raises(ValidationError):
        validate_logo(logo)
