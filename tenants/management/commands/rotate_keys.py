"""Wrap every tenant's data key with the first of FERNET_KEYS."""

from typing import Any

from tenants.audit.services import operator_change
from tenants.keyring import data_keys_rewrap
from tenants.management.scripted import ScriptedCommand


class Command(ScriptedCommand):
    help = (
        "After a new key was put first in FERNET_KEYS and every process restarted: wrap all data "
        "keys with it. Can be stopped and run again; then the old key can be removed."
    )

    def run(self, **options: Any) -> dict[str, Any]:
        rewrapped = data_keys_rewrap()
        with operator_change(
            actor=self.actor, action="keys.rotate", is_in_snapshot=False
        ) as change:
            change.about("data_keys", "", "every tenant's data keys")
            change.after = {"rewrapped": rewrapped}
            if not rewrapped:
                change.nothing_changed()
        return {"rewrapped": rewrapped}
