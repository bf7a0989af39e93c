"""What the catalog that comes with the hub promises about itself."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from llmhub.base.model_types import ModelType
from llmhub.config import ROOT
from providers.catalog.files import SHIPPED, FactoryEntry, catalog_read
from providers.credentials import CredentialField
from providers.models import Tag

FACTORIES = {entry.name: entry for entry in catalog_read(SHIPPED)}

# The table of providers: what each serves.
SERVES = {
    "OpenAI": "chat embedding tts speech2text image2text image moderation",
    "Anthropic": "chat image2text",
    "Azure-OpenAI": "chat embedding image2text speech2text",
    "Google Cloud": "chat embedding",
    "LocalAI": "chat embedding rerank",
    "VLLM": "chat embedding rerank",
    "OpenAI-API-Compatible": "chat embedding rerank",
    "Ollama": "chat embedding image2text",
    "HuggingFace": "chat embedding rerank",
    "Builtin": "chat embedding",
}
TAGS = {
    ModelType.CHAT: Tag.LLM,
    ModelType.EMBEDDING: Tag.TEXT_EMBEDDING,
    ModelType.RERANK: Tag.TEXT_RERANK,
    ModelType.IMAGE2TEXT: Tag.IMAGE2TEXT,
    ModelType.SPEECH2TEXT: Tag.SPEECH2TEXT,
    ModelType.TTS: Tag.TTS,
    ModelType.IMAGE: Tag.IMAGE,
    ModelType.MODERATION: Tag.MODERATION,
}

every_factory = pytest.mark.parametrize("entry", FACTORIES.values(), ids=FACTORIES.keys())


def test_it_has_the_ten_factories_with_their_types():
    assert set(FACTORIES) == set(SERVES)
    for name, served in SERVES.items():
        assert set(served.split()) <= set(FACTORIES[name].endpoints), name


def test_openai_stands_first():
    assert max(FACTORIES.values(), key=lambda entry: entry.rank).name == "OpenAI"


@every_factory
def test_default_addresses_are_https(entry: FactoryEntry):
    urls = [endpoint["base_url"] for endpoint in entry.endpoints.values()]
    assert {urlsplit(url).scheme for url in urls if url} <= {"https"}
    assert not entry.base_url_required or not any(urls)


@every_factory
def test_tags_say_what_the_endpoints_serve(entry: FactoryEntry):
    served = {TAGS[ModelType(model_type)] for model_type in entry.endpoints}
    assert served - {Tag.MODERATION} == set(entry.tags) - {Tag.MODERATION}


@every_factory
def test_credential_fields_are_usable(entry: FactoryEntry):
    for field in entry.credential_fields:
        assert CredentialField.from_json(field).label


@every_factory
def test_the_logo_is_a_file_of_the_hub(entry: FactoryEntry):
    assert (ROOT / "static" / entry.logo).is_file()


@every_factory
def test_image_models_and_vision_go_together(entry: FactoryEntry):
    for model in entry.models:
        sees = "vision" in model.capabilities
        assert (ModelType.IMAGE2TEXT in model.model_types) == sees, model.llm_name


@every_factory
def test_limits_are_consistent(entry: FactoryEntry):
    for model in entry.models:
        if ModelType.CHAT in model.model_types:
            assert model.context_tokens, model.llm_name
        if model.max_output_tokens and model.context_tokens:
            assert model.max_output_tokens <= model.context_tokens, model.llm_name


@every_factory
def test_a_model_that_retired_half_a_year_ago_is_not_offered(entry: FactoryEntry):
    limit = entry.revised - timedelta(days=184)
    for model in entry.models:
        if model.deprecated_on and model.deprecated_on <= limit:
            assert not model.is_active, model.llm_name


@every_factory
def test_only_the_hubs_own_model_and_moderation_are_free(entry: FactoryEntry):
    for model in entry.models:
        if model.model_types == (ModelType.MODERATION.value,):
            continue
        for price in model.prices:
            is_free = not any(price.figures.values())
            assert is_free == (entry.name == "Builtin"), model.llm_name


@pytest.mark.parametrize(
    ("factory", "field", "good", "bad"),
    [
        ("OpenAI", "api_key", ["sk-abc123", "sk-proj-a_b-C9", "sk-svcacct-x", "sk-None-x"], ["k"]),
        ("Anthropic", "api_key", ["sk-ant-api03-a_b-C"], ["sk-proj-a", "key"]),
        ("Azure-OpenAI", "api_key", ["0123456789abcdef0123456789abcdef"], ["a b", "short"]),
        ("Azure-OpenAI", "api_version", ["2024-10-21", "2025-04-01-preview", "v1"], ["2024"]),
        ("Google Cloud", "google_project_id", ["my-project-1", "example.com:my-project"], ["My"]),
        ("Google Cloud", "google_region", ["us-central1", "europe-west4", "global"], ["mars"]),
        (
            "Google Cloud",
            "google_service_account_key",
            ['{"type":\n "service_account"}', "eyJ0eXBlIjoi\nZm9v+/w=="],
            ["{", "no key!"],
        ),
        ("HuggingFace", "api_key", ["hf_AbC123"], ["AbC123"]),
        ("Ollama", "api_key", [], []),
    ],
)
def test_key_formats(factory, field, good, bad):
    fields = {f["name"]: f for f in FACTORIES[factory].credential_fields}
    pattern = re.compile(fields[field]["pattern"])
    assert all(pattern.fullmatch(key) for key in good)
    assert not any(pattern.fullmatch(key) for key in bad)


@pytest.mark.parametrize("name", ["LocalAI", "VLLM", "OpenAI-API-Compatible", "Ollama"])
def test_a_self_hosted_provider_needs_an_address_and_no_key(name):
    entry = FACTORIES[name]
    assert entry.is_local
    assert entry.base_url_required
    assert not any(field["is_required"] for field in entry.credential_fields)


def test_every_remote_provider_asks_for_a_secret():
    for entry in FACTORIES.values():
        asks = any(f["is_secret"] and f["is_required"] for f in entry.credential_fields)
        assert asks != entry.is_local, entry.name
