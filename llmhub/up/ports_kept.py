"""The embedded servers' ports: any free ones, and the same again on the next start if they can be.

A model that stays where it was needs no new address in the database, and a person's own tool finds
the database where it was.
"""

from pathlib import Path

from llmhub.embedded.ports import free_port, is_free
from llmhub.up.private_files import private_json_read, private_json_write

_SERVERS = ("postgres", "valkey", "model")


def ports_choose(data_dir: Path) -> dict[str, int]:
    """A free port for each embedded server; the choice is remembered in ports.json."""
    path = data_dir / "ports.json"
    try:
        before = private_json_read(path)
    except ValueError:
        before = {}
    ports: dict[str, int] = {}
    for name in _SERVERS:
        kept = before.get(name)
        is_usable = isinstance(kept, int) and kept not in ports.values() and is_free(kept)
        ports[name] = kept if is_usable and kept else free_port()
    if ports != before:
        private_json_write(path, ports)
    return ports
