"""Which web addresses may be visited: http and https on their own ports, and public hosts only.

An address that an editor pastes, or that a page redirects to, must not reach the machines beside this one. What a
name resolves to is checked by ranges of the IANA special-purpose registries, written out here because
`ipaddress.is_global` lets some of them through (site-local, 6to4, local NAT64 and a few more).
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna

from ingest.errors import AddressRefusedError

__all__ = ["WebAddress", "parse_address", "refuse_private", "resolve_redirect", "why_not_public"]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_CHARS: Final = 4_000
_HOST_NAME: Final = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f\\]")

_IPv4: Final = ipaddress.IPv4Address
#: Special-purpose IPv4 ranges that `is_global` does not know, and the host part of a public cloud that only
#: its own guests can reach.
_CLOSED_V4: Final = tuple(
    map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "224.0.0.0/3"))
)
#: All public IPv6 unicast is in here ...
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
#: ... but for these: protocol assignments with Teredo and benchmarking, documentation.
_CLOSED_V6: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A web address in parts that cannot be read in two ways.

    Args:
        host: A host name in ASCII and lower case, or an IP address without brackets.
        target: Path and query, percent-encoded, beginning with a slash. There is no fragment.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_address(url: str) -> WebAddress:
    """Return a web address in its parts.

    Raises:
        AddressRefusedError: If it is not http(s), holds a password, has no host, or has characters that
            programs read in different ways. Its port and where it leads are not looked at.
    """
    text = url.strip()
    if len(text) > _MAX_CHARS:
        raise AddressRefusedError(
            f"The address has {len(text):,} characters; at most {_MAX_CHARS:,} are used."
        )
    if _UNPRINTABLE.search(text):
        raise AddressRefusedError(
            f"The address {text!r} has a space, a control character or a backslash in it. Write it without."
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressRefusedError(f"{text!r} is not a web address: {error}. Check it.") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise AddressRefusedError(
            f"{text!r} is not a web address that can be fetched: only http and https are. Begin it with https://."
        )
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError(
            f"The address of {parts.hostname} has a user name in it, which is never sent. Take it out of the address."
        )
    host = _host(parts, text)
    return WebAddress(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], _target(parts))


def _host(parts: SplitResult, text: str) -> str:
    name = (parts.hostname or "").rstrip(".")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        ascii_name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressRefusedError(f"{text!r} has an impossible host name: {error}. Check it.") from error
    if not _HOST_NAME.fullmatch(ascii_name):
        raise AddressRefusedError(f"{text!r} has the impossible host name {name!r}. Check it.")
    return ascii_name


def _target(parts: SplitResult) -> str:
    kept = "%/:=&?~+!$,;'@()*[]"
    path = quote(parts.path or "/", safe=kept)
    return f"{path}?{quote(parts.query, safe=kept)}" if parts.query else path


def resolve_redirect(origin: WebAddress, location: str) -> WebAddress:
    """Return where a redirect leads.

    Raises:
        AddressRefusedError: As in `parse_address`, and if it leads from https to http.
    """
    try:
        joined = urljoin(str(origin), location.strip())
    except ValueError as error:
        raise AddressRefusedError(
            f"{origin} redirects to {location!r}, which is no address: {error}."
        ) from error
    address = parse_address(joined)
    if origin.scheme == "https" and address.scheme == "http":
        raise AddressRefusedError(
            f"{origin} redirects to {address}, which is not encrypted. If that is right, fetch that address itself."
        )
    return address


def refuse_private(host: str, resolved: Sequence[str]) -> None:
    """Refuse a host unless every one of its IP addresses is public.

    Raises:
        AddressRefusedError: If there is none, or one is not public: a name that resolves to both kinds is an attack.
    """
    if not resolved:
        raise AddressRefusedError(f"{host} resolves to no address. Check its spelling.")
    for ip in resolved:
        reason = why_not_public(ip)
        if reason is not None:
            raise AddressRefusedError(
                f"{host} leads to {ip}, which is {reason}; only public addresses are fetched. Download the document "
                "yourself and add the file."
            )


def why_not_public(ip: str) -> str | None:
    """Return in words why an IP address is not a public host's, None if it is one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "no IP address"
    return _why_not_public_v4(address) if isinstance(address, _IPv4) else _why_not_public_v6(address)


def _why_not_public_v6(address: ipaddress.IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "local to one network interface"
    carried = _carried_v4(address)
    if carried is not None:
        inner = _why_not_public_v4(carried)
        return f"a form of {carried}, which is {inner}" if inner else None
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_multicast:
        return "a multicast address"
    if address not in _GLOBAL_V6 or any(address in closed for closed in _CLOSED_V6):
        return "not a public address"
    return None


def _why_not_public_v4(address: ipaddress.IPv4Address) -> str | None:
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if not address.is_global or any(address in closed for closed in _CLOSED_V4):
        return "not a public address"
    return None


def _carried_v4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address to which packets for this IPv6 address are handed on."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    if address in _NAT64:
        return _IPv4(int(address) & 0xFFFF_FFFF)
    return None
