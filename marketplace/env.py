"""Typed readers of environment variables. A wrong or missing one stops the start and is named."""

from __future__ import annotations

import ipaddress
import os
import ssl
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingMissing(ImproperlyConfigured):
    """A variable without a safe default is not set."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} is not set: {why}")


class SettingInvalid(ImproperlyConfigured):
    """A variable is set to something that cannot be read."""

    def __init__(self, name: str, found: str, wanted: str) -> None:
        super().__init__(f"{name} is {found!r}, but must be {wanted}")


def text(name: str, default: str = "") -> str:
    """The variable without surrounding space; an empty one counts as absent."""
    return os.environ.get(name, "").strip() or default


def required(name: str, why: str) -> str:
    """Raises: SettingMissing with `why` when the variable is absent or empty."""
    found = text(name)
    if not found:
        raise SettingMissing(name, why)
    return found


def secret(name: str, why: str, *, shortest: int) -> str:
    """A required value of at least `shortest` characters; the value never appears in a message.

    Raises: SettingMissing, SettingInvalid.
    """
    found = required(name, why)
    if len(found) < shortest:
        raise SettingInvalid(name, "…", f"at least {shortest} characters long")
    return found


def flag(name: str, *, default: bool) -> bool:
    found = text(name).lower()
    if not found:
        return default
    if found in {"1", "true", "yes", "on"}:
        return True
    if found in {"0", "false", "no", "off"}:
        return False
    raise SettingInvalid(name, found, "one of 1, true, yes, on, 0, false, no, off")


def number(name: str, default: int, *, least: int = 0) -> int:
    found = text(name)
    if not found:
        return default
    if not found.isascii() or not found.isdigit() or int(found) < least:
        raise SettingInvalid(name, found, f"a whole number of at least {least}")
    return int(found)


def choice(name: str, default: str, *, among: tuple[str, ...]) -> str:
    found = text(name, default)
    if found not in among:
        raise SettingInvalid(name, found, "one of " + ", ".join(among))
    return found


def names(name: str) -> list[str]:
    """Comma-separated words, without blanks."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def networks(name: str) -> list[Network]:
    """Comma-separated addresses or networks, such as `127.0.0.1, 10.0.0.0/8`."""
    try:
        return [ipaddress.ip_network(word, strict=False) for word in names(name)]
    except ValueError:
        raise SettingInvalid(name, text(name), "IP addresses or networks, comma-separated") from None


def site_url(name: str) -> str | None:
    """`https://hub.example.org`, without a path or a trailing slash; None when absent."""
    found = text(name)
    if not found:
        return None
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise SettingInvalid(name, found, "http://host[:port] or https://host[:port]")
    return f"{parts.scheme}://{parts.netloc}"


def url(name: str, default: str, *, schemes: tuple[str, ...]) -> str:
    """A URL in one of `schemes`; never shown when wrong, since it may hold a password."""
    found = text(name, default)
    if found and urlsplit(found).scheme not in schemes:
        raise SettingInvalid(name, "…", "a URL starting with " + " or ".join(f"{one}://" for one in schemes))
    return found


def folder(name: str, default: Path) -> Path:
    return Path(text(name, str(default))).expanduser().resolve()


def certificates(name: str) -> Path | None:
    """A PEM file of certificates; None when absent."""
    found = text(name)
    if not found:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(found)
    except OSError:  # an unreadable file, and as ssl.SSLError one of something else
        raise SettingInvalid(name, found, "a readable file of PEM certificates") from None
    return Path(found).resolve()


def broker_url(redis_url: str) -> str:
    """The same Redis as Celery names it, in the database after the one given."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        given = dict(parse_qsl(parts.query)).get("db", "0")
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={int(given) + 1}"
    given = parts.path.strip("/") or "0"
    return parts._replace(path=f"/{int(given) + 1}").geturl()


def mail_server(email_url: str) -> tuple[str, int, str, str]:
    """Host, port, user and password of `smtp://user:password@host:587` or `smtps://…:465`."""
    parts = urlsplit(email_url)
    usual_port = 465 if parts.scheme == "smtps" else 587
    return parts.hostname or "", parts.port or usual_port, unquote(parts.username or ""), unquote(parts.password or "")
