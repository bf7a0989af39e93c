"""No audit row, no change: the block that every change of configuration runs in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, transaction

from llmhub.base.errors import ServiceUnavailable
from tenants.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.config_versions import version_raise
from tenants.models import OperatorAuditEntry, Tenant
from tenants.platform import platform_get
from tenants.tenancy import in_schema

JSON = Mapping[str, Any]


@dataclass
class Change:
    """What a change is about; the service fills it in. `before` and `after` hold no secret."""

    action: str
    target_kind: str = ""
    target_id: str = ""
    target_label: str = ""
    before: JSON | None = None
    after: JSON | None = None
    _is_noop: bool = field(default=False, repr=False)

    def about(self, kind: str, target_id: object, label: str) -> None:
        self.target_kind, self.target_id, self.target_label = kind, str(target_id), label[:400]

    def nothing_changed(self) -> None:
        """The request asked for what is already so: no row, no new version."""
        self._is_noop = True

    @property
    def is_noop(self) -> bool:
        return self._is_noop


@contextmanager
def tenant_change(
    *, tenant: Tenant, actor: Actor, action: str, is_in_snapshot: bool = True
) -> Iterator[Change]:
    """One transaction in the tenant's schema: the change, its audit row, the new version.

    `is_in_snapshot` is off for what the gateway does not look at: no snapshot is built again.
    Raises ServiceUnavailable, and changes nothing, when the audit row cannot be written.
    """
    with in_schema(tenant), transaction.atomic():
        change = Change(action)
        yield change
        if change.is_noop:
            return
        _write(AuditEntry, actor, change)
        if is_in_snapshot:
            version_raise(tenant)


@contextmanager
def operator_change(*, actor: Actor, action: str, is_in_snapshot: bool = True) -> Iterator[Change]:
    """The same for what belongs to the platform. What is in a snapshot there is in every tenant's,
    and all of them are built again."""
    platform = platform_get()
    with in_schema(platform), transaction.atomic():
        change = Change(action)
        yield change
        if change.is_noop:
            return
        _write(OperatorAuditEntry, actor, change)
        if is_in_snapshot:
            version_raise(platform)


def _write(
    model: type[AuditEntry] | type[OperatorAuditEntry], actor: Actor, change: Change
) -> None:
    if not change.target_kind:
        raise RuntimeError(f"{change.action} did not say what it changed")
    try:
        model.objects.create(
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_label=actor.label[:254],
            source_ip=actor.source_ip,
            action=change.action,
            target_kind=change.target_kind,
            target_id=change.target_id,
            target_label=change.target_label,
            before=change.before,
            after=change.after,
        )
    except DatabaseError:
        raise ServiceUnavailable(
            "The change was not made: its audit record could not be written.",
            code="audit_unavailable",
            retry_after_s=30,
        ) from None
