"""Which URLs may be posted to at all, before anything is resolved.

Endpoints are chosen by tenants, and called from inside: they must lead out, to the public, under
a name, by TLS. The one exception is this very machine, where the local server says so.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

HTTPS_PORT = 443
LONGEST_URL = 2000
_PLAIN = re.compile(r"[!-~]+")
_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL that may be posted to, in the parts that a connection needs.

    ``local``: it is on this machine, and may be reached without TLS and on any port.
    """

    host: str
    port: int
    target: str
    secure: bool
    local: bool


def endpoint_of(url: str, *, loopback: bool) -> Endpoint:
    """Read a URL. Raises ValueError, with the reason, for one that is never posted to.

    ``loopback``: this machine's own endpoints are allowed too.
    """
    if len(url) > LONGEST_URL or not _PLAIN.fullmatch(url):
        raise ValueError(f"a URL has up to {LONGEST_URL} printable characters")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").rstrip(".")
    except ValueError:
        raise ValueError("this is no URL") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL names no user")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "https"
    if loopback and parts.scheme in {"http", "https"} and is_loopback_name(host):
        usual = HTTPS_PORT if secure else 80
        return Endpoint(host=host, port=port or usual, target=target, secure=secure, local=True)
    if not secure:
        raise ValueError("a URL begins with https://")
    if port not in (None, HTTPS_PORT):
        raise ValueError(f"a URL leads to port {HTTPS_PORT}")
    if _NAME.fullmatch(host) is None or host.rpartition(".")[2].isdigit():
        raise ValueError("a URL names a public host")
    return Endpoint(host=host, port=HTTPS_PORT, target=target, secure=True, local=False)


def is_loopback_name(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    name = host.strip("[]").partition("%")[0].lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_public(address: Address) -> bool:
    """Whether an address is somebody's on the Internet, also by every way of wrapping another."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None or address in _NAT64_LOCAL:
            return False
        if address in _NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )
