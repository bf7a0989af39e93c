"""What is shown outside DRF's views: an envelope below /llm, a plain page elsewhere."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from llmhub.base.errors import HubError, InvalidRequest, NotFound
from llmhub.envelope import failed, unforeseen


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return _envelope(
        NotFound("There is nothing at this address. GET /llm/docs shows what there is.")
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        message = "The hub does not answer to this host name: its operator adds it to"
        return _envelope(InvalidRequest(f"{message} HUB_ALLOWED_HOSTS.", code="host_unknown"))
    return _envelope(InvalidRequest("The request is malformed."))


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_api(request):
        return defaults.server_error(request)
    return _envelope(unforeseen(RuntimeError(f"{request.method} {request.path}")))


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/llm/")


def _envelope(error: HubError) -> HttpResponse:
    return JsonResponse(failed(error), status=error.http_status)
