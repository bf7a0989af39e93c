"""What the operator's start page shows: counts over the shared tables, and the last days' usage."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q, Sum
from django.utils import timezone
from django_tenants.utils import get_public_schema_name

from providers.models import LLM
from tenants.models import SharedConnection, Tenant, TenantStatus, TenantUsageDaily

DAYS = 7


@dataclass(frozen=True)
class DayOfUsage:
    day: date
    requests: int = 0
    failed_requests: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class PlatformOverview:
    """`days` has each of the last seven days (UTC), today last, also where nothing was called."""

    tenants: int
    suspended_tenants: int
    catalog_models: int
    shared_connections: tuple[SharedConnection, ...]
    days: tuple[DayOfUsage, ...]

    @property
    def requests(self) -> int:
        return sum(day.requests for day in self.days)

    @property
    def tokens(self) -> int:
        return sum(day.tokens for day in self.days)


def platform_overview() -> PlatformOverview:
    """Four queries, whatever the number of tenants."""
    customers = Tenant.objects.exclude(schema_name=get_public_schema_name())
    counts = customers.aggregate(
        every=Count("pk"), suspended=Count("pk", filter=Q(status=TenantStatus.SUSPENDED))
    )
    return PlatformOverview(
        tenants=counts["every"],
        suspended_tenants=counts["suspended"],
        catalog_models=LLM.objects.filter(is_active=True, factory__is_active=True).count(),
        shared_connections=tuple(SharedConnection.objects.all()),
        days=_days(timezone.now().date()),
    )


def _days(today: date) -> tuple[DayOfUsage, ...]:
    wanted = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    rows = (
        TenantUsageDaily.objects.filter(day__gte=wanted[0], day__lte=today)
        .values("day")
        .annotate(
            calls=Sum("requests"),
            failures=Sum("failed_requests"),
            tokens=Sum("input_tokens") + Sum("output_tokens"),
        )
        .order_by("day")
    )
    known = {
        row["day"]: DayOfUsage(row["day"], row["calls"], row["failures"], row["tokens"])
        for row in rows
    }
    return tuple(known.get(day, DayOfUsage(day)) for day in wanted)
