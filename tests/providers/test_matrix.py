from pathlib import Path

import pytest

from llmhub.base.model_types import ModelType
from providers.catalog.files import SHIPPED, catalog_read
from providers.evidence import EVIDENCE, Against, evidence_of
from providers.matrix import PROBES, UNSERVED, matrix_rows
from providers.protocols.registry import PROTOCOLS, protocol_serves

ROOT = Path(__file__).parents[2]
ENTRIES = catalog_read(SHIPPED)
ROWS = matrix_rows(ENTRIES)


def test_every_type_of_every_factory_has_a_row() -> None:
    claimed = {(e.name, ModelType(t)) for e in ENTRIES for t in e.endpoints}
    assert {(row.factory, row.model_type) for row in ROWS} == claimed
    assert len(ROWS) == len(claimed)


def test_nothing_is_claimed_that_no_protocol_serves_but_what_is_explained() -> None:
    unserved = {(row.factory, row.model_type) for row in ROWS if not row.is_served}
    assert unserved == set(UNSERVED)
    assert all(UNSERVED.values())


def test_no_model_has_a_type_that_its_factory_does_not() -> None:
    for entry in ENTRIES:
        for model in entry.models:
            assert set(model.model_types) <= set(entry.endpoints), model.llm_name


def test_a_row_of_what_is_served_says_how_that_is_known() -> None:
    for row in ROWS:
        assert protocol_serves(row.protocol, row.model_type) == row.is_served
        if row.is_served:
            assert row.probe == PROBES[row.model_type]
            assert row.tested, f"{row.protocol} {row.model_type}"
        else:
            assert row.probe == "cannot be probed"
            assert row.tested == ()


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_each_type_of_each_protocol_has_evidence(name: str) -> None:
    for model_type in PROTOCOLS[name].serves:
        assert evidence_of(name, model_type), model_type


def test_the_evidence_is_of_protocols_that_there_are() -> None:
    assert set(EVIDENCE) == set(PROTOCOLS)


@pytest.mark.parametrize("name", sorted(EVIDENCE))
def test_the_tests_that_are_named_are_there_and_speak_of_the_protocol(name: str) -> None:
    for evidence in EVIDENCE[name]:
        path = ROOT / evidence.test
        assert path.is_file(), evidence.test
        text = path.read_text().lower().replace("_", "-")
        words = {name, name.partition("-")[0]}
        # The real server is llama.cpp, by its own name.
        assert any(word in text for word in words) or evidence.against is Against.REAL


def test_a_type_without_evidence_has_none() -> None:
    assert evidence_of("jina", ModelType.CHAT) == ()
    assert evidence_of("nothing", ModelType.CHAT) == ()
    assert evidence_of("openai", ModelType.CHAT) == (
        Against.RECORDED,
        Against.CLIENT,
        Against.EMULATOR,
        Against.REAL,
    )
