"""Where a tenant's alerts go."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from llmhub.base.errors import InvalidRequest
from llmhub.base.secret import Secret
from providers.addresses import check_url
from tenants.actors import Actor
from tenants.audit.services import tenant_change
from tenants.keyring import keyring_of
from tenants.limits.alert_delivery import SECRET_PREFIX
from tenants.models import AlertTarget, Tenant

_SECRET_BYTES = 32


@dataclass(frozen=True)
class SavedTarget:
    """`secret` is there where a new one was made: it is shown to the person who asked, once."""

    target: AlertTarget
    secret: Secret | None


def alert_target_save(
    *, tenant: Tenant, emails: Sequence[str], webhook_url: str, actor: Actor
) -> SavedTarget:
    """The first webhook gets a secret. Raises InvalidRequest and AddressForbidden."""
    if webhook_url:
        _require_allowed(webhook_url)
    with tenant_change(
        tenant=tenant, actor=actor, action="alerts.update", is_in_snapshot=False
    ) as change:
        row = _locked(tenant)
        change.about("alerts", row.pk, tenant.slug)
        change.before = alert_target_json(row)
        row.emails, row.webhook_url = list(dict.fromkeys(emails)), webhook_url
        _clean(row)
        secret = _new_secret(tenant, row) if webhook_url and not row.sealed_secret else None
        change.after = alert_target_json(row)
        if change.before == change.after and not row._state.adding:
            change.nothing_changed()
        row.save()
    return SavedTarget(row, secret)


def alert_secret_renew(*, tenant: Tenant, actor: Actor) -> SavedTarget:
    """From now on alerts are signed with another secret."""
    with tenant_change(
        tenant=tenant, actor=actor, action="alerts.secret", is_in_snapshot=False
    ) as change:
        row = _locked(tenant)
        change.about("alerts", row.pk, tenant.slug)
        change.before = alert_target_json(row)
        secret = _new_secret(tenant, row)
        change.after = alert_target_json(row)
        row.save()
    return SavedTarget(row, secret)


def alert_target_get(*, tenant: Tenant) -> AlertTarget:
    """One that says nothing where nobody has set any."""
    return AlertTarget.objects.filter(tenant=tenant).first() or AlertTarget(tenant=tenant)


def alert_target_json(row: AlertTarget) -> dict[str, object]:
    return {
        "emails": list(row.emails),
        "webhook_url": row.webhook_url,
        "secret_last4": row.secret_last4,
    }


def _locked(tenant: Tenant) -> AlertTarget:
    row = AlertTarget.objects.select_for_update().filter(tenant=tenant).first()
    return row or AlertTarget(tenant=tenant)


def _new_secret(tenant: Tenant, row: AlertTarget) -> Secret:
    key = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    secret = Secret(SECRET_PREFIX + key)
    row.sealed_secret = keyring_of(tenant).seal(
        table=row._meta.db_table, row_id=row.pk, credentials={"secret": secret}
    )
    row.secret_last4 = secret.last4()
    return secret


def _require_allowed(url: str) -> None:
    """Its address is checked again with each alert, when the connection is made."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        raise InvalidRequest(
            "webhook_url wants an address such as https://example.com/alerts.", field="webhook_url"
        )
    check_url(url, settings.HUB.hub_egress_allow, field="webhook_url")


def _clean(row: AlertTarget) -> None:
    try:
        row.full_clean(validate_unique=False, exclude=["tenant"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{field}: {' '.join(messages)}", field=field) from None
