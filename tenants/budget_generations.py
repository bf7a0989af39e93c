"""When the counters of a tenant's budgets no longer tell what its ledger says."""

from uuid import UUID

from django.db.models import F

from tenants.models import Tenant


def budgets_recount(tenant_id: UUID) -> None:
    """Have the counters made anew from the ledger, by the next call under a budget.

    For a change of what was spent, or of the moments at which periods begin. Belongs into a change
    that is in the snapshot: the gateway learns of it with the configuration's version.
    """
    Tenant.objects.filter(pk=tenant_id).update(budget_generation=F("budget_generation") + 1)
