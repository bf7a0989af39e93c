"""A broken file is refused with the file, the factory and the field in the message."""

from typing import Any

import pytest

from providers.catalog.files import catalog_read
from providers.catalog.reader import CatalogError
from tests.providers.catalog.files import acme, acme_model, write

OVERLAPPING = [
    {"input_usd_per_mtok": "1", "source": "shipped"},
    {"input_usd_per_mtok": "2", "source": "shipped", "from": "2026-01-01"},
]


def price(**fields: Any) -> dict[str, Any]:
    return acme_model(prices=[{"source": "shipped", "input_usd_per_mtok": "1"} | fields])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", r"acme\.json: is not JSON"),
        ("[]", r"acme\.json: wants an object"),
        ('{"name": "A", "name": "B"}', r"'name' stands twice"),
        ("[" * 100_000, r"acme\.json: is not JSON"),
        ({"name": "Acme"}, r"acme\.json: Acme: revised: is missing"),
        (acme(name=""), r"acme\.json: name: is empty"),
        (acme(name="A@B"), r"acme\.json: name: A factory's name has no @"),
        (acme(name="A\u202eB"), r"acme\.json: name: A name has no control characters"),
        (acme(revised="soon"), r"Acme: revised: wants a date"),
        (acme(rank="10"), r"Acme: rank: wants a whole number"),
        (acme(rank=True), r"Acme: rank: wants a whole number"),
        (acme(tags=["LLMS"]), r"Acme: tags: 'LLMS' is not one of LLM, TEXT EMBEDDING"),
        (acme(tags=["LLM", "LLM"]), r"Acme: tags: names one twice"),
        (acme(is_local="no"), r"Acme: is_local: wants true or false"),
        (acme(docs_url="http://acme.example"), r"Acme: docs_url: Enter a valid URL"),
        (acme(logo="../secret"), r"Acme: logo: A logo is a file"),
        (acme(colour="red"), r"Acme: colour: is not a field of the catalog"),
        (acme(endpoints=[]), r"Acme: endpoints: wants an object"),
        (acme(endpoints={"talk": {}}), r"Acme: endpoints: 'talk' is not a model type"),
        (acme(endpoints={"chat": {"protocol": "openai"}}), r"endpoints: chat: an endpoint has"),
        (
            acme(endpoints={"chat": {"protocol": "openai", "base_url": "ftp://acme.example"}}),
            r"endpoints: chat: a base URL is",
        ),
        (
            acme(endpoints={"embedding": {"protocol": "openai", "base_url": ""}}),
            r"Acme: endpoints: chat is missing; anvil-1 is of this type",
        ),
        (acme(credential_fields={}), r"Acme: credential_fields: wants a list"),
        (acme(credential_fields=["key"]), r"credential_fields: A credential field has exactly"),
        (
            acme(credential_fields=[acme()["credential_fields"][0] | {"pattern": "("}]),
            r"credential_fields: api_key: the pattern is not a regular expression",
        ),
        (acme(models=[{}]), r"acme\.json: Acme: models\[0\]: name: is missing"),
        (acme(models=acme()["models"] * 2), r"Acme: the model 'anvil-1' stands twice"),
        (acme_model(types=[]), r"Acme: models\[0\]: anvil-1: types: is empty"),
        (acme_model(types=["talk"]), r"anvil-1: types: 'talk' is not one of chat, embedding"),
        (acme_model(context_tokens=0), r"anvil-1: context_tokens: wants a whole number from 1"),
        (acme_model(deprecated_on=5), r"anvil-1: deprecated_on: wants a date"),
        (price(source="hand"), r"anvil-1: prices\[0\]: source: wants one of genai-prices, shipped"),
        (price(input_usd_per_mtok=1.5), r"prices\[0\]: input_usd_per_mtok: wants a text"),
        (price(input_usd_per_mtok="a"), r"input_usd_per_mtok: wants a text"),
        (price(input_usd_per_mtok="-1"), r"input_usd_per_mtok: wants a figure from 0"),
        (price(input_usd_per_mtok="NaN"), r"input_usd_per_mtok: wants a figure from 0"),
        (price(input_usd_per_mtok="0.0000001"), r"has more than 6 digits after the point"),
        (price(until="1969-01-01"), r"prices\[0\]: until: wants a day after"),
        (acme_model(prices=[{"source": "shipped"}]), r"a price has one figure at least"),
        (acme_model(prices=OVERLAPPING), r"anvil-1: prices: two prices from shipped hold at the"),
    ],
)
def test_it_names_what_is_wrong(tmp_path, content, complaint):
    with pytest.raises(CatalogError, match=complaint):
        catalog_read(write(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CatalogError, match=r"acme\.json: cannot be read: No such file"):
        catalog_read(tmp_path / "acme.json")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(CatalogError, match=r"holds no \*\.json file"):
        catalog_read(tmp_path)


def test_two_files_for_one_factory_are_refused(tmp_path):
    write(tmp_path, acme())
    write(tmp_path, acme(), "other.json")
    with pytest.raises(CatalogError, match="the factory 'Acme' stands twice"):
        catalog_read(tmp_path)
