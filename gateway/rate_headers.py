"""The headers that say what is left of a minute.

https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

from collections.abc import Iterable, Sequence

from gateway.caller import Header
from gateway.claims import Claim, Kind

_FULL_WINDOW_S = 61


def rate_headers(claims: Sequence[Claim], lefts: Sequence[int]) -> list[Header]:
    """Of requests and of tokens the limit of which the smallest part is left. What counts now
    counts for a minute, until the end of its second."""
    headers: list[Header] = []
    for kind in (Kind.REQUESTS, Kind.TOKENS):
        known = [
            (c.limit or 0, left) for c, left in zip(claims, lefts, strict=True) if c.kind is kind
        ]
        if known:
            limit, left = min(known, key=lambda pair: pair[1] / max(pair[0], 1))
            headers += _headers(kind.value, limit, left, _FULL_WINDOW_S)
    return headers


def refused_headers(claim: Claim, left: int, reset_ms: int) -> Iterable[Header]:
    if not claim.is_window:
        return []
    return _headers(claim.kind.value, claim.limit or 0, left, -(-reset_ms // 1000))


def duration(seconds: int) -> str:
    """`1s`, `6m0s`, `1h0m0s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _headers(what: str, limit: int, left: int, reset_s: int) -> list[Header]:
    values = {"limit": str(limit), "remaining": str(left), "reset": duration(reset_s)}
    return [
        (f"x-ratelimit-{name}-{what}".encode(), value.encode()) for name, value in values.items()
    ]
