"""A price that a model's owner sets: a tenant for its own, the operator for a shared one."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from providers.models import PRICE_FIGURES
from providers.pricing import FIGURE_NAMES, PriceFigures

Figures = Mapping[str, Decimal | None]


class OwnPriceSource(StrEnum):
    """Who says so; they come before the catalog's sources."""

    TENANT = "tenant"
    OPERATOR = "operator"


def _usd(figure: str) -> models.DecimalField:  # type: ignore[type-arg]
    digits = PRICE_FIGURES[figure]
    return models.DecimalField(
        max_digits=digits + 8,
        decimal_places=digits,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )


class OwnPriceFields(models.Model):
    """The figures of `providers.pricing.PriceFigures`; without any the catalog's prices hold.

    Columns and not one JSON document, which would need two relations more in every schema.
    """

    input_usd_per_mtok = _usd("input_usd_per_mtok")
    output_usd_per_mtok = _usd("output_usd_per_mtok")
    cached_input_usd_per_mtok = _usd("cached_input_usd_per_mtok")
    cache_write_usd_per_mtok = _usd("cache_write_usd_per_mtok")
    input_audio_usd_per_mtok = _usd("input_audio_usd_per_mtok")
    output_audio_usd_per_mtok = _usd("output_audio_usd_per_mtok")
    usd_per_image = _usd("usd_per_image")
    usd_per_mchar = _usd("usd_per_mchar")
    usd_per_second = _usd("usd_per_second")
    usd_per_request = _usd("usd_per_request")

    class Meta:
        abstract = True

    @property
    def own_price(self) -> PriceFigures | None:
        figures = self.own_figures
        return PriceFigures(**figures) if any(f is not None for f in figures.values()) else None

    @property
    def own_figures(self) -> dict[str, Decimal | None]:
        return {name: getattr(self, name) for name in FIGURE_NAMES}

    def own_figures_set(self, figures: Figures) -> None:
        """All of them: one that is not named is unknown. Raises ValidationError by figure."""
        problems: dict[str, ValidationError] = {}
        for field in self._meta.fields:
            if field.name not in FIGURE_NAMES:
                continue
            try:
                setattr(self, field.name, field.clean(figures.get(field.name), self))
            except ValidationError as error:
                problems[field.name] = error
        if problems:
            raise ValidationError(problems)


def figures_json(figures: Figures) -> dict[str, str]:
    """Those that are known, as plain decimal texts."""
    return {name: f"{value:f}" for name, value in figures.items() if value is not None}


def figures_equal(one: Figures, other: Figures) -> bool:
    return all(one.get(name) == other.get(name) for name in FIGURE_NAMES)
