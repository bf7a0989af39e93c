"""The figures of a price in a body: decimal texts, since a JSON number is not exact everywhere."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from providers.models import PRICE_FIGURES
from providers.pricing import FIGURE_NAMES


def _figure(name: str) -> serializers.DecimalField:
    digits = PRICE_FIGURES[name]
    return serializers.DecimalField(
        max_digits=digits + 8,
        decimal_places=digits,
        required=False,
        allow_null=True,
        min_value=Decimal(0),
    )


class PriceField(serializers.Serializer[Any]):
    """USD per million tokens (`mtok`) or characters (`mchar`), per second of audio, per image, per
    request. A figure that is left out is unknown, "0" is free."""

    input_usd_per_mtok = _figure("input_usd_per_mtok")
    output_usd_per_mtok = _figure("output_usd_per_mtok")
    cached_input_usd_per_mtok = _figure("cached_input_usd_per_mtok")
    cache_write_usd_per_mtok = _figure("cache_write_usd_per_mtok")
    input_audio_usd_per_mtok = _figure("input_audio_usd_per_mtok")
    output_audio_usd_per_mtok = _figure("output_audio_usd_per_mtok")
    usd_per_image = _figure("usd_per_image")
    usd_per_mchar = _figure("usd_per_mchar")
    usd_per_second = _figure("usd_per_second")
    usd_per_request = _figure("usd_per_request")

    def to_internal_value(self, data: Any) -> dict[str, Decimal]:
        unknown = sorted(set(data) - set(FIGURE_NAMES)) if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(FIGURE_NAMES)
            raise serializers.ValidationError(f"'{unknown[0][:40]}' is not one of {known}.")
        figures = super().to_internal_value(data)
        if all(value is None for value in figures.values()):
            raise serializers.ValidationError("A price has at least one figure.")
        return dict(figures)


def figures_of(price: dict[str, Decimal] | None) -> dict[str, Decimal | None]:
    """Every figure; no price: none of them."""
    return {name: (price or {}).get(name) for name in FIGURE_NAMES}
