"""Which names a repo, a namespace, a branch or a tag may have.

Names are ASCII because clients, URLs and file systems of every kind meet in them; titles and
summaries, which people read, are free Unicode and live elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from catalog.errors import InvalidName, InvalidReference
from catalog.parsing.characters import is_control, is_invisible

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

LONGEST_NAME: Final = 96
LONGEST_REVISION_BYTES: Final = 255

_RESERVED_WORDS = """
    - .well-known about account activity admin api avatars auth benchmarks blog boards buckets card
    collections commit compare compat datasets discussions docs events explore favicon.ico feed
    finder gh git health help hooks inbox join jobs kaggle kernels leaderboards legal login logout
    metrics mirror mirrors models modelscope new node nodes notifications oauth onboarding ops
    organizations orgs papers pricing privacy raw register reset resolve reviews robots.txt runs
    saved search security sessions settings signup sitemap.xml spaces static stars status tags tasks
    team teams terms tfhub token tokens tree uploads user users v1 v2 v3 webhooks well-known xet
"""
# First URL segments that are ours now or will be; no namespace may take one.
RESERVED: Final[frozenset[str]] = frozenset(_RESERVED_WORDS.split())

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", re.ASCII)
_OBJECT_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE | re.ASCII)
_BAD_ENDINGS = (".git", ".json")


def check_name(name: str) -> None:
    """Accept one segment of a repo id.

    Raises:
        InvalidName: with a sentence that says which rule is broken.
    """
    if not name:
        raise InvalidName(_("A name must not be empty."))
    if len(name) > LONGEST_NAME:
        raise InvalidName(_("A name may have at most %(longest_name)s characters.") % {"longest_name": LONGEST_NAME})
    if not _NAME.fullmatch(name):
        raise InvalidName(
            _(
                "A name consists of the letters a-z and A-Z, digits, '.', '_' and '-', "
                "and starts with a letter or digit."
            )
        )
    if ".." in name or "--" in name:
        raise InvalidName(_("A name must not contain '..' or '--'."))
    if name.endswith((".", "-")):
        raise InvalidName(_("A name must not end with '.' or '-'."))
    if name.lower().endswith(_BAD_ENDINGS):
        raise InvalidName(_("A name must not end with '.git' or '.json'."))


def check_namespace(name: str) -> None:
    """Accept the name of a user or an organisation: a name that no URL of ours needs.

    Raises:
        InvalidName: with a sentence that says which rule is broken.
    """
    check_name(name)
    if name.lower() in RESERVED:
        raise InvalidName(_("The name '%(name)s' is reserved.") % {"name": name})
    if _OBJECT_ID.fullmatch(name):
        raise InvalidName(_("A name must not look like a commit id."))


def check_revision_name(name: str) -> None:
    """Accept the short name of a branch or tag ("main", "feature/x"), as git would.

    Raises:
        InvalidReference: with a sentence that says which rule is broken.
    """
    for is_broken, problem in _REVISION_RULES:
        if is_broken(name):
            raise InvalidReference(_("Invalid reference for a branch or tag: %(problem)s.") % {"problem": problem})


def _has_bad_length(name: str) -> bool:
    return not 0 < len(name.encode(errors="replace")) <= LONGEST_REVISION_BYTES


def _hides_characters(name: str) -> bool:
    return any(is_control(char) or is_invisible(char) or 0xD800 <= ord(char) <= 0xDFFF for char in name)


# After git's check-ref-format; the last three are ours, because such a name could be mistaken for something else.
_REVISION_RULES: Final[tuple[tuple[Callable[[str], object], StrPromise], ...]] = (
    (_has_bad_length, lazy("it must have between 1 and 255 bytes")),
    (_hides_characters, lazy("it contains a control or invisible character")),
    (re.compile(r"[ ~^:?*\[\\]").search, lazy("it contains a space or one of ~^:?*[\\")),
    (re.compile(r"\.\.|@\{").search, lazy("it contains '..' or '@{'")),
    (re.compile(r"^/|//|/$").search, lazy("it has an empty part between slashes")),
    (re.compile(r"(?:^|/)\.").search, lazy("a part starts with '.'")),
    (re.compile(r"\.lock(?:/|$)", re.IGNORECASE).search, lazy("a part ends with '.lock'")),
    (re.compile(r"^-|\.$").search, lazy("it starts with '-' or ends with '.'")),
    (re.compile(r"(?:HEAD|@)", re.IGNORECASE).fullmatch, lazy("the name has a meaning of its own in git")),
    (re.compile(r"^refs/").search, lazy("it starts with 'refs/'")),
    (_OBJECT_ID.fullmatch, lazy("it looks like a commit id")),
)
