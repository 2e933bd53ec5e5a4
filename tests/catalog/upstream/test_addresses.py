"""Which addresses a mirror may be fetched from."""

from __future__ import annotations

import ipaddress

import httpcore
import pytest

from catalog.errors import UpstreamNotAllowed
from catalog.upstream.addresses import AllowList, CheckedBackend


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("hub.example", "https://hub.example/x"),
        ("hub.example", "http://hub.example"),
        ("hub.example:8443", "https://HUB.example:8443"),
        ("hub.example:*", "http://hub.example:9000"),
        ("*.example", "https://cdn.eu.example"),
        ("[::1]:80", "http://[::1]/"),
    ],
)
def test_a_listed_host_is_accepted(entry: str, url: str) -> None:
    allowed = AllowList.of([entry])

    parts = allowed.check_url(url)

    assert parts.geturl() == url


@pytest.mark.parametrize(
    ("entry", "url", "reason"),
    [
        ("hub.example", "https://other.example", "not on the list"),
        ("hub.example", "https://hub.example:8080", "not on the list"),
        ("*.example", "https://example", "not on the list"),
        ("hub.example", "https://hub.example.evil.org", "not on the list"),
        ("hub.example", "ftp://hub.example", "http:// or https://"),
        ("hub.example", "https://me:secret@hub.example", "user name"),
        ("hub.example", "https://hüb.example", "ASCII"),
        ("hub.example", "https://hub.example:port", "not a valid address"),
        ("hub.example", "", "http:// or https://"),
    ],
)
def test_anything_else_is_refused_with_its_reason(entry: str, url: str, reason: str) -> None:
    allowed = AllowList.of([entry])

    with pytest.raises(UpstreamNotAllowed, match=reason):
        allowed.check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00::1",
    ],
)
def test_a_public_name_cannot_lead_to_an_internal_address(address: str) -> None:
    allowed = AllowList.of(["hub.example"])

    with pytest.raises(UpstreamNotAllowed, match="internal address"):
        allowed.check_address(ipaddress.ip_address(address), host="hub.example", port=443)


def test_an_internal_address_is_reached_when_the_list_names_it() -> None:
    allowed = AllowList.of(["hub.lan", "10.0.0.8"])

    allowed.check_address(ipaddress.ip_address("10.0.0.8"), host="hub.lan", port=443)
    with pytest.raises(UpstreamNotAllowed):
        allowed.check_address(ipaddress.ip_address("10.0.0.9"), host="hub.lan", port=443)


def test_the_check_is_repeated_when_the_connection_is_made() -> None:
    """`localhost` under another name: listed, but it leads inside."""
    backend = CheckedBackend(AllowList.of(["ip6-loopback:*", "localhost:*"]))

    with pytest.raises((UpstreamNotAllowed, httpcore.ConnectError)) as refused:
        backend.connect_tcp("127.0.0.1", 9, timeout=1)

    assert refused.type is UpstreamNotAllowed
