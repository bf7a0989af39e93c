"""The catalog: kinds of provider, their models, and what the models cost.

`LLMFactory` and `LLM` remember in `shipped` what the catalog files last said, so a load can tell an
operator's change from an old default (providers/catalog/merge.py). An empty `shipped` marks a row
that an operator added; no load touches it.
"""

from datetime import UTC, datetime
from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from llmhub.base.model_types import ModelType
from providers.names import validate_factory_name, validate_name
from providers.pricing import FIGURE_NAMES
from providers.shapes import (
    validate_credential_fields,
    validate_endpoints,
    validate_logo,
    validate_regions,
    validate_tiers,
)

MAX_RANK = 9_999
MAX_TOKENS = 100_000_000
# A price that names no beginning has always held.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)

_CONTROL_CHARACTER = r"[[:cntrl:]]"


class Tag(StrEnum):
    """What a factory offers, in the words that the API shows."""

    LLM = "LLM"
    TEXT_EMBEDDING = "TEXT EMBEDDING"
    TEXT_RERANK = "TEXT RE-RANK"
    IMAGE2TEXT = "IMAGE2TEXT"
    SPEECH2TEXT = "SPEECH2TEXT"
    TTS = "TTS"
    OCR = "OCR"
    IMAGE = "IMAGE"
    MODERATION = "MODERATION"


class Capability(StrEnum):
    """What a model can do beyond its type."""

    STREAMING = "streaming"
    TOOLS = "tools"
    PARALLEL_TOOLS = "parallel_tools"
    REASONING = "reasoning"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    VISION = "vision"
    PDF = "pdf"
    OCR = "ocr"
    AUDIO_INPUT = "audio_input"
    AUDIO_OUTPUT = "audio_output"
    PROMPT_CACHING = "prompt_caching"


def _choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.value) for word in words]


class LLMFactory(models.Model):
    """A kind of provider. The natural key is `name`; tenants refer to it by that."""

    name = models.CharField(max_length=100, unique=True, validators=[validate_factory_name])
    logo = models.CharField(
        max_length=100,
        blank=True,
        validators=[validate_logo],
        help_text="An SVG below static/, such as logos/openai.svg, or one to three initials.",
    )
    tags = ArrayField(
        models.CharField(max_length=40, choices=_choices(Tag)), default=list, blank=True
    )
    rank = models.PositiveIntegerField(
        default=0,
        db_index=True,
        validators=[MaxValueValidator(MAX_RANK)],
        help_text="The highest stands first.",
    )
    is_active = models.BooleanField("active", default=True)
    endpoints = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_endpoints],
        help_text='By model type: {"chat": {"protocol": "openai", "base_url": "https://..."}}.',
    )
    regions = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_regions],
        help_text='Other addresses: [{"name": "EU", "base_urls": {"chat": "https://..."}}].',
    )
    credential_fields = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_credential_fields],
        help_text="name, label, is_secret, is_required, pattern, placeholder, help of each field.",
    )
    is_local = models.BooleanField(
        "self-hosted", default=False, help_text="The tenant runs it: a key is optional."
    )
    base_url_required = models.BooleanField(default=False)
    docs_url = models.URLField(max_length=300, blank=True)
    shipped = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "factory"
        verbose_name_plural = "factories"
        ordering = ["-rank", "name"]
        constraints = [
            models.CheckConstraint(
                name="factory_name_is_clean",
                condition=~Q(name="") & ~Q(name__regex=_CONTROL_CHARACTER) & ~Q(name__regex="[@/]"),
            ),
            models.CheckConstraint(name="factory_rank_in_range", condition=Q(rank__lte=MAX_RANK)),
            models.CheckConstraint(
                name="factory_tags_are_known",
                condition=Q(tags__contained_by=[tag.value for tag in Tag]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LLM(models.Model):
    """A catalog model. The natural key is (factory name, `llm_name`)."""

    factory = models.ForeignKey(LLMFactory, on_delete=models.CASCADE, related_name="llms")
    llm_name = models.CharField("model", max_length=200, validators=[validate_name])
    model_types = ArrayField(models.CharField(max_length=20, choices=_choices(ModelType)))
    capabilities = ArrayField(
        models.CharField(max_length=30, choices=_choices(Capability)), default=list, blank=True
    )
    context_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TOKENS)],
        help_text="The longest input and output together; empty where the provider names none.",
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_TOKENS)]
    )
    is_active = models.BooleanField("active", default=True)
    deprecated_on = models.DateField(
        null=True,
        blank=True,
        help_text="The day on which the provider stops, or stopped, serving it.",
    )
    sources = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text='Who says so: {"*": "models-dev", "deprecated_on": "litellm"}.',
    )
    shipped = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "model"
        verbose_name_plural = "models"
        ordering = ["factory", "llm_name"]
        constraints = [
            models.UniqueConstraint(name="llm_is_unique", fields=["factory", "llm_name"]),
            models.CheckConstraint(
                name="llm_name_is_clean",
                condition=~Q(llm_name="") & ~Q(llm_name__regex=_CONTROL_CHARACTER),
            ),
            models.CheckConstraint(
                name="llm_types_are_known",
                condition=Q(model_types__contained_by=[t.value for t in ModelType])
                & Q(model_types__len__gte=1),
            ),
            models.CheckConstraint(
                name="llm_context_in_range",
                condition=Q(context_tokens=None) | Q(context_tokens__range=(1, MAX_TOKENS)),
            ),
            models.CheckConstraint(
                name="llm_output_in_range",
                condition=Q(max_output_tokens=None) | Q(max_output_tokens__range=(1, MAX_TOKENS)),
            ),
        ]

    def __str__(self) -> str:
        return self.llm_name


