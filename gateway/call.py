"""One call through the gateway, and the attempts that were made for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from gateway.endpoints import Endpoint
from gateway.request_body import Payload
from providers.billing import NO_COST
from providers.protocols.failures import FailureKind, ProviderFailure
from providers.protocols.wire import StreamReader, Target, Usage
from tenants.snapshots import ModelView, TokenView
from tenants.usage.texts import TextSeal

CALLER_GONE = "caller_gone"
"""The error kind of an attempt whose caller went away; it is billed, and nobody's failure."""
CALLER_GONE_STATUS = 499
"""What no caller was told, for there was none: as nginx notes it."""
NO_USAGE = Usage()


@dataclass(slots=True)
class Attempt:
    """A model that was tried. Moments are of the monotonic clock, in seconds.

    `http_status` is the provider's, 0 where no reply came. `text` is what was generated as far as
    it is known, and `left_out` names the fields of the request that the provider has no word for.
    `usage` and `cost_usd` are settled once the attempt is over (gateway/bill.py): None is a cost
    that nobody knows. `is_usage_refused`: the provider reported what cannot be true.
    """

    model: ModelView
    target: Target
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
    usage: Usage = NO_USAGE
    is_estimated: bool = False
    is_usage_refused: bool = False
    cost_usd: Decimal | None = NO_COST
    price_source: str = ""

    def failed(self, failure: ProviderFailure) -> None:
        """The provider's words are kept without the secrets that went to it."""
        self.failure = failure.masked(self.target.secrets)
        self.error_kind = failure.kind
        self.ended = time.monotonic()


@dataclass(slots=True)
class Call:
    """A call that was let in. `path` is the endpoint's, `route` the name of the route where one was
    used; `text_seal` seals prompt and answer where they are kept; `result_status` and `result_code`
    are of the answer, once it is known. `headers` are the caller's that belong to its dialect."""

    request_id: UUID
    tenant_id: UUID
    platform_id: UUID
    token: TokenView
    endpoint: Endpoint
    payload: Payload
    path: str = ""
    route: str = ""
    text_seal: TextSeal | None = None
    result_status: int = 0
    result_code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def is_streamed(self) -> bool:
        return self.endpoint.is_streamed(self.payload)

    def attempt(self, model: ModelView) -> Attempt:
        endpoint = model.connection.endpoints[model.model_type]
        target = Target(
            endpoint.base_url,
            model.connection.credentials,
            dialects=endpoint.dialects,
            model=model.known,
            headers=self.headers,
        )
        attempt = Attempt(model, target)
        self.attempts.append(attempt)
        return attempt

    def answered(self, status: int, code: str = "") -> None:
        """What the caller is told in the end."""
        self.result_status, self.result_code = status, code


KINDS_TO_RECHECK = frozenset(
    {FailureKind.INVALID_KEY, FailureKind.OUT_OF_QUOTA, FailureKind.UNREACHABLE}
)
"""What says something about a connection's credentials or address, and not about this call."""
