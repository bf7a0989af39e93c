"""May this call be made now? One round trip to Valkey with each call.

It reads the versions of the tenant's and the platform's configuration, so that a revoked token or a
disabled model is refused on the very next call, in every process (current.py). Where the call is
under limits or budgets the same step takes what it may use out of them (reservations.py); a call
that is under none does not pay for them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gateway.authenticate import token_check
from gateway.claims import Claim, claims_make, models_priced
from gateway.current import CurrentSnapshots
from gateway.errors import GatewayError, TooBusy
from gateway.estimate import UNCOUNTED, Estimate, estimate_make
from gateway.request_body import Payload
from gateway.reservations import Refused, Reservation, Reservations, Stale
from gateway.snapshot_cache import Held
from gateway.sync_units import SyncUnits
from gateway.valkey_client import ValkeyAway, ValkeyReplyError
from tenants.snapshots import ModelView, Snapshot, TokenView

_MAX_ROUNDS = 24
"""More than a route has targets; in between the configuration may change a few times as well."""

Resolve = Callable[[Snapshot, TokenView], Sequence[ModelView]]


@dataclass(frozen=True, slots=True)
class Admission:
    """The tenant as it is at this moment, and the token that the call came with."""

    snapshot: Snapshot
    platform_id: UUID
    token: TokenView


@dataclass(frozen=True, slots=True)
class CallAdmission(Admission):
    """Also the models to try, and what was reserved: None for a call under no limit and no
    budget."""

    models: Sequence[ModelView]
    reservation: Reservation | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call asks for. `resolve` gives the models to try, or raises GatewayError."""

    call_id: UUID
    token_hash: str
    scopes: Collection[str]
    payload: Payload
    resolve: Resolve


@dataclass(slots=True)
class _Trial:
    """How far an admission is. `without` names models whose own limits have no room."""

    held: Held
    is_confirmed: bool
    estimate: Estimate | None = None
    without: set[str] = field(default_factory=set)
    refused: Refused | None = None

    def goes_on_without(self, refused: Refused) -> bool:
        """Whether another model may still have room."""
        if refused is self.refused or not refused.claim.view.model:
            return False
        self.refused = self.refused or refused
        self.without.add(refused.claim.view.model)
        self.is_confirmed = True
        return True


class Unresolved(Exception):
    """No model answers what was asked for; says whose call it was."""

    def __init__(self, admission: Admission, error: GatewayError) -> None:
        super().__init__(error.message)
        self.admission = admission
        self.error = error


class _Outdated(Exception):
    """The snapshot is not the current one."""


class Admissions:
    def __init__(
        self, current: CurrentSnapshots, units: SyncUnits, reservations: Reservations
    ) -> None:
        self._current = current
        self._units = units
        self._reservations = reservations

    async def require_known(self, token_hash: str) -> None:
        """Before any more of a stranger's request is read. Raises InvalidToken and TooBusy."""
        if self._current.find(token_hash) is None:
            await self._current.load(token_hash)

    async def admit(self, token_hash: str, scopes: Collection[str]) -> Admission:
        """Raises InvalidToken, NotPermitted, and TooBusy where nobody can say who this is."""
        held = self._current.find(token_hash)
        if held is None:
            held = await self._current.load(token_hash)
        elif not await self._current.is_current(held):
            held = await self._current.rebuild(held)
        token = token_check(held.snapshot, token_hash, scopes)
        return Admission(held.snapshot, held.platform_id, token)

    async def admit_call(self, wish: Wish) -> CallAdmission:
        """As `admit`, and what the call may use is reserved. Raises Refused where a limit or a
        budget has no room for it, and Unresolved with what `wish.resolve` raises."""
        held = self._current.find(wish.token_hash)
        is_new = held is None
        trial = _Trial(held or await self._current.load(wish.token_hash), is_new)
        for _ in range(_MAX_ROUNDS):
            try:
                return await self._try(trial, wish)
            except _Outdated:
                trial.held = await self._current.rebuild(trial.held)
                trial.is_confirmed = True
            except Refused as refused:
                if not trial.goes_on_without(refused):
                    raise
        raise TooBusy("The configuration changes too fast. Try again shortly.", retry_after_s=1)

    async def _try(self, trial: _Trial, wish: Wish) -> CallAdmission:
        held, snapshot = trial.held, trial.held.snapshot
        try:
            token = token_check(snapshot, wish.token_hash, wish.scopes)
        except GatewayError:
            # An old snapshot may refuse what is allowed by now.
            await self._require_current(trial)
            raise
        try:
            models = await self._models(trial, token, wish)
        except GatewayError as error:
            await self._require_current(trial)
            raise Unresolved(Admission(snapshot, held.platform_id, token), error) from None
        made = None
        estimate = trial.estimate
        if estimate is not None and (claims := claims_make(snapshot, token, models, estimate)):
            made = await self._reserve(trial, wish.call_id, claims)
        else:
            await self._require_current(trial)
        return CallAdmission(snapshot, held.platform_id, token, models, made)

    async def _models(self, trial: _Trial, token: TokenView, wish: Wish) -> Sequence[ModelView]:
        snapshot = trial.held.snapshot
        models = wish.resolve(snapshot, token)
        if trial.refused is not None:
            models = [m for m in models if trial.without.isdisjoint(m.names())]
            if not models:
                raise trial.refused
        if not snapshot.limits and not snapshot.budgets:
            trial.estimate = None
            return models
        if trial.estimate is None or trial.estimate is UNCOUNTED:
            is_counted = snapshot.budgets or any(v.tokens_per_minute for v in snapshot.limits)
            trial.estimate = (
                await estimate_make(wish.payload, self._units) if is_counted else UNCOUNTED
            )
        return models_priced(snapshot, token, models, trial.estimate)

    async def _require_current(self, trial: _Trial) -> None:
        if trial.is_confirmed:
            return
        if not await self._current.is_current(trial.held):
            raise _Outdated
        trial.is_confirmed = True

    async def _reserve(self, trial: _Trial, call_id: UUID, claims: Sequence[Claim]) -> Reservation:
        held = trial.held
        if not self._current.may_be_known(held):
            await self._require_current(trial)
        try:
            made = await self._reservations.reserve(
                held, call_id, claims, is_confirmed=trial.is_confirmed
            )
        except (ValkeyAway, ValkeyReplyError):
            await self._require_current(trial)
            return await self._reservations.reserve_without_valkey(held, call_id, claims)
        if not isinstance(made, Stale):
            return made
        if not await self._current.is_current_by(held, made.versions):
            raise _Outdated
        trial.is_confirmed = True
        return await self._reserve(trial, call_id, claims)
