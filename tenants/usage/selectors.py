"""Reading what was used."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from tenants.models import Tenant
from tenants.tenancy import in_schema
from tenants.usage.models import UsageDaily


@dataclass(frozen=True)
class ModelDay:
    """A day (UTC) of a model on a connection. `requests` counts attempts that reached the provider,
    the failed ones among them."""

    day: date
    llm_factory: str
    connection_name: str
    llm_name: str
    model_type: str
    requests: int
    failed_requests: int
    input_tokens: int
    output_tokens: int


_BY = ("day", "llm_factory", "connection_name", "llm_name", "model_type")
_SUMS = ("requests", "failed_requests", "input_tokens", "output_tokens")


def usage_by_model_and_day(tenant: Tenant, since: date, until: date) -> list[ModelDay]:
    """From `since` to `until`, both included; the latest day first, then by factory and model."""
    with in_schema(tenant):
        rows = UsageDaily.objects.filter(day__gte=since, day__lte=until).values(*_BY)
        sums = rows.annotate(**{f"sum_{name}": Sum(name) for name in _SUMS})
        return [
            ModelDay(
                **{name: row[name] for name in _BY},
                **{name: row[f"sum_{name}"] for name in _SUMS},
            )
            for row in sums.order_by("-day", *_BY[1:])
        ]
