"""Which addresses this server may call (security 12): an allow-list, checked after name resolution.

A URL is parsed once. Its host must be on the list; every address it resolves to is checked; the
connection goes to a checked address while TLS and the Host header keep the name. So neither a
redirect nor a name that changes its address in between can point us at an internal service.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

import httpcore
from django.utils.translation import gettext as _

from catalog.errors import UpstreamNotAllowed, UpstreamUnavailable
from catalog.upstream.backends import WrappedBackend

ANY_PORT = -1
DEFAULT_PORTS = {"http": 80, "https": 443}

# Ranges that `is_global` lets through (measured on 3.11) but that lead back inside or nowhere.
NEVER = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "2002::/16", "fec0::/10", "192.0.0.0/24", "192.88.99.0/24")
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AllowList:
    """Hosts an administrator allows: `host`, `host:port`, `host:*` or `*.domain`; without a port, 80 and 443.

    An address that is not public is only reached when the list names that address itself
    (or `localhost`), so a public name cannot be turned into a way in.
    """

    entries: frozenset[tuple[str, int | None]]  # port None: the usual ones; ANY_PORT: every one

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        return cls(frozenset(_entry(text) for text in entries))

    def check_url(self, url: str) -> SplitResult:
        """Returns the parsed URL. Raises `UpstreamNotAllowed` naming what is wrong."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UpstreamNotAllowed(_("%(url)r is not a valid address") % {"url": url}) from None
        host = parts.hostname or ""
        if parts.scheme not in DEFAULT_PORTS:
            raise UpstreamNotAllowed(_("the address must begin with http:// or https://"))
        if parts.username is not None or parts.password is not None:
            raise UpstreamNotAllowed(_("the address must not contain a user name or password"))
        if not host or not host.isascii():
            raise UpstreamNotAllowed(_("the address must have a plain ASCII host name"))
        self.check_host(host, port or DEFAULT_PORTS[parts.scheme])
        return parts

    def check_host(self, host: str, port: int) -> None:
        """Raises `UpstreamNotAllowed` unless the list names this host and port."""
        if self._names(host.lower(), port):
            return
        raise UpstreamNotAllowed(
            _(
                "%(host)s:%(port)s is not on the list of hosts that may be mirrored; "
                "an administrator can add it to MIRROR_ALLOWED_HOSTS"
            )
            % {"host": host, "port": port}
        )

    def check_address(self, address: Address, *, host: str, port: int) -> None:
        """Raises `UpstreamNotAllowed` for an address that is not public and not named itself."""
        mapped = getattr(address, "ipv4_mapped", None)
        actual: Address = mapped if mapped is not None else address
        if is_public(actual):
            return
        if (host == "localhost" and actual.is_loopback) or self._names(str(actual), port):
            return
        raise UpstreamNotAllowed(
            _(
                "%(host)s resolves to the internal address %(actual)s; "
                "MIRROR_ALLOWED_HOSTS must name that address itself"
            )
            % {"host": host, "actual": actual}
        )

    def _names(self, host: str, port: int) -> bool:
        candidates = [host]
        while "." in host:
            host = host.partition(".")[2]
            candidates.append(f"*.{host}")
        usual = port in DEFAULT_PORTS.values()
        ports = (port, ANY_PORT, None) if usual else (port, ANY_PORT)
        return any((name, wanted) in self.entries for name in candidates for wanted in ports)


class CheckedBackend(WrappedBackend):
    """Opens connections for httpx, each to an address the allow-list accepts."""

    def __init__(self, allowed: AllowList) -> None:
        super().__init__(httpcore.SyncBackend())
        self._allowed = allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self._allowed.check_host(host, port)
        addresses = resolve(host, port)
        for address in addresses:
            self._allowed.check_address(address, host=host.lower(), port=port)
        for number, address in enumerate(addresses, start=1):
            try:
                return self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise UpstreamUnavailable(_("%(host)s has no address") % {"host": host})


def resolve(host: str, port: int) -> list[Address]:
    """Returns every address of a host, in the resolver's order."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise UpstreamUnavailable(_("the host name %(host)s cannot be resolved") % {"host": host}) from None
    return list(dict.fromkeys(ipaddress.ip_address(str(row[4][0])) for row in found))


def is_public(address: Address) -> bool:
    """Whether this address is out there, and leads neither back inside nor nowhere."""
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in NEVER if network.version == address.version)
    )


def _entry(text: str) -> tuple[str, int | None]:
    text = text.strip().lower()
    if text.startswith("["):  # [::1] or [::1]:8080
        host, _, port = text[1:].partition("]")
        port = port.lstrip(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    if port == "*":
        return host, ANY_PORT
    return host, int(port) if port else None
