import json
from pathlib import Path
from typing import Any

import pytest

from providers.catalog.check import EXPLANATIONS, CheckResult, catalog_compare, explanations_read
from providers.catalog.files import catalog_read
from providers.catalog.reader import CatalogError
from tests.providers.catalog.files import acme, write

CHAT = {"chat": {"protocol": "openai", "default_base_url": None}}


def compare(tmp_path: Path, rows: str, *, factories: Any = (), explained: Any = ()) -> CheckResult:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"factories": list(factories)}))
    models = tmp_path / "models.csv"
    models.write_text("factory,model,types,max_tokens,tools\n" + rows)
    explanations = tmp_path / "explanations.json"
    explanations.write_text(json.dumps({"differences": list(explained)}))
    return catalog_compare(
        catalog_read(write(tmp_path, acme())),
        factories=facts,
        models=models,
        explanations=explanations,
    )


def found(result: CheckResult) -> list[str]:
    return [str(difference) for difference in result.unexplained]


def test_facts_that_agree_make_no_difference(tmp_path):
    factories = [{"name": "Acme", "protocols": CHAT}]
    result = compare(
        tmp_path, "Acme,anvil-1,chat,8000,1\nAcme,anvil-2,chat,,0\n", factories=factories
    )
    assert found(result) == []


def test_what_is_missing_is_named(tmp_path):
    factories = [
        {"name": "Bolts", "protocols": CHAT},
        {"name": "Acme", "protocols": CHAT | {"asr": {"protocol": "deepgram"}}},
    ]
    result = compare(tmp_path, "Acme,anvil-3,chat,8000,1\n", factories=factories)
    assert found(result) == [
        "Bolts: factory: there openai, here none",
        "Acme: endpoint: there asr, here none",
        "Acme: anvil-3: model: there chat, here none",
    ]


def test_other_sizes_and_types_are_named(tmp_path):
    result = compare(tmp_path, "Acme,anvil-1,chat+vision,16000,1\n")
    assert found(result) == [
        "Acme: anvil-1: types: there chat+vision, here chat",
        "Acme: anvil-1: context: there 16000, here 8000",
    ]


def test_an_explanation_explains_what_it_describes_and_no_more(tmp_path):
    explained = [{"kind": "context", "model": "anvil-*", "there": "16000", "reason": "Old."}]
    rows = "Acme,anvil-1,chat,16000,1\nAcme,anvil-2,chat,4000,0\n"
    result = compare(tmp_path, rows, explained=explained)
    assert found(result) == ["Acme: anvil-2: context: there 4000, here none"]
    assert result.unused == ()


def test_rounding_is_explained_within_its_limit(tmp_path):
    explained = [{"kind": "context", "within_percent": 5, "reason": "Rounded."}]
    assert found(compare(tmp_path, "Acme,anvil-1,chat,8192,1\n", explained=explained)) == []
    assert found(compare(tmp_path, "Acme,anvil-1,chat,8500,1\n", explained=explained))
    assert found(compare(tmp_path, "Acme,anvil-2,chat,8192,1\n", explained=explained))


def test_an_explanation_without_a_difference_is_out_of_date(tmp_path):
    explained = [{"kind": "model", "factory": "Gone", "reason": "It was."}]
    result = compare(tmp_path, "", explained=explained)
    assert [explanation.reason for explanation in result.unused] == ["It was."]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"kind": "price", "reason": "x"}, "kind: wants one of factory, endpoint, model"),
        ({"kind": "model"}, "reason: is missing"),
        ({"kind": "model", "reason": "x", "why": "y"}, "why: is not a field"),
    ],
)
def test_a_broken_explanation_is_refused(tmp_path, entry, complaint):
    with pytest.raises(CatalogError, match=complaint):
        compare(tmp_path, "", explained=[entry])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CatalogError, match=r"none\.json: cannot be read"):
        catalog_compare([], factories=tmp_path / "none.json", models=tmp_path / "none.csv")


def test_every_shipped_explanation_has_a_reason_in_words():
    for explanation in explanations_read(EXPLANATIONS):
        assert len(explanation.reason.split()) >= 4
        assert explanation.reason.endswith(".")
