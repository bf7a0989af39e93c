"""A frozen view of one tenant: all that a call through the gateway needs, and no table.

Built by one synchronous unit, with its keys opened, and held in the gateway's memory. It carries
the versions (the tenant's and the platform's) that it was built from; config_versions.py says how a
holder learns that they have moved on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.pricing import PriceAt
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


@dataclass(frozen=True)
class ConnectionView:
    """`endpoints` maps a model type to (protocol name, base URL)."""

    id: UUID
    name: str
    llm_factory: str
    is_shared: bool
    endpoints: Mapping[ModelType, tuple[str, str]]
    credentials: Mapping[str, str | Secret] = field(repr=False)


@dataclass(frozen=True)
class ModelView:
    """A model on a connection. `refusal` says why a call is not admitted; empty: it is.

    `prices` hold now or later, in their order of precedence; none: the model is unpriced.
    """

    llm_name: str
    model_type: ModelType
    connection: ConnectionView
    max_tokens: int | None
    refusal: str = ""
    prices: tuple[PriceAt, ...] = ()

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
class Snapshot:
    """`models` stand in the order in which they are tried: own before shared, `default` first.

    `text_seal` is there where the tenant keeps prompts and answers.
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
