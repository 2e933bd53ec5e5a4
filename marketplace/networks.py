"""Client addresses, as far as they tell one customer from another."""

from __future__ import annotations

import ipaddress


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address: what one customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "local"  # a unix socket
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
