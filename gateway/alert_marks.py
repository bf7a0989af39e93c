"""Noticing that a budget has reached a share at which people want to be told.

The gateway only leaves a mark; a task looks at the budget and tells people, once for each share and
period (tenants/limits/alerts.py). A process marks each share once, so a mark that is lost with
another process is made again with the next call.
"""

from collections.abc import Sequence
from uuid import UUID

from gateway.spending import Spent
from gateway.valkey_client import Argument, ValkeyAway, ValkeyClient, ValkeyReplyError
from tenants.limits.alert_marks import MARKS_KEY, mark

_MAX_KNOWN = 50_000


class AlertMarks:
    def __init__(self, valkey: ValkeyClient) -> None:
        self._valkey = valkey
        self._known: set[tuple[str, int]] = set()

    async def note(
        self,
        tenant_id: UUID,
        keys: Sequence[Argument],
        spent: Sequence[Spent],
        totals: Sequence[int],
    ) -> None:
        """`totals` are what each key has spent by now."""
        total_of = dict(zip(keys, totals, strict=True))
        for item in spent:
            budget = item.claim.budget
            if budget is None:
                continue
            total = total_of.get(item.claim.key, 0)
            reached = [s for s in budget.alert_shares if total * 100 >= s * budget.amount]
            new = {(item.claim.key, share) for share in reached} - self._known
            if new and await self._leave(mark(tenant_id, budget.id)):
                if len(self._known) > _MAX_KNOWN:
                    self._known.clear()
                self._known |= new

    async def _leave(self, member: str) -> bool:
        try:
            await self._valkey.command("SADD", MARKS_KEY, member)
        except (ValkeyAway, ValkeyReplyError):
            return False
        return True
