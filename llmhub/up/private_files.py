"""JSON files that only their owner reads, written whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def private_json_write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file in one step; it reaches the disk before anything built on it does."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def private_json_read(path: Path) -> dict[str, Any]:
    """The object in a file, or an empty one where there is none; raises ValueError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} does not hold a JSON object")
    return content
