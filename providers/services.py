"""The operator's changes to the catalog.

Each takes `change`, the record that becomes the audit row: the caller opens it together with the
transaction (`tenants.audit.services.operator_change`), the service says in it what was changed.
All raise NotFound for what does not exist and Django's ValidationError for a value that is refused.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Q
from django.utils import timezone

from llmhub.base.errors import Conflict, NotFound
from providers.catalog.merge import overridden, plain, revived
from providers.models import LLM, PRICE_FIGURES, LLMFactory, Price, PriceSource

Values = Mapping[str, Any]


class ChangeRecord(Protocol):
    before: Values | None
    after: Values | None

    def about(self, kind: str, target_id: object, label: str) -> None: ...

    def nothing_changed(self) -> None: ...


def factory_create(*, name: str, values: Values, change: ChangeRecord) -> LLMFactory:
    """A factory of the operator's own; no load of the catalog touches it."""
    factory = LLMFactory(name=name, **values)
    _create(factory, values, change)
    return factory


def factory_update(*, name: str, values: Values, change: ChangeRecord) -> LLMFactory:
    """Set columns; they stay as they are in later loads of the catalog."""
    factory = _factory_lock(name)
    _update(factory, values, change)
    return factory


def factory_revert(*, name: str, change: ChangeRecord) -> LLMFactory:
    """Give every column that was changed by hand its shipped value."""
    factory = _factory_lock(name)
    _update(factory, _shipped(factory), change)
    return factory


def llm_create(*, factory: str, llm_name: str, values: Values, change: ChangeRecord) -> LLM:
    """A model of the operator's own; no load of the catalog touches it."""
    llm = LLM(factory=_factory_lock(factory), llm_name=llm_name, **values)
    _create(llm, values, change)
    return llm


def llm_update(*, factory: str, llm_name: str, values: Values, change: ChangeRecord) -> LLM:
    """Set columns; they stay as they are in later loads of the catalog."""
    llm = _llm_lock(factory, llm_name)
    _update(llm, values, change)
    return llm


def llm_revert(*, factory: str, llm_name: str, change: ChangeRecord) -> LLM:
    """Give every column that was changed by hand its shipped value."""
    llm = _llm_lock(factory, llm_name)
    _update(llm, _shipped(llm), change)
    return llm


def price_set(
    *,
    factory: str,
    llm_name: str,
    figures: Mapping[str, Decimal | None],
    change: ChangeRecord,
    tiers: Sequence[Mapping[str, Any]] = (),
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    note: str = "",
) -> Price:
    """Set a price by hand, from now unless `valid_from` says otherwise.

    `figures` are those of PRICE_FIGURES; one that is missing is unknown. `tiers` have the shape of
    `providers.shapes.validate_tiers`. It holds before every loaded price, and a second one with the
    same beginning takes the place of the first.
    """
    llm = _llm_lock(factory, llm_name)
    begins = valid_from or timezone.now()
    price = Price.objects.filter(llm=llm, source=PriceSource.HAND, valid_from=begins).first()
    change.before = _price_facts(price) if price else None
    price = price or Price(llm=llm, source=PriceSource.HAND, valid_from=begins)
    for figure in PRICE_FIGURES:
        setattr(price, figure, figures.get(figure))
    price.tiers = [dict(tier) for tier in tiers]
    price.valid_until, price.source_note = valid_until, note
    price.full_clean()
    price.save()
    change.about("price", price.pk, _label(llm))
    change.after = _price_facts(price)
    return price


def price_end(*, price_id: int, change: ChangeRecord) -> None:
    """End a hand-set price now, or remove one that has not begun; the loaded price then holds.

    Raises Conflict for a price that is loaded or already over.
    """
    price = Price.objects.select_related("llm__factory").filter(pk=price_id).first()
    if price is None:
        raise NotFound("There is no such price.")
    now = timezone.now()
    mine = Price.objects.filter(pk=price_id, source=PriceSource.HAND)
    holding = mine.filter(Q(valid_until=None) | Q(valid_until__gt=now), valid_from__lt=now)
    ended = holding.update(valid_until=now, updated_at=now)
    removed, _ = mine.filter(valid_from__gte=now).delete() if not ended else (0, {})
    if not ended and not removed:
        raise Conflict("Only a price that is set by hand and not yet over can be ended.")
    change.about("price", price_id, _label(price.llm))
    change.before = _price_facts(price)
    change.after = {**_price_facts(price), "valid_until": now.isoformat()} if ended else None


def _factory_lock(name: str) -> LLMFactory:
    factory = LLMFactory.objects.select_for_update().filter(name=name).first()
    if factory is None:
        raise NotFound(f"There is no factory '{name}' in the catalog.")
    return factory


def _llm_lock(factory: str, llm_name: str) -> LLM:
    rows = LLM.objects.select_related("factory").select_for_update(of=("self",))
    llm = rows.filter(factory__name=factory, llm_name=llm_name).first()
    if llm is None:
        raise NotFound(f"There is no model '{llm_name}' of '{factory}' in the catalog.")
    return llm


def _create(row: LLMFactory | LLM, values: Values, change: ChangeRecord) -> None:
    row.full_clean()
    row.save(force_insert=True)
    change.about(row._meta.model_name or "", row.pk, _label(row))
    change.after = {column: plain(value) for column, value in values.items()}


def _update(row: LLMFactory | LLM, values: Values, change: ChangeRecord) -> None:
    before = {column: getattr(row, column) for column in values}
    changed = {column: value for column, value in values.items() if before[column] != value}
    if not changed:
        change.nothing_changed()
        return
    for column, value in changed.items():
        setattr(row, column, value)
    row.full_clean()
    row.save(update_fields=[*changed, "updated_at"])
    change.about(row._meta.model_name or "", row.pk, _label(row))
    change.before = {column: plain(before[column]) for column in changed}
    change.after = {column: plain(value) for column, value in changed.items()}


def _shipped(row: LLMFactory | LLM) -> dict[str, Any]:
    return {column: revived(column, value) for column, value in overridden(row).items()}


def _label(row: LLMFactory | LLM) -> str:
    return row.name if isinstance(row, LLMFactory) else f"{row.factory.name}: {row.llm_name}"


def _price_facts(price: Price) -> dict[str, Any]:
    figures = {name: getattr(price, name) for name in PRICE_FIGURES}
    return {
        **{name: str(figure) for name, figure in figures.items() if figure is not None},
        **({"tiers": price.tiers} if price.tiers else {}),
        "valid_from": price.valid_from.isoformat(),
        "valid_until": price.valid_until.isoformat() if price.valid_until else None,
        "note": price.source_note,
    }
