"""The rules of docs and DESIGN about who may import what. Each gives its complaints on a file."""

import sys
from collections.abc import Callable, Iterable

from tests.architecture.sources import Source, is_below

Rule = Callable[[Source], list[str]]

# From the bottom up; a module imports from its own layer and from those below it.
_LAYERS = ("llmhub.base", "providers", "tenants", "gateway", "llmhub")
# Of the composition root, and still a leaf: what tenants' API answers in.
_LEAVES = ("llmhub.envelope",)
_HTTP_CLIENTS = (
    "aiohttp",
    "aiohappyeyeballs",
    "httpx",
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
    "providers.http_connection",
    "providers.http_pool",
)
# The transport and its own client; and `make up`, which makes the first call to the hub that it
# has just started.
_MAY_OPEN_HTTP = (
    "providers.transport",
    "providers.http_pool",
    "providers.response",
    "llmhub.up",
)
_SCHEMA_SWITCHES = {"set_schema", "set_tenant", "set_schema_to_public"}
_SCHEMA_CONTEXTS = (
    "django_tenants.utils.schema_context",
    "django_tenants.utils.tenant_context",
    "django_tenants.utils.tenant_migration",
)
# The template records a migration, after which the connection stands in the recording's schema.
_MAY_SWITCH_SCHEMAS = ("tenants.tenancy", "tenants.schema_template")
# The gateway knows the database's errors, to answer 503, and gives idle connections back.
_GATEWAY_MAY_KNOW = {
    f"django.db.{name}"
    for name in ("Error", "DatabaseError", "InterfaceError", "OperationalError", "connections")
}
_ORM = {"objects", "_base_manager", "_default_manager", "atomic", "on_commit"}
_EVALUATING = {"eval", "exec", "compile", "__import__"}
# Harmless with a name that stands in our own code.
_IMPORTING = {"import_module", "import_string"}
_BY_NAME = ("pickle", "marshal", "shelve", "yaml")


def imports_point_one_way(source: Source) -> list[str]:
    mine = _layer(source.module)
    return [name for name in _ours(source) if _layer(name) > mine and not _is_in(name, _LEAVES)]


def the_leaf_imports_no_app(source: Source) -> list[str]:
    if not _is_in(source.module, ("llmhub.base", *_LEAVES)):
        return []
    return [name for name in _ours(source) if not is_below(name, "llmhub.base")]


def protocols_do_no_io(source: Source) -> list[str]:
    """The standard library without its sockets and files, orjson, what signs for Google, the leaf,
    and themselves."""
    if not source.is_in("providers.protocols"):
        return []
    signers = ("google.auth.crypt", "google.auth.jwt")
    known = (*sys.stdlib_module_names, "orjson", *signers, "llmhub.base", "providers.protocols")
    io = ("socket", "ssl", "asyncio", "http", "urllib.request", "pathlib", "subprocess", "os")
    return [name for name in source.imports() if not _is_in(name, known) or _is_in(name, io)]


def only_the_transport_imports_an_http_client(source: Source) -> list[str]:
    if source.is_in(*_MAY_OPEN_HTTP):
        return []
    return [name for name in source.imports() if _is_in(name, _HTTP_CLIENTS)]


def one_module_switches_schemas(source: Source) -> list[str]:
    if source.is_in(*_MAY_SWITCH_SCHEMAS):
        return []
    named = [name for name in source.imports() if _is_in(name, _SCHEMA_CONTEXTS)]
    return named + sorted(source.attributes() & _SCHEMA_SWITCHES)


def the_gateway_has_no_orm(source: Source) -> list[str]:
    if not source.is_in("gateway"):
        return []
    names = source.imports() - _GATEWAY_MAY_KNOW
    found = [n for n in names if "models" in n.split(".")[1:-1] or is_below(n, "django.db")]
    return found + sorted(source.attributes() & _ORM)


def what_faces_a_caller_is_thin(source: Source) -> list[str]:
    """Views, pages, tasks and commands: no ORM, no transaction, no HTTP of their own."""
    if not _is_thin(source):
        return []
    banned = ("django.db.models", "django.db.transaction", "django.db.connection", *_HTTP_CLIENTS)
    found = [name for name in source.imports() if _is_in(name, banned)]
    return found + sorted(source.attributes() & _ORM)


def nothing_is_made_by_name(source: Source) -> list[str]:
    """Promise 32: no request can name what is imported, evaluated or instantiated."""
    found = [name for name in source.imports() if _is_in(name, _BY_NAME)]
    found += sorted(source.called_names() & _EVALUATING)
    return found + sorted(source.called_with_variables() & _IMPORTING)


RULES: tuple[Rule, ...] = (
    imports_point_one_way,
    the_leaf_imports_no_app,
    protocols_do_no_io,
    only_the_transport_imports_an_http_client,
    one_module_switches_schemas,
    the_gateway_has_no_orm,
    what_faces_a_caller_is_thin,
    nothing_is_made_by_name,
)


def _ours(source: Source) -> list[str]:
    return sorted(name for name in source.imports() if _is_in(name, _LAYERS))


def _layer(name: str) -> int:
    return next(place for place, layer in enumerate(_LAYERS) if is_below(name, layer))


def _is_in(name: str, packages: Iterable[str]) -> bool:
    return any(is_below(name, package) for package in packages)


def _is_thin(source: Source) -> bool:
    parts = source.module.split(".")
    if source.is_in("tenants") and {"api", "pages"} & set(parts):
        return True
    return parts[-1] in ("tasks", "views") or parts[-2:-1] == ["commands"]
