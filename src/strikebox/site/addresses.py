"""Where a request really comes from, and by which address its browser knows the site.

Proxies say so in X-Forwarded-For and X-Forwarded-Proto, but anybody may write those. So only as many entries
are believed as there are proxies of our own, counted from the end, where the nearest one wrote.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import cast

from starlette.datastructures import Headers
from starlette.types import Scope

Address = IPv4Address | IPv6Address

# One household or company, as providers hand them out: whoever has more still pays for each.
_PREFIX = {4: 24, 6: 48}
_NOWHERE = "local"  # a Unix socket has no address


def client_address(scope: Scope, trusted_hops: int) -> Address | None:
    """The visitor's address behind `trusted_hops` proxies; None where there is none (a Unix socket).

    Where fewer entries are there than proxies, somebody went round them, and counts as who they are.
    """
    peer = _parsed(scope["client"][0]) if scope.get("client") else None
    said = _listed(Headers(scope=scope), "x-forwarded-for")
    if trusted_hops == 0 or len(said) < trusted_hops:
        return peer
    return _parsed(said[-trusted_hops]) or peer


def network(address: Address | None) -> str:
    """The network that an address belongs to: /24 of IPv4, /48 of IPv6."""
    if address is None:
        return _NOWHERE
    return str(ip_network((address, _PREFIX[address.version]), strict=False))


def scheme(scope: Scope, trusted_hops: int) -> str:
    """http or https, as the visitor's browser asked."""
    said = _listed(Headers(scope=scope), "x-forwarded-proto")
    if trusted_hops and said and (last := said[-1].lower()) in ("http", "https"):
        return last
    return cast(str, scope["scheme"])


def _listed(headers: Headers, name: str) -> list[str]:
    return [item.strip() for line in headers.getlist(name) for item in line.split(",") if item.strip()]


def _parsed(text: str) -> Address | None:
    """An address as proxies write it: 192.0.2.1, 192.0.2.1:80, [2001:db8::1]:80, 2001:db8::1%eth0."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
