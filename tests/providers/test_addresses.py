from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmhub.base.errors import AddressForbidden, InvalidRequest
from providers.addresses import check_url, forbidden_reason, is_allowed
from tests.properties import untimed

EVERYTHING = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::6810:84e5", "2a00:1450::1"]
FORBIDDEN = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "4000::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "not an address",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fe80::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::ffff:0:169.254.169.254",
]


@pytest.mark.parametrize("ip", [*PUBLIC, "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(ip: str) -> None:
    assert is_allowed(ip, ())


@pytest.mark.parametrize("ip", [*FORBIDDEN, *METADATA])
def test_an_address_inside_is_forbidden(ip: str) -> None:
    assert not is_allowed(ip, ())


@pytest.mark.parametrize("ip", METADATA)
def test_no_allowlist_opens_a_metadata_address(ip: str) -> None:
    assert forbidden_reason(ip, EVERYTHING) == "a cloud metadata address"
    exact = ip_network(ip_address(ip))
    assert not is_allowed(ip, (exact,))


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_operators_allowlist_opens_local_models(ip: str) -> None:
    assert is_allowed(ip, LOOPBACK)
    assert not is_allowed("10.0.0.1", LOOPBACK)
    assert not is_allowed("::ffff:10.0.0.1", LOOPBACK)


def test_an_address_that_embeds_another_needs_both_to_be_allowed() -> None:
    nat64 = IPv6Network("64:ff9b::/96")
    assert is_allowed("64:ff9b::808:808", (nat64,))
    assert not is_allowed("64:ff9b::a00:1", (nat64,))
    assert is_allowed("64:ff9b::a00:1", (nat64, IPv4Network("10.0.0.0/8")))


@untimed
@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_never_allowed_in_an_ipv6_disguise_alone(ip: object) -> None:
    mapped = f"::ffff:{ip}"
    assert is_allowed(mapped, ()) == is_allowed(str(ip), ())
    number = int(ip_address(str(ip)))
    assert not is_allowed(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}", ())
    assert not is_allowed(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1", ())


@untimed
@given(st.ip_addresses())
def test_what_python_calls_private_is_forbidden_too(ip: object) -> None:
    address = ip_address(str(ip))
    if not address.is_global or address.is_multicast:
        assert not is_allowed(address, ())


def test_a_url_is_refused_when_any_address_of_its_host_is_forbidden() -> None:
    with pytest.raises(AddressForbidden) as caught:
        check_url("https://a.test/v1", (), resolve=lambda host, port: ["8.8.8.8", "10.1.2.3"])
    assert caught.value.details == {"field": "api_base"}
    assert "a private address" in caught.value.message
    assert "10.1.2.3" not in caught.value.message


def test_a_url_of_public_addresses_passes_with_its_port() -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["8.8.8.8", "2606:4700::1"]

    for url in ("https://a.test/v1", "http://a.test", "http://a.test:8080/x", "https://[2a00::1]"):
        check_url(url, (), resolve=resolve)
    assert asked == [("a.test", 443), ("a.test", 80), ("a.test", 8080), ("2a00::1", 443)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]"])
def test_the_systems_resolver_sees_through_spellings(host: str) -> None:
    with pytest.raises(AddressForbidden):
        check_url(f"http://{host}:9/v1", ())
    check_url(f"http://{host}:9/v1", LOOPBACK)


def test_a_host_that_is_not_known_is_an_invalid_request() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(InvalidRequest) as caught:
        check_url("https://nope.test/v1", (), field="base", resolve=resolve)
    assert not isinstance(caught.value, AddressForbidden)
    assert caught.value.details == {"field": "base"}
