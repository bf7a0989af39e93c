"""Golden bills: what each call costs was worked out by hand, from the price beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.pricing import (
    PriceAt,
    PriceFigures,
    PriceTier,
    cost_usd,
    price_in_force,
    tier_read,
)
from providers.protocols.usage import Usage, usage_make

D = Decimal
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
SONNET = PriceFigures(
    input_usd_per_mtok=D("3"),
    output_usd_per_mtok=D("15"),
    cached_input_usd_per_mtok=D("0.3"),
    cache_write_usd_per_mtok=D("3.75"),
)
AUDIO = PriceFigures(
    input_usd_per_mtok=D("2.5"),
    output_usd_per_mtok=D("10"),
    input_audio_usd_per_mtok=D("40"),
    output_audio_usd_per_mtok=D("80"),
)


def price(figures: PriceFigures, *tiers: PriceTier) -> PriceAt:
    return PriceAt(figures=figures, source="shipped", valid_from=JANUARY, tiers=tiers)


@pytest.mark.parametrize(
    ("figures", "usage", "usd"),
    [
        # 1,000 x 3 + 200 x 15 millionths
        (SONNET, Usage(1000, 200), "0.006"),
        # 100 fresh x 3 + 700 read x 0.3 + 200 written x 3.75 + 50 x 15
        (SONNET, Usage(1000, 50, cached_tokens=700, cache_write_tokens=200), "0.00201"),
        # Reasoning is part of the output and paid once.
        (SONNET, Usage(0, 100, reasoning_tokens=80), "0.0015"),
        # 60 x 2.5 + 40 x 40 + 10 x 10 + 20 x 80
        (AUDIO, Usage(100, 30, input_audio_tokens=40, output_audio_tokens=20), "0.00345"),
        # Without figures of their own, cached and audio tokens cost what the others cost.
        (
            PriceFigures(input_usd_per_mtok=D(1), output_usd_per_mtok=D(2)),
            Usage(100, 100, cached_tokens=50, input_audio_tokens=20, output_audio_tokens=9),
            "0.0003",
        ),
        (PriceFigures(usd_per_mchar=D("15")), Usage(characters=1000), "0.015"),
        (PriceFigures(usd_per_second=D("0.0001")), Usage(audio_ms=61_500), "0.00615"),
        (PriceFigures(usd_per_image=D("0.04")), Usage(images=2), "0.08"),
        (PriceFigures(usd_per_request=D("0.005")), Usage(), "0.005"),
        # By the character, whatever tokens are reported beside it.
        (PriceFigures(usd_per_mchar=D("15")), Usage(9, 9, characters=1000), "0.015"),
        # A rerank is paid by the request and by its tokens where both have a figure.
        (
            PriceFigures(usd_per_request=D("0.002"), input_usd_per_mtok=D("1")),
            Usage(1000),
            "0.003",
        ),
        # Half a nano-dollar goes to the even neighbour.
        (PriceFigures(input_usd_per_mtok=D("0.0005")), Usage(1), "0"),
        (PriceFigures(input_usd_per_mtok=D("0.0005")), Usage(3), "0.000000002"),
        (PriceFigures(input_usd_per_mtok=D(0), output_usd_per_mtok=D(0)), Usage(10, 10), "0"),
    ],
)
def test_a_call_costs_what_the_price_says(figures: PriceFigures, usage: Usage, usd: str):
    assert cost_usd(usage, price(figures)) == D(usd)


@pytest.mark.parametrize(
    ("figures", "usage"),
    [
        (PriceFigures(input_usd_per_mtok=D(1)), Usage(10, 10)),
        (PriceFigures(output_usd_per_mtok=D(1)), Usage(10, 10)),
        (PriceFigures(input_usd_per_mtok=D(1)), Usage(characters=5)),
        (PriceFigures(usd_per_mchar=D(1)), Usage(10, 10)),
    ],
)
def test_what_has_no_figure_is_unpriced_and_never_free(figures: PriceFigures, usage: Usage):
    assert cost_usd(usage, price(figures)) is None


def test_without_a_price_nothing_is_free():
    assert cost_usd(Usage(1, 1), None) is None


@pytest.mark.parametrize(
    ("tokens", "usd"), [(200_000, "0.25"), (200_001, "0.5000025"), (1_000_001, "5.000005")]
)
def test_a_long_input_moves_the_whole_call_to_its_tier(tokens: int, usd: str):
    base = PriceFigures(input_usd_per_mtok=D("1.25"), output_usd_per_mtok=D("10"))
    tiers = (
        tier_read({"above_input_tokens": 200_000, "input_usd_per_mtok": "2.5"}, base),
        tier_read({"above_input_tokens": 1_000_000, "input_usd_per_mtok": "5"}, base),
    )
    assert cost_usd(Usage(tokens), price(base, *tiers)) == D(usd)
    assert tiers[0].figures.output_usd_per_mtok == D("10")


def test_a_price_holds_from_its_beginning_until_just_before_its_end():
    later = JANUARY + timedelta(days=1)
    old = replace(price(SONNET), valid_until=later)
    new = replace(price(AUDIO), valid_from=later)
    assert price_in_force([new, old], later - timedelta(microseconds=1)) is old
    assert price_in_force([new, old], later) is new
    assert price_in_force([new, old], JANUARY - timedelta(microseconds=1)) is None


counts = st.integers(0, 1_000_000)


@given(counts, counts, counts, counts, counts, counts, counts)
def test_every_token_is_billed_exactly_once(
    given_: int, made: int, cached: int, reasoning: int, written: int, heard: int, said: int
):
    usage, is_impossible = usage_make(given_, made, cached, reasoning, written, heard, said)
    if usage is None:
        assert is_impossible
        return
    one_each = PriceFigures(
        input_usd_per_mtok=D(1),
        output_usd_per_mtok=D(1),
        cached_input_usd_per_mtok=D(1),
        cache_write_usd_per_mtok=D(1),
        input_audio_usd_per_mtok=D(1),
        output_audio_usd_per_mtok=D(1),
    )
    cost = cost_usd(usage, price(one_each))
    expected = D(given_ + made).scaleb(-6)
    assert cost == expected if given_ + made else cost is None
