"""A wheel of litellm with a table of our own: the real one has 41 MB."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

TABLE = "litellm/model_prices_and_context_window_backup.json"


def litellm_wheel(folder: Path, rows: dict[str, dict[str, Any]]) -> Path:
    path = folder / "litellm-1.2.3-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        wheel.writestr(TABLE, json.dumps({"sample_spec": {"mode": "chat"}} | rows))
    return path


def chat(**fields: Any) -> dict[str, Any]:
    return {"litellm_provider": "acme", "mode": "chat", "max_input_tokens": 1000} | fields
