from llmhub.base.secret import Secret
from providers.protocols.wire import ProviderRequest, Target


def test_a_target_knows_what_must_not_be_shown() -> None:
    target = Target("https://x.test", {"api_key": Secret("a-key"), "region": "eu"})
    assert target.secrets == (Secret("a-key"),)
    assert "a-key" not in repr(target)


def test_the_hubs_headers_join_a_request_and_replace_none_of_it() -> None:
    request = ProviderRequest("POST", "https://x.test", {"authorization": Secret("a-key")}, b"x")
    joined = request.with_headers({"x-request-id": "7", "authorization": "other"})
    assert joined.headers == {"x-request-id": "7", "authorization": Secret("a-key")}
    assert (joined.method, joined.url, joined.body) == ("POST", "https://x.test", b"x")
    assert "x-request-id" not in request.headers
