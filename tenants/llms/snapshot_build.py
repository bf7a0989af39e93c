"""Reading a tenant's snapshot from its tables: one synchronous unit, a dozen queries."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from llmhub.base.errors import CorruptSecret
from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.models import ALWAYS, LLM, LLMFactory
from providers.pricing import PriceAt
from providers.protocols.registry import protocol_serves
from providers.protocols.wire import NOT_IN_CATALOG, Dialect, KnownModel
from providers.selectors import known_models, prices_since
from tenants.keyring import Keyring, keyring_of
from tenants.limits.snapshot_parts import budgets_of, limits_of
from tenants.llms.models import Connection, ModelDefault, Route, RouteTarget, TenantLLM
from tenants.llms.stored_credentials import AnyConnection, credentials_open
from tenants.models import (
    AccessToken,
    ConnectionState,
    SharedConnection,
    SharedModel,
    Tenant,
    TenantStatus,
)
from tenants.models.price_fields import OwnPriceSource
from tenants.platform import platform_get
from tenants.snapshots import (
    ConnectionView,
    EndpointView,
    ModelView,
    RouteTargetView,
    RouteView,
    Snapshot,
    TokenView,
    models_by_name,
)
from tenants.tenancy import in_schema
from tenants.usage.texts import text_seal_of

logger = logging.getLogger(__name__)


def snapshot_build(tenant_id: UUID) -> Snapshot | None:
    """The tenant as it is now; None when it is gone or suspended.

    The versions are read first: a change that slips in between makes the snapshot look older than
    it is, and it is built again.
    """
    active = Tenant.objects.filter(pk=tenant_id, status=TenantStatus.ACTIVE)
    tenant = active.select_related("plan").first()
    if tenant is None:
        return None
    platform = platform_get()
    with in_schema(tenant):
        models = _models(tenant, platform)
        return Snapshot(
            tenant_id=tenant.pk,
            slug=tenant.slug,
            tenant_version=tenant.config_version,
            platform_version=platform.config_version,
            tokens=_tokens(tenant),
            models=tuple(models.values()),
            routes=_routes(models),
            defaults=_defaults(models),
            by_name=models_by_name(models.values()),
            text_seal=text_seal_of(tenant),
            limits=limits_of(tenant),
            budgets=budgets_of(tenant),
            budget_generation=tenant.budget_generation,
        )


def models_of(tenant: Tenant) -> list[ModelView]:
    """What the tenant can call, as the gateway sees it, in the order in which it is tried."""
    with in_schema(tenant):
        return list(_models(tenant, platform_get()).values())


def defaults_of(tenant: Tenant) -> dict[ModelType, ModelView]:
    """The default models that are set, callable or not."""
    with in_schema(tenant):
        return _defaults(_models(tenant, platform_get()))


# A model is known by its connection, its name and its type, also where it has no row of its own.
ModelKey = tuple[UUID, str, str]


@dataclass(frozen=True)
class _Catalog:
    """`inactive`, `known` and `prices` are by (factory, model)."""

    factories: Mapping[str, LLMFactory]
    inactive: frozenset[tuple[str, str]]
    known: Mapping[tuple[str, str], KnownModel]
    prices: Mapping[tuple[str, str], tuple[PriceAt, ...]]


def _tokens(tenant: Tenant) -> dict[str, TokenView]:
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    rows = AccessToken.objects.filter(alive, tenant=tenant, revoked_at__isnull=True)
    return {
        row.token_hash: TokenView(
            id=row.pk,
            name=row.name,
            scopes=frozenset(row.scopes),
            allowed_models=frozenset(row.allowed_models),
            expires_at=row.expires_at,
        )
        for row in rows
    }


def _models(tenant: Tenant, platform: Tenant) -> dict[ModelKey, ModelView]:
    own = list(Connection.objects.all())
    shared = list(granted_connections(tenant))
    catalog = _catalog({c.llm_factory for c in (*own, *shared)})
    views = _own_views(own, keyring_of(tenant), catalog) if own else {}
    views |= _shared_views(shared, keyring_of(platform), catalog) if shared else {}
    return dict(sorted(views.items(), key=lambda item: _trying_order(item[1])))


def granted_connections(tenant: Tenant) -> Iterable[SharedConnection]:
    granted = Q(is_granted_to_all=True) | Q(granted_to=tenant)
    return SharedConnection.objects.filter(granted).distinct()


def _catalog(names: set[str]) -> _Catalog:
    factories = {f.name: f for f in LLMFactory.objects.filter(name__in=names)}
    retired = LLM.objects.filter(factory__name__in=names, is_active=False)
    return _Catalog(
        factories,
        frozenset(retired.values_list("factory__name", "llm_name")),
        known_models(factories=names),
        prices_since(factories=names, since=timezone.now()),
    )


def _own_views(
    connections: list[Connection], keyring: Keyring, catalog: _Catalog
) -> dict[ModelKey, ModelView]:
    views = {c.pk: _connection_view(c, keyring, catalog) for c in connections}
    by_id = {c.pk: c for c in connections}
    found: dict[ModelKey, ModelView] = {}
    for row in TenantLLM.objects.filter(connection__isnull=False):
        assert row.connection_id is not None
        view = views[row.connection_id]
        refusal = "" if row.is_enabled else "model_disabled"
        refusal = refusal or _refusal(by_id[row.connection_id], row, view, catalog)
        found[_key(row.connection_id, row)] = _model_view(row, view, refusal, catalog)
    return found


def _shared_views(
    connections: list[SharedConnection], keyring: Keyring, catalog: _Catalog
) -> dict[ModelKey, ModelView]:
    views = {c.pk: _connection_view(c, keyring, catalog) for c in connections}
    by_id = {c.pk: c for c in connections}
    switched_off = {
        _key(row.shared_connection_id, row)
        for row in TenantLLM.objects.filter(shared_connection_id__in=by_id, is_enabled=False)
        if row.shared_connection_id
    }
    found: dict[ModelKey, ModelView] = {}
    for row in SharedModel.objects.filter(connection__in=by_id, is_enabled=True):
        key = _key(row.connection_id, row)
        view = views[row.connection_id]
        refusal = "model_disabled" if key in switched_off else ""
        refusal = refusal or _refusal(by_id[row.connection_id], row, view, catalog)
        found[key] = _model_view(row, view, refusal, catalog)
    return found


def _key(connection_id: UUID, row: TenantLLM | SharedModel) -> ModelKey:
    return (connection_id, row.llm_name, row.model_type)


def _connection_view(row: AnyConnection, keyring: Keyring, catalog: _Catalog) -> ConnectionView:
    factory = catalog.factories.get(row.llm_factory)
    endpoints = factory.endpoints if factory is not None else {}
    return ConnectionView(
        id=row.pk,
        name=row.name,
        llm_factory=row.llm_factory,
        is_shared=isinstance(row, SharedConnection),
        endpoints={
            ModelType(model_type): _endpoint_view(endpoint, row.base_url)
            for model_type, endpoint in endpoints.items()
        },
        credentials=_opened(row, keyring, factory),
    )


def _endpoint_view(endpoint: Mapping[str, Any], own_url: str) -> EndpointView:
    """In place of the factory's address, at one of the tenant's own, nobody knows what else is
    spoken."""
    usual_url = endpoint["base_url"]
    base_url = own_url or usual_url
    dialects = endpoint.get("dialects", ()) if base_url == usual_url or not usual_url else ()
    return EndpointView(endpoint["protocol"], base_url, frozenset(map(Dialect, dialects)))


def _opened(
    row: AnyConnection, keyring: Keyring, factory: LLMFactory | None
) -> dict[str, str | Secret]:
    """One secret that does not open must not take the tenant's other connections down with it: it
    leaves this one without credentials, and its provider refuses."""
    if factory is None:
        return {}
    try:
        return credentials_open(row, keyring, factory)
    except CorruptSecret as error:
        logger.error("connection %s: %s", row.pk, error.message)
        return {}


def _refusal(
    connection: AnyConnection,
    row: TenantLLM | SharedModel,
    view: ConnectionView,
    catalog: _Catalog,
) -> str:
    """Why no call is admitted, as a code that the API shows; empty when one is."""
    factory = catalog.factories.get(connection.llm_factory)
    if factory is None or not factory.is_active:
        return "factory_disabled"
    if (connection.llm_factory, row.llm_name) in catalog.inactive:
        return "catalog_model_disabled"
    if not connection.is_enabled:
        return "connection_disabled"
    if connection.state == ConnectionState.INVALID_KEY:
        return "connection_invalid_key"
    if not _is_served(view, ModelType(row.model_type)):
        return "protocol_not_supported"
    return ""


def _is_served(view: ConnectionView, model_type: ModelType) -> bool:
    endpoint = view.endpoints.get(model_type)
    return endpoint is not None and protocol_serves(endpoint.protocol, model_type)


def _model_view(
    row: TenantLLM | SharedModel, view: ConnectionView, refusal: str, catalog: _Catalog
) -> ModelView:
    return ModelView(
        llm_name=row.llm_name,
        model_type=ModelType(row.model_type),
        connection=view,
        max_tokens=row.max_tokens,
        refusal=refusal,
        prices=(*own_prices(row), *catalog.prices.get((view.llm_factory, row.llm_name), ())),
        known=catalog.known.get((view.llm_factory, row.llm_name), NOT_IN_CATALOG),
    )


def own_prices(row: TenantLLM | SharedModel) -> tuple[PriceAt, ...]:
    """What the model's owner says it costs: at any time, for nobody keeps earlier figures."""
    figures = row.own_price
    if figures is None:
        return ()
    source = OwnPriceSource.TENANT if isinstance(row, TenantLLM) else OwnPriceSource.OPERATOR
    return (PriceAt(figures, source, ALWAYS),)


