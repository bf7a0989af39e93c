"""Catalog files for tests: a small factory, written to disk with what a test changes in it."""

import copy
import json
from pathlib import Path
from typing import Any

ACME: dict[str, Any] = {
    "name": "Acme",
    "revised": "2026-01-01",
    "logo": "AC",
    "tags": ["LLM"],
    "rank": 10,
    "is_local": False,
    "base_url_required": False,
    "docs_url": "https://acme.example/docs",
    "endpoints": {"chat": {"protocol": "openai", "base_url": "https://api.acme.example/v1"}},
    "credential_fields": [
        {"name": "api_key", "label": "API key", "is_secret": True, "is_required": True}
    ],
    "models": [
        {
            "name": "anvil-1",
            "types": ["chat"],
            "capabilities": ["streaming"],
            "context_tokens": 8000,
            "prices": [
                {"input_usd_per_mtok": "1.5", "output_usd_per_mtok": "6", "source": "shipped"}
            ],
        },
        {"name": "anvil-2", "types": ["chat"]},
    ],
}


def acme(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(ACME) | changes


def acme_model(**changes: Any) -> dict[str, Any]:
    """The file with one column or more of its first model changed."""
    content = acme()
    content["models"][0] |= changes
    return content


def write(folder: Path, content: Any, name: str = "acme.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
