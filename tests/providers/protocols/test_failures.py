import pytest

from llmhub.base.secret import Secret
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_a_remedy(kind: FailureKind) -> None:
    assert ProviderFailure(kind, "").remedy.endswith(".")


def test_only_what_can_pass_by_itself_is_retryable() -> None:
    retryable = {kind for kind in FailureKind if ProviderFailure(kind, "").is_retryable}
    assert retryable == {"rate_limited", "overloaded", "unreachable", "timeout"}


def test_a_key_or_an_input_says_nothing_about_the_servers_health() -> None:
    blamed = {kind for kind in FailureKind if ProviderFailure(kind, "").is_targets_fault}
    assert blamed == {"overloaded", "unreachable", "timeout", "bad_reply"}
    callers = {kind for kind in FailureKind if ProviderFailure(kind, "").is_callers_fault}
    assert callers == {"bad_request", "content_refused"}


def test_a_masked_failure_keeps_all_but_the_secret() -> None:
    failure = ProviderFailure(FailureKind.INVALID_KEY, "key canary-1234 is wrong", 401, 2.0)
    masked = failure.masked([Secret("canary-1234")])
    assert masked == ProviderFailure(FailureKind.INVALID_KEY, "key *** is wrong", 401, 2.0)
    assert str(ProviderError(masked)) == "key *** is wrong"