def _trying_order(model: ModelView) -> tuple[bool, bool, str, str]:
    connection = model.connection
    return (
        connection.is_shared,
        connection.name != "default",
        connection.llm_factory,
        connection.name,
    )


def _defaults(models: Mapping[ModelKey, ModelView]) -> dict[ModelType, ModelView]:
    rows = ModelDefault.objects.select_related("tenant_llm")
    found = ((ModelType(row.model_type), _find(models, row.tenant_llm)) for row in rows)
    return {model_type: view for model_type, view in found if view is not None}


def _routes(models: Mapping[ModelKey, ModelView]) -> dict[str, RouteView]:
    rows = RouteTarget.objects.select_related("tenant_llm", "route").filter(route__is_enabled=True)
    targets: dict[Route, list[RouteTargetView]] = {}
    for row in rows.order_by("priority", "-weight", "tenant_llm"):
        view = _find(models, row.tenant_llm)
        if view is not None:
            target = RouteTargetView(view, row.priority, row.weight)
            targets.setdefault(row.route, []).append(target)
    return {
        route.name: RouteView(route.name, ModelType(route.model_type), tuple(views))
        for route, views in targets.items()
    }


def _find(models: Mapping[ModelKey, ModelView], row: TenantLLM) -> ModelView | None:
    connection_id = row.connection_id or row.shared_connection_id
    return models.get(_key(connection_id, row)) if connection_id else None
