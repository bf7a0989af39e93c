"""Which limits and budgets a call is under, and how much of each it asks for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from gateway.errors import NotPermitted
from gateway.estimate import Estimate
from tenants.limits.counters import budget_key, keep_ms, window_key
from tenants.limits.periods import Period, period_at
from tenants.limits.units import MAX_AMOUNT, Unit
from tenants.snapshots import BudgetView, LimitView, ModelView, Snapshot, TokenView

_SLOTS_KEPT_MS = 24 * 3600 * 1000


class Kind(Enum):
    REQUESTS = "requests"
    TOKENS = "tokens"
    SLOTS = "slots"
    BUDGET = "budget"


_WINDOWS = (Kind.REQUESTS, Kind.TOKENS)


@dataclass(slots=True, eq=False)
class Claim:
    """What a call asks of one limit or budget. `limit` None refuses nothing: a soft budget."""

    kind: Kind
    view: LimitView | BudgetView
    key: str
    limit: int | None
    amount: int
    keep_ms: int = 0
    period: Period | None = None

    @property
    def is_window(self) -> bool:
        return self.kind in _WINDOWS

    @property
    def budget(self) -> BudgetView | None:
        return self.view if isinstance(self.view, BudgetView) else None

    def is_about(self, model: ModelView) -> bool:
        return not self.view.model or self.view.model in model.names()


def models_priced(
    snapshot: Snapshot, token: TokenView, models: Sequence[ModelView], estimate: Estimate
) -> Sequence[ModelView]:
    """The models whose cost is known, where a hard budget of money needs it. Raises
    NotPermitted."""
    money = [
        b for b in snapshot.budgets if b.is_hard and b.unit is Unit.USD and b.is_about(token.id)
    ]
    if not money:
        return models
    priced = [
        model
        for model in models
        if estimate.cost_nano_usd(model) is not None
        or not any(not b.model or b.model in model.names() for b in money)
    ]
    if not priced:
        raise NotPermitted(
            f"{models[0].llm_name} has no price, and a budget in USD can only hold with one. "
            "An owner or admin of the tenant can set a price for the model, "
            "or the operator for everybody.",
            code="model_unpriced",
            param="model",
        )
    return priced


def claims_make(
    snapshot: Snapshot, token: TokenView, models: Sequence[ModelView], estimate: Estimate
) -> list[Claim]:
    """For all of the models that may be tried: a call reserves once, whichever answers in the
    end."""
    claims: list[Claim] = []
    for limit in snapshot.limits:
        if about := _about(limit, token, models):
            claims += _limit_claims(snapshot, limit, about, estimate)
    now = datetime.now(UTC) if snapshot.budgets else None
    for budget in snapshot.budgets:
        if now is not None and (about := _about(budget, token, models)):
            claims.append(_budget_claim(snapshot, budget, about, estimate, now))
    return claims


def _about(
    view: LimitView | BudgetView, token: TokenView, models: Sequence[ModelView]
) -> Sequence[ModelView]:
    if view.token_id is not None and view.token_id != token.id:
        return ()
    return [m for m in models if view.model in m.names()] if view.model else models


def _limit_claims(
    snapshot: Snapshot, limit: LimitView, models: Sequence[ModelView], estimate: Estimate
) -> Iterator[Claim]:
    tenant_id = snapshot.tenant_id
    if limit.requests_per_minute:
        key = window_key(tenant_id, limit.id, "rpm")
        yield Claim(Kind.REQUESTS, limit, key, limit.requests_per_minute, 1)
    if limit.tokens_per_minute:
        key, most = window_key(tenant_id, limit.id, "tpm"), limit.tokens_per_minute
        amount = max(estimate.tokens(model) for model in models)
        if estimate.output_limit is None:
            # The answer's length is our guess: a guess alone must not make a call impossible.
            amount = max(min(amount, most), estimate.input_tokens)
        yield Claim(Kind.TOKENS, limit, key, most, amount)
    if limit.concurrency:
        key = window_key(tenant_id, limit.id, "slots")
        yield Claim(Kind.SLOTS, limit, key, limit.concurrency, 1, _SLOTS_KEPT_MS)


def _budget_claim(
    snapshot: Snapshot,
    budget: BudgetView,
    models: Sequence[ModelView],
    estimate: Estimate,
    now: datetime,
) -> Claim:
    if budget.unit is Unit.TOKENS:
        amount = max(estimate.tokens(model) for model in models)
    else:
        amount = max(estimate.cost_nano_usd(model) or 0 for model in models)
    period = period_at(budget.period, budget.time_zone, now)
    return Claim(
        Kind.BUDGET,
        budget,
        budget_key(snapshot.tenant_id, budget.id, period.key),
        budget.amount if budget.is_hard else None,
        min(amount, MAX_AMOUNT),
        keep_ms(period, now),
        period,
    )
