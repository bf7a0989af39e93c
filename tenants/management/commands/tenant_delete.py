"""Delete a tenant with all that is its own."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenants.management.scripted import ScriptedCommand
from tenants.services.tenants import tenant_by_slug, tenant_delete


class Command(ScriptedCommand):
    help = "Delete a tenant: its schema, keys, tokens and usage. It cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def run(self, **options: Any) -> dict[str, Any]:
        tenant = tenant_by_slug(options["slug"])
        if not (options["yes"] or options["json"]) and not self._is_confirmed(tenant.slug):
            raise CommandError("Nothing was deleted.")
        tenant_delete(tenant=tenant, actor=self.actor)
        return {"deleted": options["slug"]}

    def _is_confirmed(self, slug: str) -> bool:
        return input(f"This deletes everything of {slug}. Type {slug} to go on: ") == slug
