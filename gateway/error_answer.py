"""An error as the caller's client expects it: in OpenAI's shape, or in Anthropic's."""

import orjson

from gateway.caller import Caller, Header
from gateway.errors import ProviderFailed, error_body, error_headers
from llmhub.base.errors import HubError
from providers.protocols.dialects.messages_errors import (
    error_object,
    error_type_of_kind,
    error_type_of_status,
)
from providers.protocols.failures import FailureKind

_JSON = (b"content-type", b"application/json")
# Where Anthropic's API answers with another status than OpenAI's: its clients decide by it whether
# to try again.
_STATUSES = {FailureKind.OUT_OF_QUOTA: 402, FailureKind.OVERLOADED: 529}


async def error_answer(caller: Caller, error: HubError) -> None:
    headers: list[Header] = [_JSON, *error_headers(error)]
    if not caller.is_anthropics:
        await caller.respond(error.http_status, headers, error_body(error))
        return
    status = error.http_status
    if isinstance(error, ProviderFailed):
        status = _STATUSES.get(error.kind, status)
    await caller.respond(status, headers, _anthropics_body(error, status, str(caller.request_id)))


def _anthropics_body(error: HubError, status: int, request_id: str) -> bytes:
    """https://docs.claude.com/en/api/errors#error-shapes; the hub's stable code is in `details`."""
    if isinstance(error, ProviderFailed):
        error_type = error_type_of_kind(error.kind)
    else:
        error_type = error_type_of_status(status)
    details = {"error_code": error.code, **error.details}
    content = error_object(error_type, error.message, details=details)
    return orjson.dumps({**content, "request_id": request_id})
