"""Issue a token of a tenant."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.management.scripted import ScriptedCommand
from tenants.services.access_tokens import ALL_SCOPES, TokenFacts, scopes_parse, token_create
from tenants.services.tenants import tenant_by_slug


class Command(ScriptedCommand):
    help = "Issue a token; prints it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--scopes", default=",".join(ALL_SCOPES), metavar="A,B")

    def run(self, **options: Any) -> dict[str, Any]:
        facts = TokenFacts(name=options["name"], scopes=scopes_parse(options["scopes"].split(",")))
        tenant = tenant_by_slug(options["slug"])
        issued = token_create(tenant=tenant, facts=facts, actor=self.actor)
        return {"token": issued.secret.reveal()}
