"""Walk the models of a call until one of them answers."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import orjson

from gateway.call import Attempt, Call
from gateway.caller import CallerGone
from gateway.errors import ProviderFailed, RequestRefused
from llmhub.base.errors import AddressForbidden, HubError, InvalidRequest, NotSupported
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import ProviderRequest, WireProtocol
from providers.response import ProviderResponse
from providers.transport import Transport
from tenants.snapshots import ModelView

_ERROR_BYTES = 64 * 1024

TOO_DEEP = "The body is nested too deeply."

Relay = Callable[[Call, Attempt, WireProtocol, ProviderResponse], Awaitable[None]]


async def execute(
    call: Call, models: Sequence[ModelView], transport: Transport, relay: Relay
) -> ProviderResponse:
    """Try the models in order; `relay` takes over each reply that is a success.

    The next one is tried only while `relay` raises ProviderError, which it does as long as nothing
    has reached the caller, and not where a provider says that the request itself is wrong; a model
    whose protocol has no words for the request is passed over. Gives the response that was relayed,
    for the caller to close. Raises ProviderFailed with what the last attempt said; RequestRefused
    where none was made, because no provider has words for what was asked.
    """
    failed: ProviderFailed | None = None
    for model in models:
        attempt = call.attempt(model)
        protocol = PROTOCOLS[model.connection.endpoints[model.model_type].protocol]
        try:
            attempt.target = await transport.access_tokens.authorized(protocol, attempt.target)
            request = _request(call, attempt, protocol)
            return await _attempt(call, attempt, protocol, request, transport, relay)
        except _Unsayable as unsayable:
            # Nothing was sent, and another model's provider may have words for it.
            call.attempts.pop()
            failed = failed or RequestRefused(unsayable.error, model.qualified_name)
            continue
        except ProviderError as error:
            failure = error.failure
        except (AddressForbidden, InvalidRequest) as error:
            # The tenant's connection names an address, or holds a key, that cannot be used.
            failure = ProviderFailure(FailureKind.UNREACHABLE, error.message)
        attempt.failed(failure)
        assert attempt.failure is not None
        failed = ProviderFailed(attempt.failure, model.qualified_name)
        if failure.is_callers_fault:
            break
    assert failed is not None
    raise failed from None


async def _attempt(
    call: Call,
    attempt: Attempt,
    protocol: WireProtocol,
    request: ProviderRequest,
    transport: Transport,
    relay: Relay,
) -> ProviderResponse:
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
    """Raises _Unsayable."""
    try:
        return call.endpoint.request(protocol, attempt.target, call.payload, attempt.model.llm_name)
    except (InvalidRequest, NotSupported) as error:
        raise _Unsayable(error) from None
    except (orjson.JSONEncodeError, RecursionError):
        raise _Unsayable(InvalidRequest(TOO_DEEP)) from None


class _Unsayable(Exception):
    """The model's protocol has no words for the request."""

    def __init__(self, error: InvalidRequest | NotSupported) -> None:
        super().__init__(error.message)
        self.error = error
