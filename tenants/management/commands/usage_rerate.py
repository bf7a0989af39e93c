"""Show what bills of a period would be with today's prices, and change them if told to."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.management.scripted import ScriptedCommand, day_read
from tenants.services.tenants import tenant_by_slug
from tenants.usage.rerating import usage_rerate


class Command(ScriptedCommand):
    help = (
        "Show, by model, which attempts of a period would cost something else with the prices that "
        "are known today for the moments when they began. With --apply their costs and every sum "
        "are changed, one day in each transaction, with an audit row."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--since", required=True, type=day_read, metavar="YYYY-MM-DD", help="first day, UTC"
        )
        parser.add_argument(
            "--until", required=True, type=day_read, metavar="YYYY-MM-DD", help="last day, UTC"
        )
        parser.add_argument("--model", default="", help="only the model of this name")
        parser.add_argument("--apply", action="store_true", help="change what is shown")

    def run(self, **options: Any) -> dict[str, Any]:
        found = usage_rerate(
            tenant=tenant_by_slug(options["tenant"]),
            since=options["since"],
            until=options["until"],
            model=options["model"],
            is_applied=options["apply"],
            actor=self.actor,
        )
        models = {name: rerated.as_json() for name, rerated in sorted(found.items())}
        return {"applied": options["apply"], "models": models}
