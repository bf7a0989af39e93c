"""May the hub connect to this IP address? The one answer, for saving a URL and for connecting.

The tables follow IANA's special-purpose registries and what clouds use for their metadata services.
Python's `is_private` and `is_global` are no such check: they let several of these pass.
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from llmhub.base.errors import AddressForbidden, InvalidRequest

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
Rules = tuple[tuple[IPNetwork, str], ...]


def _rules(table: dict[str, str]) -> Rules:
    return tuple(
        (ip_network(network), reason) for reason, line in table.items() for network in line.split()
    )


# No allowlist opens these: whoever reaches them reads the machine's own credentials.
_NEVER = _rules(
    {
        "a cloud metadata address": "169.254.0.0/16 100.100.100.200 168.63.129.16 192.0.0.192 "
        "fd00:ec2::/32 fd20:ce::254 fd00:42::42 fd00:c1::a9fe:a9fe fe80::a9fe:a9fe",
    }
)
_FORBIDDEN_V4 = _rules(
    {
        "an unspecified address": "0.0.0.0/8",
        "a loopback address": "127.0.0.0/8",
        "a private address": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
        "a carrier's shared address": "100.64.0.0/10",
        "a reserved address": "192.0.0.0/24 192.88.99.0/24 192.31.196.0/24 192.52.193.0/24 "
        "192.175.48.0/24 240.0.0.0/4",
        "a documentation address": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24",
        "a benchmark address": "198.18.0.0/15",
        "a multicast address": "224.0.0.0/4",
    }
)
_FORBIDDEN_V6 = _rules(
    {
        "an unspecified address": "::/128",
        "a loopback address": "::1/128",
        "a private address": "fc00::/7 fec0::/10",
        "a link-local address": "fe80::/10",
        "a multicast address": "ff00::/8",
        "a documentation address": "2001:db8::/32 3fff::/20",
        "a Teredo address": "2001::/32",
        "a 6to4 address": "2002::/16",
        "a NAT64 address": "64:ff9b::/96 64:ff9b:1::/48",
        "an address that embeds an IPv4 address": "::/96 ::ffff:0:0/96 ::ffff:0:0:0/96",
        "a reserved address": "2001::/23 2620:4f:8000::/48",
    }
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
# Where an IPv6 address carries an IPv4 address: the network, and the bits to the right of it.
_EMBEDDING = tuple(
    (IPv6Network(network), shift)
    for network, shift in (
        ("::/96", 0),
        ("::ffff:0:0/96", 0),
        ("::ffff:0:0:0/96", 0),
        ("64:ff9b::/96", 0),
        ("64:ff9b:1::/48", 0),
        ("2002::/16", 80),
    )
)
_TEREDO = IPv6Network("2001::/32")


def is_allowed(ip: IPAddress | str, egress_allow: Iterable[IPNetwork]) -> bool:
    return forbidden_reason(ip, egress_allow) is None


def forbidden_reason(ip: IPAddress | str, egress_allow: Iterable[IPNetwork]) -> str | None:
    """What kind of address it is, where the hub does not connect to it; None where it does.

    `egress_allow` opens private networks to the operator's local models. It never opens a metadata
    address, and an address that embeds an IPv4 address (NAT64, say) needs both to be allowed.
    """
    address = _address(ip)
    if address is None:
        return "not an IP address"
    never = _match(address, _NEVER)
    if never is not None:
        return never
    allow = tuple(egress_allow)
    inner = _embedded(address)
    # A socket takes a mapped address for the IPv4 address that it holds.
    is_mapped = inner is not None and address in _MAPPED
    if not is_mapped and not _is_in(address, allow):
        return _usual_reason(address)
    return None if inner is None else forbidden_reason(inner, allow)


def _address(ip: IPAddress | str) -> IPAddress | None:
    if not isinstance(ip, str):
        return ip
    try:
        return ip_address(ip.partition("%")[0])
    except ValueError:
        return None


def _embedded(address: IPAddress) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _TEREDO:
        return IPv4Address(~int(address) & 0xFFFFFFFF)
    for network, shift in _EMBEDDING:
        if address in network and int(address) > 1:
            return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None


def _match(address: IPAddress, rules: Rules) -> str | None:
    return next((reason for network, reason in rules if address in network), None)


def _is_in(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _usual_reason(address: IPAddress) -> str | None:
    if isinstance(address, IPv4Address):
        return _match(address, _FORBIDDEN_V4)
    reason = _match(address, _FORBIDDEN_V6)
    return reason or (None if address in _GLOBAL_V6 else "a reserved address")


def addresses_resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host, by the system's resolver; blocks. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_url(
    url: str,
    egress_allow: Iterable[IPNetwork],
    *,
    field: str = "api_base",
    resolve: Callable[[str, int], Sequence[str]] = addresses_resolve,
) -> None:
    """Check a URL that a tenant wants to save: every address that its host has must be allowed.

    The URL is normalised already (see `providers.base_urls`). Raises AddressForbidden with the kind
    of address, not the address itself: internal names are none of a tenant's business. Raises
    InvalidRequest where the name does not resolve. The transport checks again when it connects.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        addresses = resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
    except (OSError, UnicodeError):
        message = f"The host {host} of {field} is not known: check its spelling."
        raise InvalidRequest(message, field=field) from None
    allow = tuple(egress_allow)
    for address in addresses:
        reason = forbidden_reason(address, allow)
        if reason is not None:
            raise AddressForbidden(forbidden_message(host, reason), field=field)


def forbidden_message(host: str, reason: str) -> str:
    return (
        f"The hub does not connect to {host}: it is {reason}. "
        "The operator can open networks of local models with HUB_EGRESS_ALLOW."
    )
