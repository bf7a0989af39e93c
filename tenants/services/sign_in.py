"""Guessing passwords is bounded, per account and per address.

An attempt is counted before the password is looked at, so that parallel guesses do not slip
through; one that succeeds is taken off again. The address is the peer's: X-Forwarded-For is
anyone's to write and is not read.
"""

import hashlib
import logging
from ipaddress import ip_address, ip_network
from typing import cast

from llmhub.base.errors import RateLimited, ServiceUnavailable
from llmhub.base.valkey import ValkeyError, valkey

logger = logging.getLogger(__name__)

WINDOW_S = 15 * 60
FAILURES_PER_ACCOUNT = 10
FAILURES_PER_ADDRESS = 30

_COUNT = """
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[i + 1]) then
    wait = math.max(wait, redis.call('TTL', key), 1)
  end
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[1]) end
end
return 0
"""

_FORGET = """
redis.call('DEL', KEYS[1])
if tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then redis.call('DECR', KEYS[2]) end
"""


def sign_in_attempt(*, email: str, address: str | None) -> None:
    """Count an attempt, before its password is checked.

    Raises RateLimited with the seconds to wait, and ServiceUnavailable where attempts cannot be
    counted.
    """
    limits = (WINDOW_S, FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS)
    try:
        wait_s = cast("int", valkey().eval(_COUNT, 2, *_keys(email, address), *map(str, limits)))
    except ValkeyError as error:
        # Identity fails closed: uncounted guesses would be unbounded ones.
        logger.error("sign-in refused, attempts cannot be counted: %s", type(error).__name__)
        raise ServiceUnavailable(
            "Signing in does not work at the moment. Try again in a minute.", retry_after_s=60
        ) from None
    if wait_s:
        logger.warning("sign-in refused: too many attempts from %s", address)
        raise RateLimited("Too many attempts to sign in.", retry_after_s=wait_s)


def sign_in_succeeded(*, email: str, address: str | None) -> None:
    """Take the attempt off again; the account starts anew, the address keeps its other failures."""
    try:
        valkey().eval(_FORGET, 2, *_keys(email, address))
    except ValkeyError as error:
        logger.warning("sign-in not taken off the count: %s", type(error).__name__)


def _keys(email: str, address: str | None) -> tuple[str, str]:
    account = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    return f"hub:sign_in:account:{account}", f"hub:sign_in:address:{_neighbourhood(address)}"


def _neighbourhood(address: str | None) -> str:
    """One subscriber holds a /64 of IPv6 addresses: they count as one."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ip_network((parsed, 64), strict=False).network_address)
