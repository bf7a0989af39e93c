from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.tools.wheel import chat, litellm_wheel
from tools.catalog.facts import ModelFacts
from tools.catalog.litellm_table import LiteLLMTable


def facts(folder: Path, rows: dict[str, dict[str, Any]], *ids: str) -> dict[str, ModelFacts]:
    found = LiteLLMTable(litellm_wheel(folder, rows)).facts(ids or ("acme",))
    return {model.llm_name: model for model in found}


def test_a_row_becomes_facts(tmp_path):
    row = chat(
        max_output_tokens=500,
        supports_function_calling=True,
        supports_vision=True,
        deprecation_date="2027-01-31",
        input_cost_per_token=2.5e-06,
        output_cost_per_token=1e-05,
        input_cost_per_token_above_200k_tokens=5e-06,
    )
    model = facts(tmp_path, {"acme/anvil": row})["anvil"]
    assert (model.types, model.capabilities) == (
        ("chat", "image2text"),
        ("streaming", "tools", "vision"),
    )
    assert (model.context_tokens, model.max_output_tokens) == (1000, 500)
    assert model.deprecated_on == date(2027, 1, 31)
    assert model.prices == (
        {
            "input_usd_per_mtok": "2.5",
            "output_usd_per_mtok": "10",
            "tiers": [{"above_input_tokens": 200_000, "input_usd_per_mtok": "5"}],
            "source": "shipped",
            "note": "litellm 1.2.3",
        },
    )


@pytest.mark.parametrize(
    ("mode", "cost", "price"),
    [
        ("audio_speech", {"input_cost_per_character": 1.5e-05}, {"usd_per_mchar": "15"}),
        ("audio_transcription", {"input_cost_per_second": 0.0001}, {"usd_per_second": "0.0001"}),
        (
            "rerank",
            {"input_cost_per_query": 0.002, "input_cost_per_token": 0.0},
            {"usd_per_request": "0.002"},
        ),
        (
            "embedding",
            {"input_cost_per_token": 2e-08, "output_cost_per_token": 0.0},
            {"input_usd_per_mtok": "0.02"},
        ),
    ],
)
def test_each_type_has_its_unit(tmp_path, mode, cost, price):
    (found,) = facts(tmp_path, {"anvil": chat(mode=mode, **cost)})["anvil"].prices
    assert {name: figure for name, figure in found.items() if "usd" in name} == price


@pytest.mark.parametrize(
    "row",
    [
        chat(mode="image_generation"),
        chat(mode="responses", supported_endpoints=["/v1/responses"]),
        chat(mode="chat", supported_endpoints=["/v1/realtime"]),
        chat(mode="moderation"),
    ],
)
def test_what_the_hub_does_not_serve_is_left_out_and_known_as_such(tmp_path, row):
    table = LiteLLMTable(litellm_wheel(tmp_path, {"anvil": row}))
    assert table.facts(["acme"]) == []
    assert table.unserved(["acme"]) == {"anvil"}


def test_a_figure_of_nothing_is_no_price(tmp_path):
    row = chat(input_cost_per_token=0.0, output_cost_per_token=0.0)
    assert facts(tmp_path, {"anvil": row})["anvil"].prices == ()


def test_what_is_left_of_a_window_is_made_whole(tmp_path):
    row = chat(max_input_tokens=272_000, max_output_tokens=128_000)
    assert facts(tmp_path, {"anvil": row})["anvil"].context_tokens == 400_000


def test_rows_of_one_region_are_left_out(tmp_path):
    rows = {
        "azure/gpt": chat(litellm_provider="azure"),
        "azure/eu/gpt": chat(litellm_provider="azure"),
        "bedrock/us-east-1/claude": chat(litellm_provider="bedrock"),
        "eu.claude": chat(litellm_provider="bedrock"),
    }
    assert set(facts(tmp_path, rows, "azure", "bedrock")) == {"gpt", "eu.claude"}


def test_another_file_than_the_wheel_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a wheel of litellm"):
        LiteLLMTable(tmp_path / "table.json")
