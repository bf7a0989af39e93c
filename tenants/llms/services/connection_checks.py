"""Testing stored connections again: on demand, from time to time, and after errors."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from llmhub.base.errors import NotFound
from providers.selectors import factory_get
from tenants.config_versions import version_raise
from tenants.keyring import keyring_of
from tenants.llms.models import Connection
from tenants.llms.selectors.checks import checks_of
from tenants.llms.stored_credentials import AnyConnection, credentials_open
from tenants.llms.verification import Verdict, verify
from tenants.models import SharedConnection, Tenant
from tenants.tenancy import in_schema


def connection_check(*, tenant: Tenant, connection_id: UUID) -> Verdict:
    """Ask the provider and note the state. For the platform's row: a shared connection.

    Nothing is open while the provider is asked. A connection that was changed in the meantime keeps
    the state of the change. Raises NotFound.
    """
    model = SharedConnection if tenant.is_platform else Connection
    with in_schema(tenant):
        row = model.objects.filter(pk=connection_id).first()
        if row is None:
            raise NotFound("There is no such connection.", code="connection_not_found")
        factory = factory_get(name=row.llm_factory)
        credentials = credentials_open(row, keyring_of(tenant), factory)
        plan = checks_of(row)
    verdict = verify(factory, row.base_url, credentials, plan) if plan else Verdict.untested()
    _note(tenant, row, verdict)
    return verdict


def connections_due(*, tenant: Tenant) -> list[UUID]:
    """Those that were not checked for half an interval, or never."""
    model = SharedConnection if tenant.is_platform else Connection
    recent = timezone.now() - timedelta(seconds=settings.HUB.hub_recheck_interval_s / 2)
    due = Q(checked_at__isnull=True) | Q(checked_at__lte=recent)
    with in_schema(tenant):
        return list(model.objects.filter(due, is_enabled=True).values_list("pk", flat=True))


def _note(tenant: Tenant, row: AnyConnection, verdict: Verdict) -> None:
    """A changed state concerns the gateway, so it raises the version; it is no configuration that
    somebody changed, so it has no audit row."""
    same = {"pk": row.pk, "sealed_credentials": row.sealed_credentials, "base_url": row.base_url}
    with in_schema(tenant), transaction.atomic():
        noted = (
            type(row)
            .objects.filter(**same)
            .update(
                state=verdict.state,
                state_message=verdict.message[:1000],
                checked_at=timezone.now(),
            )
        )
        if noted and row.state != verdict.state:
            version_raise(tenant)
