"""The installed package's prices in the catalog's words: the package's own sums are the measure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage as PackageUsage
from genai_prices import calc_price

from providers.catalog.files import SHIPPED, catalog_read
from providers.catalog.genai_prices import PricePackage
from providers.catalog.price_loader import _values
from providers.models import PRICE_FIGURES
from providers.pricing import (
    FIGURE_NAMES,
    PriceAt,
    PriceFigures,
    cost_usd,
    price_in_force,
    tier_read,
)
from providers.protocols.usage import Usage

PACKAGE = PricePackage()
NOW = datetime(2026, 11, 23, tzinfo=UTC)
MODELS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-5.4"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-3.8-flash"),
    ("mistral", "mistral-large-latest"),
    ("groq", "llama-3.3-70b-versatile"),
    ("x-ai", "grok-4"),
]


def price_now(provider: str, llm_name: str, moment: datetime = NOW) -> PriceAt | None:
    prices = []
    for entry in PACKAGE.prices([provider], llm_name):
        figures = PriceFigures(**entry.figures)
        tiers = tuple(tier_read(tier, figures) for tier in entry.tiers)
        prices.append(PriceAt(figures, entry.source, entry.valid_from, entry.valid_until, tiers))
    return price_in_force(reversed(prices), moment)


@pytest.mark.parametrize(("provider", "llm_name"), MODELS)
@pytest.mark.parametrize("input_tokens", [1_000, 199_999, 200_001, 300_000])
def test_a_call_costs_what_the_package_says(provider, llm_name, input_tokens):
    ours = cost_usd(
        Usage(input_tokens=input_tokens, output_tokens=500, cached_tokens=100),
        price_now(provider, llm_name),
    )
    theirs = calc_price(
        PackageUsage(input_tokens=input_tokens, output_tokens=500, cache_read_tokens=100),
        llm_name,
        provider_id=provider,
        genai_request_timestamp=NOW,
    ).total_price
    assert ours is not None
    assert abs(ours - theirs) < Decimal("0.000000002")


def test_a_price_that_changes_on_a_day_has_two_intervals():
    first, second = PACKAGE.prices(["google"], "gemini-3.8-flash")
    assert first.valid_until == second.valid_from == datetime(2027, 1, 1, tzinfo=UTC)
    assert (first.figures["input_usd_per_mtok"], second.figures["input_usd_per_mtok"]) == (
        Decimal("0.75"),
        Decimal("1.5"),
    )
    day = timedelta(days=1)
    assert price_now("google", "gemini-3.8-flash", second.valid_from - day) != price_now(
        "google", "gemini-3.8-flash", second.valid_from
    )


def test_of_rates_by_the_hour_the_dearest_is_taken():
    latest = PACKAGE.prices(["deepseek"], "deepseek-v4-pro")[-1]
    model = PACKAGE.find(["deepseek"], "deepseek-v4-pro")
    assert model is not None
    assert isinstance(model.prices, list)
    since = model.prices[1:]
    assert latest.figures["input_usd_per_mtok"] == max(price.prices.input_mtok for price in since)


def test_an_hour_of_audio_is_priced_by_the_second():
    (price,) = PACKAGE.prices(["groq"], "whisper-large-v3")
    assert price.figures["usd_per_second"] == Decimal("0.000030833")


def test_an_unknown_model_or_provider_has_no_price():
    assert PACKAGE.prices(["openai"], "no-such-model") == ()
    assert PACKAGE.prices(["no-such-provider"], "gpt-4o") == ()


def test_every_price_of_every_model_of_the_catalog_can_be_stored():
    """The shapes that a file's reader would refuse are refused here as well."""
    from providers.shapes import validate_tiers

    found = 0
    for entry in catalog_read(SHIPPED):
        known = entry.known_as.get("genai-prices")
        for model in entry.models if known else ():
            for price in PACKAGE.prices(known.ids, model.llm_name):
                validate_tiers(price.tiers)
                assert set(_values(price)) >= set(PRICE_FIGURES)
                assert any(figure is not None for figure in price.figures.values())
                found += 1
    assert found > 900
    assert set(FIGURE_NAMES) == set(PRICE_FIGURES)
