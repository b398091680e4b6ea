"""Only public hosts are visited, however an address is dressed up."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.addresses import parse_address, refuse_private, resolve_redirect, why_not_public
from ingest.errors import AddressRefusedError

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "168.63.129.16",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "not an address",
    "",
]
PUBLIC = [
    "8.8.8.8",
    "193.62.193.83",
    "130.14.29.110",
    "2606:4700::1111",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("ip", PRIVATE)
def test_an_address_that_is_not_public_is_refused(ip: str) -> None:
    assert why_not_public(ip) is not None
    with pytest.raises(AddressRefusedError):
        refuse_private("host.example", [ip])


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_is_let_through(ip: str) -> None:
    assert why_not_public(ip) is None


def test_one_private_address_among_public_ones_is_enough_to_refuse_a_host() -> None:
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        refuse_private("host.example", ["8.8.8.8", "10.0.0.1"])


def test_a_host_without_any_address_is_refused() -> None:
    with pytest.raises(AddressRefusedError, match="no address"):
        refuse_private("host.example", [])


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_in_every_ipv6_disguise(address: ipaddress.IPv4Address) -> None:
    plain = why_not_public(str(address)) is None
    disguises = [
        ipaddress.IPv6Address((0xFFFF << 32) | int(address)),
        ipaddress.IPv6Address((0x64FF9B << 96) | int(address)),
        ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80)),
    ]

    assert [why_not_public(str(each)) is None for each in disguises] == [plain] * 3


@given(st.ip_addresses())
def test_nothing_is_let_through_that_the_standard_library_calls_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.is_private and getattr(address, "ipv4_mapped", None) is None:
        assert why_not_public(str(address)) is not None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://files.example/a.pdf", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("gopher://old.example/", "only http and https"),
        ("//health.example/a", "only http and https"),
        ("health.example/a", "only http and https"),
        ("https://ann:secret@health.example/", "user name"),
        ("https://ann@health.example/", "user name"),
        ("https://@health.example/", "user name"),
        ("https://health.example\\@evil.example/", "backslash"),
        ("https://health.example/a b", "space"),
        ("https://health.example/\r\nHost: evil", "control character"),
        ("https://health.example/\x00", "control character"),
        ("https:///path", "host name"),
        ("https://", "host name"),
        ("https://a..b/", "host name"),
        ("https://%31%32%37.0.0.1/", "host name"),
        ("https://health.example:99999/", "not a web address"),
        ("https://health.example:x/", "not a web address"),
        ("https://[::1/", "not a web address"),
        ("https://health.example/" + "a" * 5_000, "characters"),
    ],
)
def test_an_address_of_another_form_is_refused_with_its_reason(url: str, words: str) -> None:
    with pytest.raises(AddressRefusedError, match=words):
        parse_address(url)


def test_a_password_in_an_address_is_not_repeated_in_the_message() -> None:
    with pytest.raises(AddressRefusedError) as caught:
        parse_address("https://ann:s3cret@health.example/")

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("HTTPS://Health.Example", "https://health.example/"),
        ("https://health.example:443/a?b=c#d", "https://health.example/a?b=c"),
        ("http://health.example:8080/a", "http://health.example:8080/a"),
        ("https://health.example./a", "https://health.example/a"),
        ("https://bücher.example/größe?q=é", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?q=%C3%A9"),
        ("https://health.example/a%20b", "https://health.example/a%20b"),
        ("https://[2606:4700::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
        ("  https://health.example/a \n", "https://health.example/a"),
    ],
)
def test_an_address_is_put_into_one_form(url: str, shown: str) -> None:
    assert str(parse_address(url)) == shown


@given(st.text(max_size=60))
def test_any_text_is_either_refused_or_put_into_a_form_that_stays_as_it_is(text: str) -> None:
    try:
        address = parse_address(f"https://{text}")
    except AddressRefusedError:
        return

    assert parse_address(str(address)) == address
    assert str(address).isascii()


def test_a_relative_redirect_stays_on_its_host() -> None:
    origin = parse_address("https://health.example/a/b?c")

    assert str(resolve_redirect(origin, "../d")) == "https://health.example/d"
    assert str(resolve_redirect(origin, "//other.example/e")) == "https://other.example/e"


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://health.example/a", "https://u:p@x.example/"]
)
def test_a_redirect_to_a_weaker_or_forbidden_address_is_refused(location: str) -> None:
    with pytest.raises(AddressRefusedError):
        resolve_redirect(parse_address("https://health.example/"), location)
