"""Why a limit or a budget refuses a call, in words that say what to do and who can do it."""

import math
from datetime import UTC, datetime

from gateway.claims import Claim, Kind
from gateway.errors import BudgetExceeded, GatewayError, LimitExceeded, QuotaExceeded
from tenants.limits.periods import PeriodKind
from tenants.limits.units import Unit, shown
from tenants.snapshots import BudgetView

_EACH = {
    PeriodKind.DAY: "daily",
    PeriodKind.WEEK: "weekly",
    PeriodKind.MONTH: "monthly",
    PeriodKind.TOTAL: "total",
}


def refusal(claim: Claim, wait_ms: int, left: int) -> GatewayError:
    """`wait_ms` -1: waiting does not help."""
    if claim.budget is not None:
        return _no_budget(claim, claim.budget, left)
    wait_s = max(math.ceil(wait_ms / 1000), 1)
    if claim.kind is Kind.SLOTS:
        return LimitExceeded(
            f"{claim.limit} calls{_whose(claim)} are running, which is the limit. "
            f"Wait for one to end. {_who('limits', claim)}",
            code="concurrency_limit_exceeded",
            retry_after_s=wait_s,
        )
    if wait_ms < 0:
        return LimitExceeded(
            f"This call may take {claim.amount:,} tokens, and the limit{_whose(claim)} is "
            f"{claim.limit:,} a minute. Shorten the prompt or lower max_tokens. "
            f"{_who('limits', claim)}",
            code="request_exceeds_limit",
        )
    return LimitExceeded(
        f"The limit{_whose(claim)} is {claim.limit:,} {claim.kind.value} a minute. "
        f"Try again in {wait_s} s. {_who('limits', claim)}",
        retry_after_s=wait_s,
    )


def _no_budget(claim: Claim, budget: BudgetView, left: int) -> GatewayError:
    of = shown(budget.amount, budget.unit)
    resets = claim.period.end if claim.period is not None else None
    until = f" It begins anew at {resets:%Y-%m-%d %H:%M} UTC." if resets else ""
    words = (
        f"The {_EACH[budget.period]} budget '{budget.name}'{_whose(claim)} of {of} has "
        f"{shown(left, budget.unit)} left, and this call may take "
        f"{shown(claim.amount, budget.unit)}.{until} Lower max_tokens, or wait. "
        f"{_who('budgets', claim)}"
    )
    if budget.unit is Unit.USD:
        return BudgetExceeded(words)
    wait_s = None if resets is None else math.ceil((resets - datetime.now(UTC)).total_seconds())
    return QuotaExceeded(words, retry_after_s=wait_s)


def _whose(claim: Claim) -> str:
    view = claim.view
    parts = [" of this token"] if view.token_id else []
    parts += [f" for {view.model}"] if view.model else []
    return "".join(parts)


def _who(what: str, claim: Claim) -> str:
    if claim.view.is_plans:
        return "It is part of the tenant's plan, which the operator of the hub can change."
    return f"An owner or admin of the tenant can raise it: PATCH /llm/{what}/{claim.view.id}."
