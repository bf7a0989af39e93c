"""What a call has used of the limits and budgets that it is under, as the settlement's script wants
it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.call import Attempt, Call
from gateway.claims import Claim, Kind
from gateway.reservations import Reservation
from gateway.valkey_client import Argument
from tenants.limits.units import MAX_AMOUNT, Unit, nano_usd


@dataclass(frozen=True, slots=True)
class Spent:
    """`delta` is for a window: what to add to what was reserved. `amount` is for a gauge."""

    claim: Claim
    delta: int
    amount: int


def spending_of(call: Call, reservation: Reservation) -> list[Spent]:
    return [_spent(call, claim) for claim in reservation.claims]


def settle_arguments(
    reservation: Reservation, spent: Iterable[Spent]
) -> tuple[list[Argument], list[Argument]]:
    """Keys and arguments of the guards, after those of the stream and the events."""
    keys: list[Argument] = []
    arguments: list[Argument] = []
    for item in spent:
        if item.claim.is_window:
            # What another clock counted is not in Valkey's buckets.
            delta = item.delta if reservation.is_in_valkey else item.delta + item.claim.amount
            if delta:
                keys.append(item.claim.key)
                arguments += ("w", str(reservation.second), str(delta), "")
        else:
            keys.append(item.claim.key)
            arguments += ("g", str(item.claim.amount), str(item.amount), "")
    return keys, arguments


def _spent(call: Call, claim: Claim) -> Spent:
    attempts = [a for a in call.attempts if claim.is_about(a.model)]
    match claim.kind:
        case Kind.REQUESTS:
            # Another model answered: this one's limit gets its request back.
            is_unused = bool(call.attempts) and not attempts
            return Spent(claim, -claim.amount if is_unused else 0, 0)
        case Kind.TOKENS:
            return Spent(claim, _tokens(attempts) - claim.amount, 0)
        case Kind.SLOTS:
            return Spent(claim, 0, 0)
        case Kind.BUDGET:
            assert claim.budget is not None
            is_money = claim.budget.unit is Unit.USD
            amount = _nano_usd(attempts) if is_money else _tokens(attempts)
            return Spent(claim, 0, min(amount, MAX_AMOUNT))


def _tokens(attempts: Sequence[Attempt]) -> int:
    return sum(attempt.usage.total_tokens for attempt in attempts)


def _nano_usd(attempts: Sequence[Attempt]) -> int:
    """As the ledger has it."""
    costs = (attempt.cost_usd for attempt in attempts)
    return sum(nano_usd(cost) for cost in costs if cost is not None)
