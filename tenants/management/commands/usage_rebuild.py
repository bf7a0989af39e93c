"""Make a tenant's sums anew from its events."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.management.scripted import ScriptedCommand, day_read
from tenants.services.tenants import tenant_by_slug
from tenants.usage.rollups import usage_days, usage_rollup_rebuild


class Command(ScriptedCommand):
    help = (
        "Replace a tenant's sums (by hour, by day, and the operator's) by those of its events. "
        "Days of which events were dropped keep theirs. Can run beside everything, be stopped, "
        "and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--since", type=day_read, metavar="YYYY-MM-DD", help="first day, UTC")
        parser.add_argument("--until", type=day_read, metavar="YYYY-MM-DD", help="last day, UTC")

    def run(self, **options: Any) -> dict[str, Any]:
        tenant = tenant_by_slug(options["tenant"])
        since, until = options["since"], options["until"]
        rebuilt, left = 0, 0
        for day in usage_days(tenant):
            if (since is not None and day < since) or (until is not None and day > until):
                continue
            if usage_rollup_rebuild(tenant=tenant, day=day):
                rebuilt += 1
            else:
                left += 1
        return {"days_rebuilt": rebuilt, "days_without_all_events": left}
