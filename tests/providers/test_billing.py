"""The lines of a bill add up to its cost, whatever was used."""

from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from providers.billing import NO_COST, cost_lines, settled_cost
from providers.pricing import PriceAt, PriceFigures, cost_usd
from providers.protocols.usage import Usage
from tests.properties import untimed

NOW = datetime(2026, 5, 4, tzinfo=UTC)
figures = st.builds(
    PriceFigures,
    **{figure.name: st.none() | st.decimals(0, 10**4, places=6) for figure in fields(PriceFigures)},
)
counts = st.integers(0, 10**6)


@st.composite
def usages(draw):
    cached, written, audio_in, audio_out = (draw(counts) for _ in range(4))
    return Usage(
        input_tokens=cached + written + audio_in + draw(counts),
        output_tokens=audio_out + draw(counts),
        cached_tokens=cached,
        cache_write_tokens=written,
        input_audio_tokens=audio_in,
        output_audio_tokens=audio_out,
        images=draw(st.integers(0, 9)),
        characters=draw(counts),
        audio_ms=draw(counts),
    )


@given(usages(), figures)
@untimed
def test_lines_add_up(usage, figures):
    price = PriceAt(figures, "shipped", NOW)
    cost = cost_usd(usage, price)
    if cost is not None and not _is_partly_unpriced(usage, figures):
        assert round(sum(line.cost_usd for line in cost_lines(usage, price)), 9) == cost


def _is_partly_unpriced(usage, figures) -> bool:
    """Tokens without any figure, on one side, where another unit has one: nothing of the tokens
    is charged then, and lines would show the other side's."""
    tokens = Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    if not tokens.total_tokens:
        return False
    only_tokens = Usage(
        **{f.name: getattr(usage, f.name) for f in fields(Usage) if f.name.endswith("_tokens")}
    )
    without_requests = PriceFigures(
        **{
            f.name: None if f.name == "usd_per_request" else getattr(figures, f.name)
            for f in fields(PriceFigures)
        }
    )
    return cost_usd(only_tokens, PriceAt(without_requests, "shipped", NOW)) is None


def test_a_failure_that_used_nothing_is_free_and_other_unknowns_are_not():
    assert settled_cost(Usage(), None, has_failed=True) == NO_COST
    assert settled_cost(Usage(), None) is None
    assert settled_cost(Usage(5, 1), None, has_failed=True) is None
    price = PriceAt(PriceFigures(input_usd_per_mtok=Decimal(1)), "shipped", NOW)
    assert settled_cost(Usage(), price) == NO_COST
