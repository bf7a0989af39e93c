"""Wrap every tenant's data key with the first of FERNET_KEYS."""

from typing import Any

from tenants.keyring import data_keys_rewrap
from tenants.management.scripted import ScriptedCommand


class Command(ScriptedCommand):
    help = (
        "After a new key was put first in FERNET_KEYS and every process restarted: wrap all data "
        "keys with it. Can be stopped and run again; then the old key can be removed."
    )

    def run(self, **options: Any) -> dict[str, Any]:
        return {"rewrapped": data_keys_rewrap()}
