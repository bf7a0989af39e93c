"""Create a tenant with its owner and a first token."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.management.scripted import ScriptedCommand
from tenants.services.access_tokens import TokenFacts, token_create
from tenants.services.tenants import tenant_create


class Command(ScriptedCommand):
    help = "Create a tenant; prints its slug, its owner and a token with every scope, once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--name", default="", help="what people read; default: the slug")
        parser.add_argument("--owner", required=True, metavar="EMAIL")

    def run(self, **options: Any) -> dict[str, Any]:
        created = tenant_create(
            slug=options["slug"],
            name=options["name"],
            owner_email=options["owner"],
            actor=self.actor,
        )
        issued = token_create(
            tenant=created.tenant,
            facts=TokenFacts(name="first token"),
            actor=self.actor,
            created_by=created.owner,
        )
        return {
            "tenant": created.tenant.slug,
            "owner": created.owner.email,
            "token": issued.secret.reveal(),
        }
