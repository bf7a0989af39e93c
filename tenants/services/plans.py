"""Plans: what the operator grants its tenants at most."""

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from llmhub.base.errors import Conflict, InvalidRequest, NotFound
from tenants.actors import Actor
from tenants.audit.services import operator_change
from tenants.limits.periods import PeriodKind
from tenants.models import Plan


@dataclass(frozen=True)
class PlanFacts:
    """None: not limited."""

    name: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    budget_usd: Decimal | None = None
    budget_usd_period: str = PeriodKind.MONTH.value
    budget_tokens: int | None = None
    budget_tokens_period: str = PeriodKind.MONTH.value


def plan_create(*, facts: PlanFacts, actor: Actor) -> Plan:
    """Raises InvalidRequest naming the field."""
    plan = Plan()
    _set(plan, facts)
    with operator_change(actor=actor, action="plan.create", is_in_snapshot=False) as change:
        plan.save(force_insert=True)
        change.about("plan", plan.pk, plan.name)
        change.after = plan_json(plan)
    return plan


def plan_update(*, plan_id: UUID, facts: PlanFacts, actor: Actor) -> Plan:
    """It holds for its tenants from their next calls on. Raises NotFound and InvalidRequest."""
    with operator_change(actor=actor, action="plan.update") as change:
        plan = _locked(plan_id)
        change.before = plan_json(plan)
        _set(plan, facts)
        change.about("plan", plan.pk, plan.name)
        change.after = plan_json(plan)
        if change.before == change.after:
            change.nothing_changed()
        else:
            plan.save()
    return plan


def plan_delete(*, plan_id: UUID, actor: Actor) -> None:
    """Raises NotFound, and Conflict where a tenant has it."""
    with operator_change(actor=actor, action="plan.delete", is_in_snapshot=False) as change:
        plan = _locked(plan_id)
        change.about("plan", plan.pk, plan.name)
        change.before = plan_json(plan)
        try:
            plan.delete()
        except ProtectedError:
            raise Conflict(
                f"Tenants have the plan {plan.name}. Give them another one first."
            ) from None


def plan_facts(plan: Plan) -> PlanFacts:
    return PlanFacts(**{field.name: getattr(plan, field.name) for field in fields(PlanFacts)})


def plan_json(plan: Plan) -> dict[str, object]:
    facts = asdict(plan_facts(plan))
    money = facts["budget_usd"]
    return facts | {"budget_usd": None if money is None else f"{money.normalize():f}"}


def _locked(plan_id: UUID) -> Plan:
    plan = Plan.objects.select_for_update().filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("There is no such plan.")
    return plan


def _set(plan: Plan, facts: PlanFacts) -> None:
    for name, value in asdict(facts).items():
        setattr(plan, name, value)
    try:
        plan.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidRequest(f"{field}: {' '.join(messages)}", field=field) from None
