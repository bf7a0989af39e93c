"""What a browser may do with our answers: one strict policy, and two that third-party pages need.

Django's own middleware adds X-Content-Type-Options, Referrer-Policy and X-Frame-Options.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_COMMON = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self' data:",
    "script-src": "'self'",
    "style-src": "'self'",
}


def _policy(**changes: str) -> str:
    sources = _COMMON | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in sources.items())


STRICT = _policy()
# The console's framework evaluates expressions in attributes and writes its colours inline.
CONSOLE = _policy(
    script_src="'self' 'unsafe-inline' 'unsafe-eval'", style_src="'self' 'unsafe-inline'"
)
# The API reference starts by an inline script; one of its two pages searches in a worker.
REFERENCE = _policy(
    script_src="'self' 'unsafe-inline'",
    style_src="'self' 'unsafe-inline'",
    worker_src="'self' blob:",
)


class ContentSecurityPolicy:
    """Django middleware. A view that set a policy of its own keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy_for(request.path))
        return response


def policy_for(path: str) -> str:
    if path.startswith("/admin/"):
        return CONSOLE
    if path in ("/llm/docs", "/llm/docs/v1"):
        return REFERENCE
    return STRICT
