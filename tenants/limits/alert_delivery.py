"""Sending an alert: as mail, and as a signed request to the tenant's webhook.

The request follows https://www.standardwebhooks.com: `webhook-id`, `webhook-timestamp` and
`webhook-signature`, which is `v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body` with
the secret. Repeats of one alert have one id.
"""

import asyncio
import base64
import hashlib
import hmac
import smtplib
from datetime import UTC, datetime

import orjson
from django.conf import settings
from django.core.mail import EmailMessage

from llmhub.base.errors import HubError
from llmhub.base.secret import Secret
from providers.protocols.failures import ProviderError
from providers.protocols.wire import ProviderRequest
from providers.transport import Deadlines, Transport
from tenants.keyring import keyring_of
from tenants.limits.alerts import DueAlert, alert_failed, alert_sent
from tenants.models import AlertTarget, Membership, Role

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
_DEADLINES = Deadlines(connect_s=5, first_byte_s=10, total_s=15)


class _NotSent(Exception):
    """Why, in a word for the row."""


def alert_deliver(alert: DueAlert) -> bool:
    """Send it by its way, and note how that went."""
    try:
        if alert.way == "mail":
            _mail(alert)
        else:
            _call(alert)
    except _NotSent as reason:
        alert_failed(alert, str(reason))
        return False
    alert_sent(alert)
    return True


def signature(secret: Secret, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.reveal().removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _mail(alert: DueAlert) -> None:
    addresses = _addresses(alert)
    if not addresses:
        return
    budget = alert.content["budget"]
    unit = "USD" if budget["unit"] == "usd" else "tokens"
    lines = [
        f"The budget '{budget['name']}' of {alert.content['tenant']} has reached "
        f"{alert.content['share']} %: {budget['spent']} of {budget['amount']} {unit}.",
        f"It begins anew at {budget['resets_at']}." if budget["resets_at"] else "",
        "Calls for which it has no room are refused." if alert.content["is_hard"] else "",
        f"An owner or admin can change it: PATCH /llm/budgets/{budget['id']}.",
    ]
    message = EmailMessage(
        subject=f"LLM Hub: {alert.content['share']} % of the budget '{budget['name']}' is spent",
        body="\n\n".join(line for line in lines if line),
        from_email=settings.HUB.hub_email_from,
        to=[addresses[0]],
        bcc=addresses[1:],
        headers={"Message-ID": f"<{alert.id}@llm-hub>"},
    )
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        raise _NotSent(type(error).__name__) from None


def _addresses(alert: DueAlert) -> list[str]:
    target = AlertTarget.objects.filter(tenant_id=alert.tenant_id).first()
    if target is not None and target.emails:
        return list(target.emails)
    people = Membership.objects.filter(
        tenant_id=alert.tenant_id, role__in=(Role.OWNER, Role.ADMIN), user__is_active=True
    )
    return list(people.order_by("created_at").values_list("user__email", flat=True))


def _call(alert: DueAlert) -> None:
    target = AlertTarget.objects.select_related("tenant").filter(tenant_id=alert.tenant_id).first()
    if target is None or not target.webhook_url:
        return
    keyring = keyring_of(target.tenant)
    table = target._meta.db_table
    opened = keyring.open(table=table, row_id=target.pk, sealed=target.sealed_secret)
    body = orjson.dumps({"id": str(alert.id), **alert.content})
    timestamp = int(datetime.now(UTC).timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": str(alert.id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(opened["secret"], str(alert.id), timestamp, body),
    }
    status = _post(ProviderRequest("POST", target.webhook_url, headers, body))
    if not 200 <= status < 300:
        raise _NotSent(f"HTTP {status}")


def _post(request: ProviderRequest) -> int:
    async def main() -> int:
        async with Transport(settings.HUB.hub_egress_allow) as transport:
            response = await transport.send(request, deadlines=_DEADLINES)
            response.close()
            return response.status

    try:
        return asyncio.run(main())
    except ProviderError as error:
        raise _NotSent(error.failure.message) from None
    except HubError as error:
        raise _NotSent(error.message) from None
