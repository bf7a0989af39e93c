"""The operator's own price for a shared model."""

import django.core.validators
from django.db import migrations, models

_DIGITS = {
    "input_usd_per_mtok": 6,
    "output_usd_per_mtok": 6,
    "cached_input_usd_per_mtok": 6,
    "cache_write_usd_per_mtok": 6,
    "input_audio_usd_per_mtok": 6,
    "output_audio_usd_per_mtok": 6,
    "usd_per_image": 6,
    "usd_per_mchar": 6,
    "usd_per_second": 9,
    "usd_per_request": 6,
}


def _field(digits):
    return models.DecimalField(
        blank=True,
        decimal_places=digits,
        max_digits=digits + 8,
        null=True,
        validators=[django.core.validators.MinValueValidator(0)],
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_usage_costs_and_settings")]

    operations = [
        migrations.AddField("sharedmodel", name, _field(digits))
        for name, digits in _DIGITS.items()
    ]
