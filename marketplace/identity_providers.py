"""Who people may sign in with besides a password: OpenID Connect providers, as an operator names them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from marketplace import env
from marketplace.env import SettingInvalid

NAME: Final = "OIDC_PROVIDERS"
ANY_DOMAIN: Final = "*"
_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_KEYS: Final = {
    "id", "name", "issuer", "client_id", "client_secret", "client_secret_file", "scopes", "sign_up", "email_domains",
    "groups_claim", "groups", "second_factor", "fresh_without_auth_time",
}  # fmt: skip


@dataclass(frozen=True)
class IdentityProvider:
    """One OpenID Connect provider; docs/operations.md says what each field is for."""

    slug: str  # in addresses
    name: str  # on buttons
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    signs_up: bool = False  # whether it makes accounts
    email_domains: frozenset[str] = frozenset()  # whose addresses it makes accounts for
    groups_claim: str = ""
    groups: frozenset[str] = frozenset()  # one of which its people must be in, each time
    strong_acr: tuple[str, ...] = ()  # what says that it asked for a second factor itself
    strong_amr: frozenset[str] = frozenset()
    is_fresh_untold: bool = False  # its people count as signed in just now though it does not say when

    def takes_address(self, email: str) -> bool:
        """Whether it may make an account for this address."""
        domain = email.rpartition("@")[2].lower()
        return bool(domain) and (ANY_DOMAIN in self.email_domains or domain in self.email_domains)


def configured() -> tuple[IdentityProvider, ...]:
    """The providers in OIDC_PROVIDERS, or in the file that OIDC_PROVIDERS_FILE names.

    Raises:
        SettingInvalid: naming the field; secrets are never shown.
    """
    text, path = env.text(NAME), env.text(f"{NAME}_FILE")
    if path:
        try:
            text = Path(path).read_text()
        except (OSError, UnicodeDecodeError):
            raise SettingInvalid(f"{NAME}_FILE", path, "a readable file of text") from None
    if not text:
        return ()
    try:
        entries = json.loads(text)
    except ValueError:
        raise _invalid("JSON") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _invalid("a list of objects")
    found = tuple(_provider(entry) for entry in entries)
    for what in ("slug", "issuer"):
        if len({getattr(one, what) for one in found}) < len(found):
            raise _invalid("providers that differ in `id` and in `issuer`")
    return found


def _provider(entry: dict[str, Any]) -> IdentityProvider:
    if unknown := set(entry) - _KEYS:
        raise _invalid(f"without the unknown field {min(unknown)!r}")
    slug, issuer = _text(entry, "id"), _text(entry, "issuer")
    if not _SLUG.fullmatch(slug):
        raise _invalid("with an `id` of small letters, digits and dashes")
    parts = urlsplit(issuer)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in issuer:
        raise _invalid(f"with an address as `issuer` of {slug!r}, exactly as the provider states it")
    strong = entry.get("second_factor", {})
    if not isinstance(strong, dict) or not set(strong) <= {"acr", "amr"}:
        raise _invalid(f"with {{acr: […], amr: […]}} as `second_factor` of {slug!r}")
    provider = IdentityProvider(
        slug=slug,
        name=_text(entry, "name"),
        issuer=issuer,
        client_id=_text(entry, "client_id"),
        client_secret=_secret(entry),
        scopes=tuple(dict.fromkeys(["openid", *_words(entry, "scopes", ["email", "profile"])])),
        signs_up=_flag(entry, "sign_up"),
        email_domains=frozenset(word.lower() for word in _words(entry, "email_domains")),
        groups_claim=_text(entry, "groups_claim", ""),
        groups=frozenset(_words(entry, "groups")),
        strong_acr=tuple(_words(strong, "acr")),
        strong_amr=frozenset(_words(strong, "amr")),
        is_fresh_untold=_flag(entry, "fresh_without_auth_time"),
    )
    if provider.signs_up and not provider.email_domains:
        raise _invalid(f'with `email_domains` beside `sign_up` of {slug!r} (["*"] for every domain)')
    if bool(provider.groups) != bool(provider.groups_claim):
        raise _invalid(f"with both `groups` and `groups_claim` of {slug!r}, or neither")
    return provider


def _secret(entry: dict[str, Any]) -> str:
    path = _text(entry, "client_secret_file", "")
    if not path:
        return _text(entry, "client_secret", "")
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise _invalid(f"with a readable `client_secret_file`, unlike {path}") from None


def _text(entry: dict[str, Any], key: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise _invalid(f"with text as `{key}`")
    return value.strip()


def _flag(entry: dict[str, Any], key: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise _invalid(f"with true or false as `{key}`")
    return value


def _words(entry: dict[str, Any], key: str, default: list[str] | None = None) -> list[str]:
    value = entry.get(key, default or [])
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise _invalid(f"with a list of words as `{key}`")
    return value


def _invalid(wanted: str) -> SettingInvalid:
    return SettingInvalid(NAME, "…", f"a JSON list of providers (docs/operations.md), {wanted}")
