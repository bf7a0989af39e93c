"""Alice owns a tenant; Charlie owns another one. Their rows are committed, and deleted after."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.models import LLMFactory
from providers.selectors import factory_get
from tenants.actors import Actor
from tenants.limits.counters import counters_forget
from tenants.limits.models import Budget, Limit
from tenants.limits.periods import PeriodKind
from tenants.limits.services.budgets import BudgetFacts, budget_create
from tenants.limits.services.limits import LimitFacts, limit_create
from tenants.limits.services.scopes import ScopeFacts
from tenants.limits.units import Unit
from tenants.llms.models import Connection, ModelDefault, Route, RouteTarget, TenantLLM
from tenants.llms.services.connections import ConnectionFacts, ModelFacts, connection_save
from tenants.llms.services.tenant_llms import ModelSelection, tenant_llm_set_status
from tenants.models import (
    AccessToken,
    BudgetAlert,
    BudgetHold,
    ConnectionState,
    Tenant,
    TenantUsageDaily,
)
from tenants.services.access_tokens import TokenFacts, token_create, token_revoke
from tenants.services.tenants import tenant_create, tenant_delete
from tenants.tenancy import in_schema
from tenants.usage.drain import usage_drain_all
from tenants.usage.models import UsageDaily, UsageEvent, UsageHourly

FACTORY = "Scripted"
KEY = "sk-alices-own-key-with-the-provider"
ACTOR = Actor.from_command("test")
CHAT_MODEL = ModelFacts("test-chat", ModelType.CHAT)
EMBEDDING_MODEL = ModelFacts("test-embedding", ModelType.EMBEDDING)
EVERY_MODEL = (
    CHAT_MODEL,
    EMBEDDING_MODEL,
    ModelFacts("test-rerank", ModelType.RERANK),
    ModelFacts("whisper-1", ModelType.SPEECH2TEXT),
    ModelFacts("tts-1", ModelType.TTS),
    ModelFacts("dall-e-3", ModelType.IMAGE),
    ModelFacts("omni-moderation-latest", ModelType.MODERATION),
)


def factory_create() -> LLMFactory:
    endpoint = {"protocol": "openai", "base_url": ""}
    field_of_key = {"name": "api_key", "label": "Key", "is_secret": True, "is_required": False}
    return LLMFactory.objects.create(
        name=FACTORY,
        endpoints={t.value: endpoint for t in ModelType},
        credential_fields=[field_of_key],
    )


@dataclass
class Person:
    """The owner of a tenant with a token that may do everything."""

    tenant: Tenant
    token: str = field(repr=False)
    token_id: uuid.UUID

    def connect(
        self,
        base_url: str,
        *,
        name: str = "default",
        key: str = KEY,
        models: Iterable[ModelFacts] = (CHAT_MODEL, EMBEDDING_MODEL),
    ) -> Connection:
        facts = ConnectionFacts(
            factory=factory_get(name=FACTORY),
            name=name,
            base_url=base_url,
            credentials={"api_key": Secret(key)},
            state=ConnectionState.VALID,
        )
        return connection_save(tenant=self.tenant, facts=facts, models=models, actor=ACTOR)

    def switch(self, llm_name: str, *, is_enabled: bool) -> None:
        selection = ModelSelection(FACTORY, llm_name)
        tenant_llm_set_status(
            tenant=self.tenant, selection=selection, is_enabled=is_enabled, actor=ACTOR
        )

    def issue(self, **facts: Any) -> tuple[uuid.UUID, str]:
        issued = token_create(
            tenant=self.tenant, facts=TokenFacts(name="another", **facts), actor=ACTOR
        )
        return issued.token.pk, issued.secret.reveal()

    def revoke(self, token_id: uuid.UUID | None = None) -> None:
        token_revoke(tenant=self.tenant, token_id=token_id or self.token_id, actor=ACTOR)

    def limit(
        self, *, model: str = "", token_id: uuid.UUID | None = None, **facts: int
    ) -> uuid.UUID:
        row = limit_create(
            tenant=self.tenant,
            scope=ScopeFacts(token_id, model),
            facts=LimitFacts(**facts),
            actor=ACTOR,
        )
        return row.pk

    def budget(
        self,
        amount: int,
        unit: Unit = Unit.TOKENS,
        *,
        period: PeriodKind = PeriodKind.MONTH,
        model: str = "",
        token_id: uuid.UUID | None = None,
        **facts: Any,
    ) -> uuid.UUID:
        """`amount` is in tokens or nano-dollars."""
        row = budget_create(
            tenant=self.tenant,
            scope=ScopeFacts(token_id, model),
            unit=unit,
            period=period,
            facts=BudgetFacts("test budget", amount, **facts),
            actor=ACTOR,
        )
        return row.pk

    def ledger(self) -> Sequence[UsageEvent]:
        """The tenant's events, oldest first, after the stream was drained."""
        usage_drain_all(claim_after_ms=0)
        with in_schema(self.tenant):
            return list(UsageEvent.objects.order_by("id"))

    def used_tokens(self) -> dict[str, int]:
        with in_schema(self.tenant):
            return dict(TenantLLM.objects.values_list("llm_name", "used_tokens"))


@contextmanager
def committed_tenant(name: str) -> Iterator[Tenant]:
    """A tenant that other threads and processes see; deleted at the end."""
    slug = f"{name}-{uuid.uuid4().hex[:8]}"
    owner = f"{slug}@example.com"
    created = tenant_create(slug=slug, name=name, owner_email=owner, actor=ACTOR)
    yield created.tenant
    tenant_delete(tenant=created.tenant, actor=ACTOR)


@contextmanager
def person_of(tenant: Tenant) -> Iterator[Person]:
    """The tenant's owner with a new token; what is made meanwhile goes again at the end."""
    issued = token_create(tenant=tenant, facts=TokenFacts(name="first"), actor=ACTOR)
    yield Person(tenant, issued.secret.reveal(), issued.token.pk)
    usage_drain_all(claim_after_ms=0)
    TenantUsageDaily.objects.filter(tenant=tenant).delete()
    BudgetHold.objects.filter(tenant=tenant).delete()
    BudgetAlert.objects.filter(tenant=tenant).delete()
    AccessToken.objects.filter(tenant=tenant).delete()
    counters_forget(tenant.pk)
    with in_schema(tenant):
        for model in (
            Limit,
            Budget,
            UsageEvent,
            UsageHourly,
            UsageDaily,
            ModelDefault,
            RouteTarget,
            Route,
            TenantLLM,
        ):
            model.objects.all().delete()
        Connection.objects.all().delete()
