"""The shared tables: tenants, people, tokens and what the operator grants."""

from tenants.models.access_token import AccessToken, Scope
from tenants.models.alerts import AlertTarget, BudgetAlert
from tenants.models.audit_fields import OperatorAuditEntry
from tenants.models.budget_hold import BudgetHold
from tenants.models.connection_fields import ConnectionState
from tenants.models.people import Membership, Role, User
from tenants.models.plan import Plan
from tenants.models.schema_template import SchemaTemplate
from tenants.models.shared_connection import SharedConnection, SharedModel
from tenants.models.spare_schema import SpareSchema
from tenants.models.tenant import Domain, Tenant, TenantDataKey, TenantStatus
from tenants.models.tenant_usage import TenantUsageDaily

__all__ = [
    "AccessToken",
    "AlertTarget",
    "BudgetAlert",
    "BudgetHold",
    "ConnectionState",
    "Domain",
    "Membership",
    "OperatorAuditEntry",
    "Plan",
    "Role",
    "SchemaTemplate",
    "Scope",
    "SharedConnection",
    "SharedModel",
    "SpareSchema",
    "Tenant",
    "TenantDataKey",
    "TenantStatus",
    "TenantUsageDaily",
    "User",
]
