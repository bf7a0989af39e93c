import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmhub.base.errors import AddressForbidden, HubError, InvalidRequest
from providers.base_urls import BaseURL, base_url_normalise
from tests.properties import untimed


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("  HTTPS://API.OpenAI.com/v1\n", "https://api.openai.com/v1"),
        ("api.openai.com/v1", "https://api.openai.com/v1"),
        ("//api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1//v1/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/embeddings", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/v1/rerank", "https://api.openai.com/v1"),
        ("https://api.openai.com:443/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com./v1", "https://api.openai.com/v1"),
        ("localhost:11434/v1", "http://localhost:11434/v1"),
        ("192.168.1.5:8000/v1", "http://192.168.1.5:8000/v1"),
        ("vllm:8000/v1", "http://vllm:8000/v1"),
        ("[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("http://[0:0:0:0:0:0:0:1]:80/v1", "http://[::1]/v1"),
        ("https://x.test/openai/deployments/d", "https://x.test/openai/deployments/d"),
        ("https://bücher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://a_b.test/v1beta", "https://a_b.test/v1beta"),
        ("https://x.test/café%20/v1", "https://x.test/caf%C3%A9%20/v1"),
    ],
)
def test_it_understands_what_people_paste(pasted: str, url: str) -> None:
    assert base_url_normalise(pasted).url == url


def test_it_says_what_it_changed() -> None:
    assert base_url_normalise("https://x.test/v1").notes == ()
    assert base_url_normalise("x.test/v1/v1/chat/completions") == BaseURL(
        "https://x.test/v1",
        (
            "Added the missing https://.",
            "Took off /chat/completions: the hub adds the endpoint itself.",
            "Removed the second /v1.",
        ),
    )


def test_an_empty_path_gets_what_the_api_usually_has() -> None:
    options = {"version_path": "/v1", "default_url": "https://api.known.test"}
    assert base_url_normalise("localhost:8000", **options).url == "http://localhost:8000/v1"
    assert base_url_normalise("localhost:8000", **options).notes[-1].startswith("Added /v1")
    assert base_url_normalise("https://api.known.test", **options).url == "https://api.known.test"
    pasted = "https://api.other.test/chat/completions"
    assert base_url_normalise(pasted, **options).url == "https://api.other.test"


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        "https://",
        "https:///v1",
        "https://user@x.test/v1",
        "https://user:password@x.test/v1",
        "https://x.test@y.test/v1",
        "https://x.test/v1?key=secret",
        "https://x.test/v1#fragment",
        "https://x.test/v1\r\nX-Injected: 1",
        "https://x.te\0st/v1",
        "https://x.test/a b",
        "https://x.test\\@y.test/v1",
        "https://x.test/../v1",
        "https://x.test/%2e%2e/v1",
        "https://x.test:0/v1",
        "https://x.test:99999/v1",
        "https://x.test:port/v1",
        "https://x..test/v1",
        "https://-x.test/v1",
        "https://x%2etest/v1",
        "https://[fe80::1%25eth0]/v1",
        "https://[::1/v1",
        "https://[vf.x]/v1",
        "https://" + "x" * 64 + ".test/v1",
        "https://x.test/" + "x" * 3000,
    ],
)
def test_what_is_no_base_url_is_refused_by_name(pasted: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        base_url_normalise(pasted)
    assert caught.value.details == {"field": "api_base"}
    assert caught.value.message.startswith("api_base ")
    assert "secret" not in caught.value.message
    assert "password" not in caught.value.message.replace("user name or password", "")


@pytest.mark.parametrize(
    "pasted",
    [
        "ftp://x.test/v1",
        "file:///etc/passwd",
        "gopher://x.test",
        "javascript:alert(1)",
        "http://2130706433/v1",
        "http://0x7f000001/v1",
        "http://0x7f.1/v1",
        "http://0177.0.0.1/v1",
        "http://127.1/v1",
        "http://127.0.0.01/v1",
        "http://127.0.0.1.2/v1",
        "http://256.0.0.1/v1",
        "2130706433:80",
        "http://１２７.1/v1",
    ],
)
def test_other_schemes_and_disguised_addresses_are_forbidden(pasted: str) -> None:
    with pytest.raises(AddressForbidden) as caught:
        base_url_normalise(pasted)
    assert caught.value.details == {"field": "api_base"}


@pytest.mark.parametrize("host", ["１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "127．0．0．1"])
def test_unicode_digits_and_dots_become_what_they_stand_for(host: str) -> None:
    assert base_url_normalise(f"http://{host}/v1").url == "http://127.0.0.1/v1"


urls = st.from_regex(r"(https?://)?[a-z0-9.:\[\]@%/-]{1,40}", fullmatch=True)


@untimed
@given(st.text(max_size=60) | urls)
def test_any_text_is_either_refused_or_normal_for_good(pasted: str) -> None:
    try:
        url = base_url_normalise(pasted).url
    except HubError:
        return
    assert url.startswith(("http://", "https://"))
    assert url.isascii()
    assert base_url_normalise(url) == BaseURL(url)
