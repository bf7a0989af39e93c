"""Walk the models of a call until one of them answers."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from gateway.call import Attempt, Call
from gateway.caller import CallerGone
from gateway.errors import ProviderFailed
from llmhub.base.errors import AddressForbidden, HubError, InvalidRequest, NotSupported
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import ProviderRequest, WireProtocol
from providers.response import ProviderResponse
from providers.transport import Transport
from tenants.snapshots import ModelView

_ERROR_BYTES = 64 * 1024

Relay = Callable[[Call, Attempt, WireProtocol, ProviderResponse], Awaitable[None]]


async def execute(
    call: Call, models: Sequence[ModelView], transport: Transport, relay: Relay
) -> ProviderResponse:
    """Try the models in order; `relay` takes over each reply that is a success.

    The next one is tried only while `relay` raises ProviderError, which it does as long as nothing
    has reached the caller, and not where a provider says that the request itself is wrong; a model
    whose protocol has no words for the request is passed over. Gives the response that was relayed,
    for the caller to close. Raises ProviderFailed with what the last attempt said.
    """
    failure: ProviderFailure
    for model in models:
        attempt = call.attempt(model)
        try:
            return await _attempt(call, attempt, transport, relay)
        except ProviderError as error:
            failure = error.failure
        except (AddressForbidden, InvalidRequest) as error:
            # The tenant's connection names an address, or holds a key, that cannot be used.
            failure = ProviderFailure(FailureKind.UNREACHABLE, error.message)
        attempt.failed(failure)
        if failure.is_callers_fault and attempt.http_status:
            break
    last = call.attempts[-1]
    assert last.failure is not None
    raise ProviderFailed(last.failure, last.model.qualified_name) from None


async def _attempt(
    call: Call, attempt: Attempt, transport: Transport, relay: Relay
) -> ProviderResponse:
    model = attempt.model
    protocol = PROTOCOLS[model.connection.endpoints[model.model_type][0]]
    attempt.target = await transport.access_tokens.authorized(protocol, attempt.target)
    request = _request(call, attempt, protocol)
    # The provider's log and ours then speak of the call by one id.
    attempt.left_out = request.left_out
    request = request.with_headers({"x-request-id": str(call.request_id)})
    try:
        response = await transport.send(request)
    except HubError as error:
        # The caller's upload broke off, and the provider has nothing to bill.
        attempt.failed(ProviderFailure(FailureKind.BAD_REQUEST, error.message))
        raise
    except CallerGone:
        attempt.failed(ProviderFailure(FailureKind.BAD_REQUEST, "The caller went away."))
        raise
    try:
        attempt.http_status = response.status
        if not 200 <= response.status < 300:
            body = await response.read_head(_ERROR_BYTES)
            if response.status == HTTPStatus.UNAUTHORIZED:
                transport.access_tokens.forget(attempt.target)
            raise ProviderError(protocol.failure_of(response.status, response.headers, body))
        await relay(call, attempt, protocol, response)
    except BaseException:
        # Nobody else holds it; closing it before its end cancels the call at the provider.
        response.close()
        raise
    return response


def _request(call: Call, attempt: Attempt, protocol: WireProtocol) -> ProviderRequest:
    """Raises ProviderError for what the model's protocol has no words for: it was not sent."""
    try:
        return call.endpoint.request(protocol, attempt.target, call.payload, attempt.model.llm_name)
    except (InvalidRequest, NotSupported) as error:
        failure = ProviderFailure(FailureKind.BAD_REQUEST, error.message)
    raise ProviderError(failure)
