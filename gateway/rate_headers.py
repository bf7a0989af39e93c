"""The headers that say what is left of a minute.

https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

from collections.abc import Iterable, Sequence

from gateway.caller import Header
from gateway.claims import Claim, Kind


def rate_headers(claims: Sequence[Claim], lefts: Sequence[int]) -> list[Header]:
    """Of requests and of tokens the limit of which the smallest part is left. What counts now
    counts for a minute, until the end of its second."""
    tightest: dict[Kind, tuple[float, int, int]] = {}
    for claim, left in zip(claims, lefts, strict=True):
        if claim.kind in _NAMES and claim.limit is not None:
            part = (left / claim.limit, claim.limit, left)
            tightest[claim.kind] = min(part, tightest.get(claim.kind, part))
    headers: list[Header] = []
    for kind, (_, limit, left) in tightest.items():
        headers += _headers(kind, limit, left, _FULL_WINDOW)
    return headers


def refused_headers(claim: Claim, left: int, reset_ms: int) -> Iterable[Header]:
    if claim.kind not in _NAMES:
        return []
    reset = duration(-(-reset_ms // 1000)).encode()
    return _headers(claim.kind, claim.limit or 0, left, reset)


def duration(seconds: int) -> str:
    """`1s`, `6m0s`, `1h0m0s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _headers(kind: Kind, limit: int, left: int, reset: bytes) -> list[Header]:
    of_limit, of_left, of_reset = _NAMES[kind]
    return [(of_limit, b"%d" % limit), (of_left, b"%d" % left), (of_reset, reset)]


_FULL_WINDOW = duration(61).encode()
_NAMES = {
    kind: tuple(
        f"x-ratelimit-{what}-{kind.value}".encode() for what in ("limit", "remaining", "reset")
    )
    for kind in (Kind.REQUESTS, Kind.TOKENS)
}
