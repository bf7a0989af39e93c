"""GET /v1/me: what a token is, what it may do, and what is left of it."""

from typing import Any

from gateway.admit import Admission
from gateway.errors import TooBusy
from gateway.sync_units import DatabaseAway, SyncUnits
from tenants.limits.overview import token_overview


async def me_get(admission: Admission, units: SyncUnits) -> dict[str, Any]:
    """Raises TooBusy while PostgreSQL is away."""
    token = admission.token
    try:
        found = await units.run(token_overview, admission.snapshot.tenant_id, token.id)
    except DatabaseAway:
        raise TooBusy(
            "The hub cannot look up what was used at the moment. Try again shortly.",
            code="database_unavailable",
            retry_after_s=2,
        ) from None
    return {
        "object": "me",
        "token": {
            "id": token.id,
            "name": token.name,
            "scopes": sorted(token.scopes),
            "allowed_models": sorted(token.allowed_models),
            "expires_at": token.expires_at,
        },
        **found,
    }
