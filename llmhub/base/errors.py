"""What can go wrong, as one tree.

HubError                      has a stable code, an HTTP status, and says whether a retry can help
├── InvalidRequest      400   the caller's input is malformed; names the field
│   ├── MissingParameter
│   └── AddressForbidden      a URL the hub will not connect to
├── NotAuthenticated    401   no credential, or one that is unknown, expired or revoked
├── PermissionDenied    403   the credential is good and does not allow this
├── NotFound            404   no such thing, or none that this tenant may see
├── Conflict            409   something still refers to it, or it already exists
├── Unprocessable       422   well-formed, and still cannot be done
│   ├── ProviderRefused       the provider said no; carries a ProviderFailure's class
│   └── NotSupported          no protocol of the hub serves this
├── RateLimited         429   try again after `retry_after_s`
├── ServiceUnavailable  503   a part of the hub is away; try again after `retry_after_s`
└── CorruptSecret       500   a ciphertext that does not open where it stands
"""

from collections.abc import Mapping
from typing import Any


class HubError(Exception):
    """Base of every error that a caller may see.

    `message` is shown to the caller, so it holds no secret and says what to do. `details` is
    JSON-ready. `retry_after_s` is in seconds, for the errors where waiting helps.
    """

    code = "internal_error"
    http_status = 500
    is_retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s


class InvalidRequest(HubError):
    code = "invalid_request"
    http_status = 400

    def __init__(self, message: str, *, field: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        if field is not None:
            self.details.setdefault("field", field)


class MissingParameter(InvalidRequest):
    code = "missing_parameter"

    def __init__(self, field: str) -> None:
        super().__init__(f"Missing required parameter: {field}", field=field)


class AddressForbidden(InvalidRequest):
    code = "address_forbidden"


class NotAuthenticated(HubError):
    code = "not_authenticated"
    http_status = 401


class PermissionDenied(HubError):
    code = "permission_denied"
    http_status = 403


class NotFound(HubError):
    code = "not_found"
    http_status = 404


class Conflict(HubError):
    code = "conflict"
    http_status = 409


class Unprocessable(HubError):
    code = "unprocessable"
    http_status = 422


class ProviderRefused(Unprocessable):
    code = "provider_refused"


class NotSupported(Unprocessable):
    code = "not_supported"


class RateLimited(HubError):
    code = "rate_limited"
    http_status = 429
    is_retryable = True


class ServiceUnavailable(HubError):
    code = "service_unavailable"
    http_status = 503
    is_retryable = True


class CorruptSecret(HubError):
    code = "corrupt_secret"
