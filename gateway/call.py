"""One call through the gateway, and the attempts that were made for it."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from gateway.endpoints import Endpoint
from gateway.ids import uuid7
from gateway.request_body import Payload
from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.wire import StreamReader, Target, Usage
from tenants.snapshots import ModelView, TokenView
from tenants.usage.events import UsageFacts

CALLER_GONE = "caller_gone"
"""The error kind of an attempt whose caller went away; it is billed, and nobody's failure."""
_NOTHING = Usage(0, 0)


@dataclass(slots=True)
class Attempt:
    """A model that was tried. Moments are of the monotonic clock, in seconds.

    `http_status` is the provider's, 0 where no reply came. `text` is what was generated as far as
    it is known, and `left_out` names the fields of the request that the provider has no word for.
    `usage` is settled once the attempt is over (gateway/bill.py).
    """

    model: ModelView
    target: Target
    id: UUID = field(default_factory=uuid7)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    first_byte: float | None = None
    ended: float | None = None
    http_status: int = 0
    failure: ProviderFailure | None = None
    error_kind: str = ""
    reader: StreamReader | None = None
    text: str = ""
    left_out: tuple[str, ...] = ()
    reported: Usage | None = None
    usage: Usage = _NOTHING
    is_estimated: bool = False

    def failed(self, failure: ProviderFailure) -> None:
        """The provider's words are kept without the secrets that went to it."""
        self.failure = failure.masked(self.target.secrets)
        self.error_kind = failure.kind
        self.ended = time.monotonic()


@dataclass(slots=True)
class Call:
    """A call that was admitted."""

    request_id: UUID
    tenant_id: UUID
    platform_id: UUID
    token: TokenView
    endpoint: Endpoint
    payload: Payload
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def is_streamed(self) -> bool:
        return self.endpoint.is_streamed(self.payload)

    def attempt(self, model: ModelView) -> Attempt:
        _, base_url = model.connection.endpoints[model.model_type]
        attempt = Attempt(model, Target(base_url, model.connection.credentials))
        self.attempts.append(attempt)
        return attempt

    def events(self) -> list[UsageFacts]:
        return [self._event(attempt) for attempt in self.attempts]

    def _event(self, attempt: Attempt) -> UsageFacts:
        connection, usage = attempt.model.connection, attempt.usage
        first = attempt.first_byte
        return UsageFacts(
            id=attempt.id,
            request_id=self.request_id,
            tenant_id=self.tenant_id,
            at=attempt.at,
            access_token_id=self.token.id,
            connection_id=connection.id,
            connection_name=connection.name,
            is_shared=connection.is_shared,
            llm_factory=connection.llm_factory,
            llm_name=attempt.model.llm_name,
            model_type=attempt.model.model_type,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            is_estimated=attempt.is_estimated,
            is_streamed=self.is_streamed,
            http_status=attempt.http_status,
            error_kind=attempt.error_kind,
            latency_ms=_ms(attempt.started, attempt.ended or time.monotonic()),
            first_byte_ms=None if first is None else _ms(attempt.started, first),
        )


KINDS_TO_RECHECK = frozenset(
    {FailureKind.INVALID_KEY, FailureKind.OUT_OF_QUOTA, FailureKind.UNREACHABLE}
)
"""What says something about a connection's credentials or address, and not about this call."""


def _ms(since: float, until: float) -> int:
    return round((until - since) * 1000)
