"""Why a provider did not give what was asked: one class for each thing to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from llmhub.base.redact import redact
from llmhub.base.secret import Secret


class FailureKind(StrEnum):
    INVALID_KEY = "invalid_key"
    OUT_OF_QUOTA = "out_of_quota"
    RATE_LIMITED = "rate_limited"
    NO_SUCH_MODEL = "no_such_model"
    BAD_REQUEST = "bad_request"
    OVERLOADED = "overloaded"
    CONTENT_REFUSED = "content_refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BAD_REPLY = "bad_reply"


_RETRYABLE = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.UNREACHABLE,
        FailureKind.TIMEOUT,
    }
)
_CALLERS_FAULT = frozenset({FailureKind.BAD_REQUEST, FailureKind.CONTENT_REFUSED})
_TARGETS_FAULT = frozenset(
    {
        FailureKind.OVERLOADED,
        FailureKind.UNREACHABLE,
        FailureKind.TIMEOUT,
        FailureKind.BAD_REPLY,
    }
)

_REMEDIES = {
    FailureKind.INVALID_KEY: "Check that the key is complete and active, and for this provider.",
    FailureKind.OUT_OF_QUOTA: "Add credit or raise the spending limit in the provider's console.",
    FailureKind.RATE_LIMITED: "Try again in a while, or ask the provider for a higher limit.",
    FailureKind.NO_SUCH_MODEL: "Check the model's name and that this key may use the model.",
    FailureKind.BAD_REQUEST: "Change the request as the provider's message says.",
    FailureKind.OVERLOADED: "The provider has a problem of its own: try again in a while.",
    FailureKind.CONTENT_REFUSED: "The provider's content rules forbid this input: rephrase it.",
    FailureKind.UNREACHABLE: "Check the base URL and that the provider's server is running.",
    FailureKind.TIMEOUT: "The provider is slow or still loading the model: try again in a while.",
    FailureKind.BAD_REPLY: "Check the base URL: what answers there does not speak this API.",
}


@dataclass(frozen=True, slots=True)
class ProviderFailure:
    """One failed call.

    `message` is the provider's own words or the transport's, shortened and with whatever looks
    like a key masked; call `masked` with the credentials in use before anyone sees it.
    `unmasked` keeps the words as they came until then: where only the beginning of a key looks
    like one, masking that first would leave a rest which nothing recognises any more.
    `http_status` is None where no reply came. `retry_after_s` is the provider's own wish.
    """

    kind: FailureKind
    message: str
    http_status: int | None = None
    retry_after_s: float | None = None
    unmasked: str = field(default="", repr=False, compare=False)

    @property
    def remedy(self) -> str:
        """What a person can do about it, in one sentence."""
        return _REMEDIES[self.kind]

    @property
    def is_retryable(self) -> bool:
        """The same call may succeed later, or at once elsewhere."""
        return self.kind in _RETRYABLE

    @property
    def is_callers_fault(self) -> bool:
        """Another provider would most likely refuse the same input."""
        return self.kind in _CALLERS_FAULT

    @property
    def is_targets_fault(self) -> bool:
        """It says something about the server's health, whatever the key or the input."""
        return self.kind in _TARGETS_FAULT

    def masked(self, secrets: Iterable[Secret]) -> "ProviderFailure":
        message = redact(self.unmasked or self.message, secrets)
        return replace(self, message=message, unmasked="")


class ProviderError(Exception):
    """A call to a provider failed; `failure` says why. Its text is the failure's message."""

    def __init__(self, failure: ProviderFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def bad_reply(message: str, http_status: int | None = 200) -> ProviderError:
    """The error of a reply that came and is not the documented shape."""
    failure = ProviderFailure(
        FailureKind.BAD_REPLY, redact(message, ()), http_status, unmasked=message
    )
    return ProviderError(failure)
