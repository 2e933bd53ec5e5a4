"""Addresses people may have us call (webhooks): any public host by https, and what an administrator names."""

from __future__ import annotations

from urllib.parse import SplitResult

from django.utils.translation import gettext as _

from catalog.errors import UpstreamNotAllowed
from catalog.upstream.addresses import Address, AllowList, is_public

PORTS = (443, 8443)


class PublicAddresses(AllowList):
    """Lets through https on port 443 or 8443 of public hosts; an entry of the list opens its host and port too.

    An entry is an administrator's decision about one place, so there plain http and internal addresses are fine.
    """

    def check_url(self, url: str) -> SplitResult:
        parts = super().check_url(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme != "https" and not self._names(parts.hostname or "", port):
            raise UpstreamNotAllowed(_("the address must begin with https://"))
        return parts

    def check_host(self, host: str, port: int) -> None:
        if port not in PORTS and not self._names(host.lower(), port):
            raise UpstreamNotAllowed(_("the port must be 443 or 8443"))

    def check_address(self, address: Address, *, host: str, port: int) -> None:
        actual: Address = getattr(address, "ipv4_mapped", None) or address
        named = self._names(str(actual), port) or (actual.is_loopback and self._names("localhost", port))
        if not is_public(actual) and not named:
            raise UpstreamNotAllowed(_("%(host)s is not a public address") % {"host": host})
