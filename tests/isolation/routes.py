"""Every way into the management API, as the URL configuration has it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, order=True)
class Route:
    """`path` is below /llm/, with its parameters as `<name>`."""

    verb: str
    path: str

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"

    @property
    def is_write(self) -> bool:
        return self.verb != "GET"


def routes() -> list[Route]:
    return sorted(set(_walk(get_resolver().url_patterns, "")))


# Without a credential on purpose: they hold nothing of any tenant.
PUBLIC = {"schema", "docs", "reference", "schema/v1", "docs/v1"}


def tenant_routes() -> list[Route]:
    return [route for route in routes() if route.path not in PUBLIC]


def _walk(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        elif path.startswith("llm/"):
            short = path.removeprefix("llm/").replace("<uuid:", "<").replace("<str:", "<")
            yield from (Route(verb.upper(), short) for verb in _verbs(pattern))


def _verbs(pattern: URLPattern) -> list[str]:
    view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
    assert view is not None, f"{pattern} is no class-based view: teach this file to read it"
    return [verb for verb in VERBS if hasattr(view, verb)]
