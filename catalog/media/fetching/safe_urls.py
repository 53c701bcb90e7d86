"""Parses picture URLs and resolves their hosts, with protection against SSRF.

The author of a catalogue file must not be able to make this machine fetch from its own network.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit

from catalog import config
from catalog.config import PrivateHosts
from embedding.errors import UserFacingError

PORTS = {"http": 80, "https": 443}
MAX_LENGTH = 2000
NAT64 = IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
TRANSLATED = IPv6Network("::ffff:0:0:0/96")
"""SIIT: like NAT64 addresses, these end in an IPv4 address."""

CLOUD = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Clouds answer machines inside at these addresses, which are public by their numbers: Azure's
platform, and Oracle's metadata (in RFC 6890's block for protocol assignments)."""

IPAddress = IPv4Address | IPv6Address


class AddressError(UserFacingError, ValueError):
    """A URL that must not be fetched; the message is a short reason for the user."""


class UnresolvedError(Exception):
    """A host name cannot be resolved at present."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL, in ASCII; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.origin}{self.target}"


def parse_address(url: str) -> Address:
    """Parse a URL. Spaces and non-ASCII characters are percent-encoded.

    Raises:
        AddressError: not an absolute http or https URL, or it contains a user name or password.
    """
    if len(url) > MAX_LENGTH:
        raise AddressError(f"longer than {MAX_LENGTH} characters")
    # urlsplit silently drops control characters, and parsers disagree about backslashes.
    if any(ord(character) < 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise AddressError("contains a character that is not allowed in a web address")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except ValueError as error:
        raise AddressError("not a web address") from error
    if parts.scheme not in PORTS:
        raise AddressError("neither http nor https")
    if not host or port == 0 or any(character in host for character in " %/?#@"):
        raise AddressError("not a web address")
    if "@" in parts.netloc:
        raise AddressError("contains a user name or password")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?[]|")
    return Address(parts.scheme, host, port or PORTS[parts.scheme], target)


def follow(address: Address, location: str) -> Address:
    """The target of a redirect from `address`.

    Raises:
        AddressError: see `parse_address`.
    """
    try:
        return parse_address(urljoin(str(address), location.strip()))
    except AddressError as error:
        raise AddressError(f"invalid redirect: {error}") from error
    except ValueError as error:
        raise AddressError("invalid redirect: not a web address") from error


def resolve(address: Address, private: PrivateHosts | None = None) -> list[str]:
    """The IP addresses of a host to which connections are allowed, in the resolver's order.

    Args:
        private: the private hosts that are allowed; None for those of FETCH_ALLOW.

    Raises:
        AddressError: no such host, or all its addresses are private, loopback, link-local or
            otherwise internal and not listed in FETCH_ALLOW. Hosts that are not listed have no
            other ports than 80 and 443 either.
        UnresolvedError: the name cannot be resolved at present.
        ConfigError: FETCH_ALLOW is malformed.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise AddressError(f"no such host: {address.host}") from error
        raise UnresolvedError(f"the name {address.host} cannot be resolved") from error
    except (OSError, UnicodeError) as error:
        raise AddressError(f"no such host: {address.host}") from error
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    allow = config.settings().fetch_allow if private is None else private
    if address.host.lower() in allow.hosts:
        return list(addresses)
    is_usual = address.port in PORTS.values()
    allowed = [
        text
        for text in addresses
        if (is_usual and is_public(ip_address(text)))
        or any(
            part in network
            for part in _embedded_addresses(ip_address(text))
            for network in allow.networks
        )
    ]
    if not allowed and not is_usual and all(map(is_public, map(ip_address, addresses))):
        raise AddressError(f"port {address.port} of {address.host} is not allowed: see FETCH_ALLOW")
    if not allowed:
        where = "" if address.host in addresses else f" ({', '.join(addresses)})"
        raise AddressError(f"{address.host}{where} is a private address: see FETCH_ALLOW")
    return allowed


def is_public(ip: IPAddress) -> bool:
    """Whether an address, or every IPv4 address embedded in it, is public."""
    embedded = [part for part in _embedded_addresses(ip) if part != ip]
    return all(map(_is_public, embedded)) if embedded else _is_public(ip)


def _is_public(ip: IPAddress) -> bool:
    if isinstance(ip, IPv6Address) and (ip.is_site_local or ip in LOCAL_NAT64):
        return False
    if any(ip in network for network in CLOUD):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _embedded_addresses(ip: IPAddress) -> Iterator[IPAddress]:
    """The address itself and the IPv4 addresses that it maps or tunnels to."""
    yield ip
    if isinstance(ip, IPv4Address):
        return
    if ip.ipv4_mapped:
        yield ip.ipv4_mapped
    if ip.sixtofour:
        yield ip.sixtofour
    if ip.teredo:
        yield from ip.teredo
    if ip in NAT64 or ip in TRANSLATED:
        yield IPv4Address(int(ip) & 0xFFFFFFFF)
