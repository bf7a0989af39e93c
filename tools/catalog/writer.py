"""Writing a catalog file: one key a line, a model in a few lines, so that a change reads well."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_FACT_KEYS = ("context_tokens", "max_output_tokens", "deprecated_on", "is_active")
_SOURCE_KEYS = ("source", "sources")


def catalog_text(factory: dict[str, Any]) -> str:
    """The whole file. Keys keep the order they have, the models come last."""
    head = [
        f"  {_json(key)}: {_value(key, value)}" for key, value in factory.items() if key != "models"
    ]
    models = ",\n".join(f"    {_model(model)}" for model in factory["models"])
    last = f'  "models": [\n{models}\n  ]' if models else '  "models": []'
    return "{\n" + ",\n".join([*head, last]) + "\n}\n"


def catalog_write(path: Path, factory: dict[str, Any]) -> bool:
    """Whether the file has changed."""
    text = catalog_text(factory)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def _value(key: str, value: Any) -> str:
    if key == "endpoints" or (key == "sources" and value):
        return _lines("{", (f"{_json(k)}: {_json(v)}" for k, v in value.items()), "}")
    if key == "regions":
        return _lines("[", (_json(region) for region in value), "]")
    if key == "credential_fields" and value:
        return _lines("[", (_field(field) for field in value), "]")
    return _json(value)


def _lines(opening: str, parts: Iterable[str], closing: str) -> str:
    return opening + "\n" + ",\n".join(f"    {part}" for part in parts) + f"\n  {closing}"


def _field(field: dict[str, Any]) -> str:
    parts = ",\n".join(f"      {_json(key)}: {_json(value)}" for key, value in field.items())
    return "{\n" + parts + "\n    }"


def _model(model: dict[str, Any]) -> str:
    rows = [_row(model, ("name", "types"))]
    rows += [_row(model, ("capabilities",)), _row(model, _FACT_KEYS), _row(model, _SOURCE_KEYS)]
    if model.get("prices"):
        rows.append('"prices": ' + _prices(model["prices"]))
    return "{" + ",\n     ".join(row for row in rows if row) + "}"


def _row(model: dict[str, Any], keys: Iterable[str]) -> str:
    return ", ".join(f"{_json(key)}: {_json(model[key])}" for key in keys if key in model)


def _prices(prices: list[dict[str, Any]]) -> str:
    if len(prices) == 1:
        return "[" + _json(prices[0]) + "]"
    return "[\n" + ",\n".join(f"       {_json(price)}" for price in prices) + "]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
