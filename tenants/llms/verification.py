"""Asking a provider whether a key works, and putting its answer into words."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from llmhub.base.errors import ProviderRefused, Unprocessable
from llmhub.base.model_types import ModelType
from providers.pricing import cost_usd, price_in_force
from providers.probes import ProbeOutcome, ProbeReport, ProbeStep, run_models_list, run_probes
from providers.protocols.wire import (
    FailureKind,
    ListedModel,
    ProviderError,
    ProviderFailure,
    Usage,
)
from providers.selectors import CatalogFactory, prices_since, retired_models
from tenants.llms.provider_facts import Credentials, is_served, protocol_of, target_of
from tenants.models import ConnectionState

_STATES = {
    FailureKind.INVALID_KEY: ConnectionState.INVALID_KEY,
    FailureKind.OUT_OF_QUOTA: ConnectionState.OUT_OF_QUOTA,
    FailureKind.UNREACHABLE: ConnectionState.UNREACHABLE,
    FailureKind.TIMEOUT: ConnectionState.UNREACHABLE,
    FailureKind.OVERLOADED: ConnectionState.UNREACHABLE,
}


@dataclass(frozen=True)
class Check:
    """A model to call as a type."""

    model_type: ModelType
    llm_name: str


@dataclass(frozen=True)
class Verdict:
    """What the provider said. `outcome` is None where it was not asked."""

    outcome: ProbeOutcome | None

    @classmethod
    def untested(cls) -> "Verdict":
        return cls(None)

    @property
    def state(self) -> ConnectionState:
        """What it means for the connection; a failure that says nothing about it leaves it
        unverified."""
        if self.outcome is None:
            return ConnectionState.UNVERIFIED
        if self.outcome.is_ok:
            return ConnectionState.VALID
        failure = self.outcome.failure
        known = _STATES.get(failure.kind) if failure else None
        return known or ConnectionState.UNVERIFIED

    @property
    def message(self) -> str:
        """Empty where all is well."""
        failure = self.outcome.failure if self.outcome and not self.outcome.is_ok else None
        return _in_words(failure) if failure else ""

    def as_json(self) -> list[dict[str, Any]]:
        return [report_json(report) for report in self.outcome.reports] if self.outcome else []

    def raise_if_refused(self) -> None:
        """Raises ProviderRefused with the model that was tried, the cause, and the provider's own
        words, masked."""
        if self.outcome is None or self.outcome.is_ok:
            return
        report, failure = self.outcome.telling, self.outcome.failure
        if report is None or failure is None:
            raise Unprocessable(
                "None of the models can be tested. Add one by its name with POST /llm/add_llm.",
                code="nothing_to_test",
            )
        raise ProviderRefused(
            f"Fail to access model({report.llm_name}) using this api key. {_in_words(failure)}",
            code=failure.kind.value,
            details={
                "model": report.llm_name,
                "model_type": report.model_type.value,
                **_details(failure),
                "probes": self.as_json(),
            },
        )


def verify(
    factory: CatalogFactory, base_url: str, credentials: Credentials, plan: Iterable[Check]
) -> Verdict:
    """Probe once per model type, its cheapest model, until it is known whether the key works.

    Raises NotSupported where no protocol serves any of the plan, MissingParameter where there is
    no address to ask.
    """
    checks = list(plan)
    served = [check for check in checks if is_served(factory, check.model_type)]
    if checks and not served:
        protocol_of(factory, checks[0].model_type)
    ordered = _cheapest_first(factory, served)
    steps = [_step(factory, base_url, credentials, check) for check in ordered]
    return Verdict(run_probes(steps, settings.HUB.hub_egress_allow))


def _cheapest_first(factory: CatalogFactory, checks: list[Check]) -> list[Check]:
    """Within each type by what a short call costs; after those the models without a price, and last
    those that their provider has stopped serving. Chat comes before the other types."""
    if len(checks) < 2:
        return checks
    now = timezone.now()
    prices = prices_since(factories=[factory.name], since=now)
    retired = retired_models(factory=factory.name, day=now.date())

    def order(check: Check) -> tuple[int, bool, bool, Decimal]:
        price = price_in_force(prices.get((factory.name, check.llm_name), ()), now)
        cost = cost_usd(_SHORT_CALL, price)
        is_retired = check.llm_name in retired
        return _TYPES.index(check.model_type), is_retired, cost is None, cost or Decimal(0)

    return sorted(checks, key=order)


_TYPES = list(ModelType)
_SHORT_CALL = Usage(input_tokens=1_000, output_tokens=1_000, characters=1_000, audio_ms=1_000)


def models_listed(
    factory: CatalogFactory, base_url: str, credentials: Credentials
) -> list[ListedModel]:
    """What the provider lists; nothing where it has no list.

    Raises ProviderRefused where it refuses the key or does not answer.
    """
    model_type = factory.model_types[0]
    protocol = protocol_of(factory, model_type)
    target = target_of(factory, model_type, base_url, credentials)
    try:
        return run_models_list(protocol, target, settings.HUB.hub_egress_allow)
    except ProviderError as error:
        failure = error.failure
    if failure.kind not in _STATES:
        return []
    raise ProviderRefused(
        f"Fail to access model({factory.name}) using this api key. {_in_words(failure)}",
        code=failure.kind.value,
        details=_details(failure),
    )


def report_json(report: ProbeReport) -> dict[str, Any]:
    failure = report.failure
    return {
        "model": report.llm_name,
        "model_type": report.model_type.value,
        "ok": report.is_ok,
        "latency_ms": report.latency_ms,
        "detail": report.detail,
        "cause": failure.kind.value if failure else None,
        "provider_message": failure.message if failure else "",
        "remedy": failure.remedy if failure and not report.is_ok else "",
    }


def _details(failure: ProviderFailure) -> dict[str, Any]:
    return {
        "cause": failure.kind.value,
        "provider_message": failure.message,
        "provider_status": failure.http_status,
        "remedy": failure.remedy,
    }


def _step(
    factory: CatalogFactory, base_url: str, credentials: Credentials, check: Check
) -> ProbeStep:
    return ProbeStep(
        protocol_of(factory, check.model_type),
        target_of(factory, check.model_type, base_url, credentials),
        check.model_type,
        check.llm_name,
    )


def _in_words(failure: ProviderFailure) -> str:
    cause = failure.kind.value.replace("_", " ")
    words = failure.message.rstrip()
    if words and words[-1] not in ".!?":
        words += "."
    if words and failure.http_status is not None:
        words = f"The provider says: {words}"
    return " ".join(part for part in (f"Cause: {cause}.", words, failure.remedy) if part)
