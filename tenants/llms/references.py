"""What refers to a tenant's models: defaults and routes. Nothing is removed from under them."""

from dataclasses import dataclass

from django.db.models import QuerySet

from llmhub.base.errors import Conflict
from tenants.llms.models import ModelDefault, RouteTarget, TenantLLM


@dataclass(frozen=True)
class References:
    defaults: tuple[ModelDefault, ...]
    targets: tuple[RouteTarget, ...]

    def __bool__(self) -> bool:
        return bool(self.defaults or self.targets)

    def as_json(self) -> dict[str, list[str]]:
        return {
            "defaults": sorted(row.model_type for row in self.defaults),
            "routes": sorted({row.route.name for row in self.targets}),
        }

    def conflict(self) -> Conflict:
        """Names each, and what to do."""
        named = [f"the default {row.model_type} model" for row in self.defaults]
        named += sorted({f"the route {row.route.name}" for row in self.targets})
        return Conflict(
            f"Still in use by {', '.join(named)}. Choose another model there first, or send "
            "`force: true` to remove it from there too.",
            code="still_referenced",
            details=self.as_json(),
        )


def references_of(models: QuerySet[TenantLLM]) -> References:
    return References(
        tuple(ModelDefault.objects.filter(tenant_llm__in=models)),
        tuple(RouteTarget.objects.filter(tenant_llm__in=models).select_related("route")),
    )


def references_drop(references: References) -> None:
    """A default is cleared; a route loses the target."""
    for row in (*references.defaults, *references.targets):
        row.delete()
