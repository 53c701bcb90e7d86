"""Addresses of pictures: which are well formed, and where it is safe to connect to.

Whoever writes a catalogue file must not be able to make this machine fetch from its own network.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit

from catalog import config

PORTS = {"http": 80, "https": 443}
MAX_LENGTH = 2000
NAT64 = IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
TRANSLATED = IPv6Network("::ffff:0:0:0/96")
"""SIIT's addresses, which end in one of IPv4 as NAT64's do."""

IPAddress = IPv4Address | IPv6Address


class AddressError(ValueError):
    """An address that is not fetched from; the message is a short reason fit for showing."""


class UnresolvedError(Exception):
    """A host's name has no answer at present."""


@dataclass(frozen=True, slots=True)
class Address:
    """A web address in its parts, in ASCII; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.origin}{self.target}"


def parse_address(url: str) -> Address:
    """The parts of an address; blanks and letters beyond ASCII are encoded.

    Raises:
        AddressError: not a whole http or https address, or one with a password.
    """
    if len(url) > MAX_LENGTH:
        raise AddressError(f"longer than {MAX_LENGTH} characters")
    # urlsplit drops such characters silently, so that what is checked is not what was written.
    if any(ord(character) < 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise AddressError("contains a character that no address has")
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
    """Where a redirect from `address` leads.

    Raises:
        AddressError: as `parse_address`.
    """
    try:
        return parse_address(urljoin(str(address), location.strip()))
    except AddressError as error:
        raise AddressError(f"redirected to an address that is {error}") from error
    except ValueError as error:
        raise AddressError("redirected to what is not a web address") from error


def resolve(address: Address) -> list[str]:
    """The IP addresses of a host that may be connected to, and nothing but these, in order.

    Raises:
        AddressError: there is no such host, or it has only private, loopback, link-local or
            otherwise internal addresses, which FETCH_ALLOW does not name.
        UnresolvedError: the name cannot be resolved at present.
        ConfigError: FETCH_ALLOW cannot be used.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise AddressError(f"there is no host {address.host}") from error
        raise UnresolvedError(f"the name {address.host} cannot be resolved") from error
    except (OSError, UnicodeError) as error:
        raise AddressError(f"there is no host {address.host}") from error
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    hosts, networks = config.fetch_allowed()
    if address.host.lower() in hosts:
        return list(addresses)
    allowed = [
        text
        for text in addresses
        if is_public(ip := ip_address(text))
        or any(part in network for part in _meanings(ip) for network in networks)
    ]
    if not allowed:
        where = "" if address.host in addresses else f" ({', '.join(addresses)})"
        raise AddressError(f"{address.host}{where} is a private address: see FETCH_ALLOW")
    return allowed


def is_public(ip: IPAddress) -> bool:
    """Whether an address, and every IPv4 address inside it, is one of the public Internet."""
    embedded = [part for part in _meanings(ip) if part != ip]
    return all(map(_is_public, embedded)) if embedded else _is_public(ip)


def _is_public(ip: IPAddress) -> bool:
    if isinstance(ip, IPv6Address) and (ip.is_site_local or ip in LOCAL_NAT64):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _meanings(ip: IPAddress) -> Iterator[IPAddress]:
    """An address and the IPv4 addresses that it may reach through a mapping or a tunnel."""
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