class CatalogLoad(models.Model):
    """What was loaded last from a source, so that the same load again can be left out.

    `source` is `files` for the hub's own, or a package's name. `rows` are how many the catalog's
    tables had afterwards: where there are fewer, the load is done again.
    """

    source = models.CharField(max_length=40, unique=True)
    fingerprint = models.CharField(max_length=64)
    version = models.CharField(max_length=40, blank=True)
    rows = models.PositiveIntegerField()
    loaded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.source} {self.version}".strip()


class PriceSource(models.TextChoices):
    """Who says so. A load writes and closes its own prices and never one that is set by hand."""

    HAND = "hand", "set by hand"
    SHIPPED = "shipped", "shipped catalog"
    GENAI_PRICES = "genai-prices", "genai-prices"


def _usd(label: str, decimal_places: int = 6) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(
        label,
        max_digits=decimal_places + 8,
        decimal_places=decimal_places,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )


# The figures of a price (providers/pricing.py says what they mean): their digits after the point.
PRICE_FIGURES = dict.fromkeys(FIGURE_NAMES, 6) | {"usd_per_second": 9}


class Price(models.Model):
    """What a model costs in [`valid_from`, `valid_until`), in USD.

    Per million tokens (`mtok`), per million characters of text to speech (`mchar`), per second of
    audio, per generated image, per request. An empty figure is unknown; 0 is free. `tiers` hold
    other figures for calls with a long input (`providers.shapes.validate_tiers`). Of the prices
    that hold at a moment the hand-set ones come first, then the one that began last
    (`providers.selectors.price_at`).
    """

    llm = models.ForeignKey(LLM, on_delete=models.CASCADE, related_name="prices")
    input_usd_per_mtok = _usd("input, USD per million tokens")
    output_usd_per_mtok = _usd("output, USD per million tokens")
    cached_input_usd_per_mtok = _usd("cached input, USD per million tokens")
    cache_write_usd_per_mtok = _usd("cache write, USD per million tokens")
    input_audio_usd_per_mtok = _usd("input audio, USD per million tokens")
    output_audio_usd_per_mtok = _usd("output audio, USD per million tokens")
    usd_per_image = _usd("generated image, USD")
    usd_per_mchar = _usd("speech, USD per million characters")
    usd_per_second = _usd("audio, USD per second", PRICE_FIGURES["usd_per_second"])
    usd_per_request = _usd("request, USD")
    tiers = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_tiers],
        help_text='[{"above_input_tokens": 200000, "input_usd_per_mtok": "2.5"}]: the whole call '
        "is priced so where its input is longer.",
    )
    valid_from = models.DateTimeField(default=ALWAYS)
    valid_until = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=20, choices=PriceSource)
    source_note = models.CharField(
        max_length=100, blank=True, help_text="The version or page that the figures come from."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["llm", "-valid_from"]
        constraints = [
            models.UniqueConstraint(name="price_is_unique", fields=["llm", "source", "valid_from"]),
            models.CheckConstraint(
                name="price_interval_is_forward",
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="price_source_is_known", condition=Q(source__in=PriceSource.values)
            ),
            *(
                models.CheckConstraint(
                    name=f"price_{figure}_not_negative",
                    condition=Q(**{figure: None}) | Q(**{f"{figure}__gte": 0}),
                )
                for figure in PRICE_FIGURES
            ),
        ]

    def __str__(self) -> str:
        return f"{self.llm_id} from {self.valid_from:%Y-%m-%d} ({self.source})"

    def clean(self) -> None:
        """Raises ValidationError for a price without any figure: that is no price."""
        if all(getattr(self, figure) is None for figure in PRICE_FIGURES):
            raise ValidationError("A price has at least one figure.")
