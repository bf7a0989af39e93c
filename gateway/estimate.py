"""What a call may use at most, to reserve it before the provider is asked.

The prompt by a bound that holds for every tokenizer; the answer by the limit that the request sets.
Where it sets none, DEFAULT_OUTPUT_TOKENS or the model's own limit where that is lower: a model's
whole output would keep others waiting for what is hardly ever used. A longer answer is spent all
the same, and the calls after it find that much less.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from gateway.request_body import Payload
from gateway.sync_units import SyncUnits
from llmhub.base.model_types import ModelType
from providers.pricing import PriceFigures, price_in_force
from providers.protocols.usage import MAX_TOKENS
from providers.token_bounds import SHORT, prompt_bound, prompt_count
from tenants.snapshots import ModelView

DEFAULT_OUTPUT_TOKENS = 4_096
DEFAULT_AUDIO_S = 600
_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_ANSWERS = ("n", "best_of")
_MAX_ANSWERS = 128
_GENERATING = frozenset({ModelType.CHAT, ModelType.IMAGE2TEXT})
_NANO_PER_MTOK = 1_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """`output_limit` is the request's own for one answer, None where it has none."""

    input_tokens: int
    output_limit: int | None
    answers: int
    characters: int
    _costs: dict[int, tuple[ModelView, int | None]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def output_tokens(self, model: ModelView) -> int:
        if model.model_type not in _GENERATING:
            return 0
        if self.output_limit is not None:
            return self.output_limit * self.answers
        limit = min(DEFAULT_OUTPUT_TOKENS, model.max_tokens or DEFAULT_OUTPUT_TOKENS)
        return limit * self.answers

    def tokens(self, model: ModelView) -> int:
        return self.input_tokens + self.output_tokens(model)

    def cost_nano_usd(self, model: ModelView) -> int | None:
        """Rounded up; None where the model has no price for what the call uses."""
        known = self._costs.get(id(model))
        if known is None:
            # With the model beside it, so that nobody else gets its id.
            known = self._costs[id(model)] = (model, self._cost_nano_usd(model))
        return known[1]

    def _cost_nano_usd(self, model: ModelView) -> int | None:
        price = price_in_force(model.prices, datetime.now(UTC))
        if price is None:
            return None
        figures = price.figures_for(self.input_tokens)
        tokens = _tokens_cost(figures, self.input_tokens, self.output_tokens(model))
        units = self._units_cost(figures, model)
        if tokens is None and units is None:
            return None
        return int(((tokens or 0) + (units or 0)).__ceil__())

    def _units_cost(self, figures: PriceFigures, model: ModelView) -> Decimal | None:
        costs = []
        if figures.usd_per_mchar is not None and model.model_type is ModelType.TTS:
            costs.append(self.characters * figures.usd_per_mchar * 1_000)
        if figures.usd_per_second is not None:
            costs.append(DEFAULT_AUDIO_S * figures.usd_per_second * 10**9)
        if figures.usd_per_image is not None:
            costs.append(self.answers * figures.usd_per_image * 10**9)
        if figures.usd_per_request is not None:
            costs.append(figures.usd_per_request * 10**9)
        return sum(costs, Decimal(0)) if costs else None


UNCOUNTED = Estimate(0, 0, 1, 0)
"""Where no limit asks for tokens or money."""


async def estimate_make(payload: Payload, units: SyncUnits) -> Estimate:
    bound = prompt_bound(payload)
    if bound > SHORT:
        bound = min(bound, await units.compute(prompt_count, payload))
    return Estimate(
        input_tokens=min(bound, MAX_TOKENS),
        output_limit=_count(payload, _OUTPUT_LIMITS, MAX_TOKENS),
        answers=_count(payload, _ANSWERS, _MAX_ANSWERS) or 1,
        characters=_characters(payload.get("input")),
    )


def _tokens_cost(figures: PriceFigures, given: int, made: int) -> Decimal | None:
    """Every token at the highest figure of its side: which kind it will be is not known yet."""
    figure_in = _highest(
        figures.input_usd_per_mtok,
        figures.cache_write_usd_per_mtok,
        figures.input_audio_usd_per_mtok,
    )
    figure_out = _highest(figures.output_usd_per_mtok, figures.output_audio_usd_per_mtok)
    if figure_in is None or (made and figure_out is None):
        return None
    return (given * figure_in + made * (figure_out or 0)) * _NANO_PER_MTOK


def _highest(*figures: Decimal | None) -> Decimal | None:
    return max((figure for figure in figures if figure is not None), default=None)


def _count(payload: Payload, names: tuple[str, ...], most: int) -> int | None:
    """The largest of them; what is no count is the provider's to refuse."""
    values = [payload.get(name) for name in names]
    counts = [value for value in values if type(value) is int and value > 0]
    return min(max(counts), most) if counts else None


def _characters(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0
