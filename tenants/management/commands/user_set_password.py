"""Set someone's password."""

import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from llmhub.base.secret import Secret
from tenants.management.scripted import ScriptedCommand
from tenants.selectors.users import user_by_email
from tenants.services.users import user_set_password


class Command(ScriptedCommand):
    help = "Set a user's password, so that they can sign in; their other sessions end."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read it from standard input, one line"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        user = user_by_email(options["email"])
        password = _read_line() if options["password_stdin"] else _prompt(user.email)
        user_set_password(user=user, password=password, actor=self.actor)
        return {"user": user.email, "password": "set"}


def _read_line() -> Secret:
    return Secret(sys.stdin.readline().rstrip("\r\n"))


def _prompt(email: str) -> Secret:
    first = Secret(getpass.getpass(f"New password of {email}: "))
    if first != Secret(getpass.getpass("The same again: ")):
        raise CommandError("The two are not equal. Nothing was changed.")
    return first
