"""A price of one's own for a model. One statement: it is executed again for every new tenant."""

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
_COLUMNS = ", ".join(f"ADD COLUMN {name} numeric({d + 8}, {d})" for name, d in _DIGITS.items())


def _field(digits):
    return models.DecimalField(
        blank=True,
        decimal_places=digits,
        max_digits=digits + 8,
        null=True,
        validators=[django.core.validators.MinValueValidator(0)],
    )


class Migration(migrations.Migration):
    dependencies = [("llms", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE llms_tenantllm {_COLUMNS}",
            state_operations=[
                migrations.AddField("tenantllm", name, _field(digits))
                for name, digits in _DIGITS.items()
            ],
        )
    ]
