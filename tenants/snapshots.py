"""A frozen view of one tenant: all that a call through the gateway needs, and no table.

Built by one synchronous unit, with its keys opened, and held in the gateway's memory. It carries
the versions (the tenant's and the platform's) that it was built from; config_versions.py says how a
holder learns that they have moved on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.pricing import PriceAt
from providers.protocols.wire import NOT_IN_CATALOG, Dialect, KnownModel
from tenants.limits.periods import PeriodKind
from tenants.limits.units import Unit
from tenants.usage.texts import TextSeal

# Which of a tenant's models answer a call of a type; the first kind that has the name wins.
ANSWERED_BY: Mapping[ModelType, tuple[ModelType, ...]] = {
    ModelType.CHAT: (ModelType.CHAT, ModelType.IMAGE2TEXT),
    **{t: (t,) for t in ModelType if t is not ModelType.CHAT},
}


@dataclass(frozen=True)
class TokenView:
    id: UUID
    name: str
    scopes: frozenset[str]
    allowed_models: frozenset[str]
    expires_at: datetime | None


class EndpointView(NamedTuple):
    """`dialects` are what is spoken there beside what the protocol always does."""

    protocol: str
    base_url: str
    dialects: frozenset[Dialect] = frozenset()


@dataclass(frozen=True)
class ConnectionView:
    id: UUID
    name: str
    llm_factory: str
    is_shared: bool
    endpoints: Mapping[ModelType, EndpointView]
    credentials: Mapping[str, str | Secret] = field(repr=False)


@dataclass(frozen=True)
class ModelView:
    """A model on a connection. `refusal` says why a call is not admitted; empty: it is.

    `known` is what the catalog says of it. `prices` hold now or later, in their order of
    precedence; none: the model is unpriced.
    """

    llm_name: str
    model_type: ModelType
    connection: ConnectionView
    max_tokens: int | None
    refusal: str = ""
    prices: tuple[PriceAt, ...] = ()
    known: KnownModel = NOT_IN_CATALOG

    @property
    def llm_factory(self) -> str:
        return self.connection.llm_factory

    @property
    def qualified_name(self) -> str:
        """The name that means this model alone: `model@connection@factory`."""
        return f"{self.llm_name}@{self.connection.name}@{self.llm_factory}"

    @property
    def usual_name(self) -> str:
        """The shortest name that a person would write: the connection only where it has a name."""
        if self.connection.name == "default":
            return f"{self.llm_name}@{self.llm_factory}"
        return self.qualified_name

    def names(self) -> tuple[str, ...]:
        """Every name that a caller may use for it."""
        return (
            self.llm_name,
            f"{self.llm_name}@{self.llm_factory}",
            f"{self.llm_factory}/{self.llm_name}",
            self.qualified_name,
        )


@dataclass(frozen=True)
class RouteTargetView:
    model: ModelView
    priority: int
    weight: int


@dataclass(frozen=True)
class RouteView:
    name: str
    model_type: ModelType
    targets: tuple[RouteTargetView, ...]


@dataclass(frozen=True)
class ScopeView:
    """Whose calls a limit or budget is about: all of the tenant's, or those of a token, of a model
    (any of its names), or of both together. `is_plans`: the operator's, and not the tenant's to
    change.
    """

    id: UUID
    token_id: UUID | None
    model: str
    is_plans: bool

    def is_about(self, token_id: UUID) -> bool:
        return self.token_id is None or self.token_id == token_id


@dataclass(frozen=True)
class LimitView(ScopeView):
    """How fast; None is no limit."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None


@dataclass(frozen=True)
class BudgetView(ScopeView):
    """How much in a period of the tenant's time zone. `amount` is in nano-dollars or in tokens;
    `alert_shares` are percentages in their order."""

    name: str
    unit: Unit
    amount: int
    period: PeriodKind
    time_zone: str
    is_hard: bool
    alert_shares: tuple[int, ...]


@dataclass(frozen=True)
class Snapshot:
    """`models` stand in the order in which they are tried: own before shared, `default` first.

    `text_seal` is there where the tenant keeps prompts and answers.
    `budget_generation` says which reading of the ledger the counters in Valkey must be made from,
    at least (tenants/limits/rebuild.py).
    """

    tenant_id: UUID
    slug: str
    tenant_version: int
    platform_version: int
    tokens: Mapping[str, TokenView] = field(repr=False)
    models: tuple[ModelView, ...]
    routes: Mapping[str, RouteView]
    defaults: Mapping[ModelType, ModelView]
    by_name: Mapping[tuple[ModelType, str], tuple[ModelView, ...]] = field(repr=False)
    text_seal: TextSeal | None = field(default=None, repr=False)
    limits: tuple[LimitView, ...] = ()
    budgets: tuple[BudgetView, ...] = ()
    budget_generation: int = 0

    def named(self, model_type: ModelType, name: str) -> tuple[ModelView, ...]:
        """The models of that name which answer calls of the type; empty when there is none."""
        for answered_by in ANSWERED_BY[model_type]:
            if found := self.by_name.get((answered_by, name)):
                return found
        return ()


def models_by_name(
    models: Iterable[ModelView],
) -> dict[tuple[ModelType, str], tuple[ModelView, ...]]:
    index: dict[tuple[ModelType, str], tuple[ModelView, ...]] = {}
    for model in models:
        for name in model.names():
            key = (model.model_type, name)
            index[key] = (*index.get(key, ()), model)
    return index
