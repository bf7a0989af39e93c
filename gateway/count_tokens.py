"""How many tokens a prompt has: asked of the model's provider, or counted here.

https://docs.claude.com/en/api/messages-count-tokens
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from gateway.caller import Header
from gateway.errors import ProviderFailed
from gateway.relay import model_header
from gateway.request_body import Payload
from gateway.sync_units import SyncUnits
from llmhub.base.errors import AddressForbidden, InvalidRequest
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import ProviderRequest, Target, TokenCounter
from providers.token_counts import count_prompt
from providers.transport import Transport
from tenants.snapshots import ModelView

_REPLY_BYTES = 64 * 1024
ESTIMATED: Header = (b"x-llmhub-estimated", b"true")
"""The count is the hub's own, made with a tokenizer that is not the model's."""


@dataclass(frozen=True, slots=True)
class PromptAsk:
    payload: Payload
    headers: Mapping[str, str]
    request_id: UUID


@dataclass(frozen=True, slots=True)
class PromptCount:
    headers: list[Header]
    body: bytes


async def prompt_count(
    ask: PromptAsk, model: ModelView, transport: Transport, units: SyncUnits
) -> PromptCount:
    """Raises ProviderFailed where the provider was asked and did not say."""
    endpoint = model.connection.endpoints[model.model_type]
    counter = PROTOCOLS[endpoint.protocol]
    headers: list[Header] = [(b"content-type", b"application/json"), model_header(model)]
    if not isinstance(counter, TokenCounter):
        count = await units.compute(count_prompt, ask.payload)
        return PromptCount([*headers, ESTIMATED], _body(count))
    target = Target(endpoint.base_url, model.connection.credentials, headers=ask.headers)
    request = counter.count_request(target, ask.payload, model=model.llm_name)
    request = request.with_headers({"x-request-id": str(ask.request_id)})
    try:
        body = await _exchange(request, endpoint.protocol, transport)
        return PromptCount(headers, _body(counter.count_reply(body)))
    except ProviderError as error:
        failure = error.failure
    except (AddressForbidden, InvalidRequest) as error:
        failure = ProviderFailure(FailureKind.UNREACHABLE, error.message)
    raise ProviderFailed(failure.masked(target.secrets), model.qualified_name) from None


async def _exchange(request: ProviderRequest, protocol: str, transport: Transport) -> bytes:
    async with await transport.send(request) as response:
        body = await response.read_head(_REPLY_BYTES)
        if not 200 <= response.status < 300:
            headers = response.headers
            raise ProviderError(PROTOCOLS[protocol].failure_of(response.status, headers, body))
        return body


def _body(count: int) -> bytes:
    return orjson.dumps({"input_tokens": count})
