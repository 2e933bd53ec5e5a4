"""How values look on a page: icons, numbers, times, links. Lookups and formatting only."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from urllib.parse import quote

from babel.numbers import format_compact_decimal, format_decimal
from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from catalog import links
from catalog.models import Repo
from catalog.pages import languages, tasks
from catalog.queries import discussions

register = template.Library()

register.filter("task_label", tasks.label_of)
register.filter("task_icon", tasks.icon_of)
register.filter("endonym", languages.endonym)
register.filter("bcp47", languages.bcp47)
register.simple_tag(links.tree, name="tree_url")
register.simple_tag(links.blob, name="blob_url")
register.simple_tag(links.resolve, name="resolve_url")
register.simple_tag(links.raw, name="raw_url")
register.simple_tag(links.commits, name="commits_url")
register.simple_tag(links.commit, name="commit_url")
register.simple_tag(discussions.unfinished_count, name="open_discussions")


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """A symbol of the sprite. Words stand beside it, so screen readers skip it."""
    return format_html(
        '<svg width="{0}" height="{0}" aria-hidden="true" focusable="false"><use href="{1}#{2}"/></svg>',
        size,
        static("img/icons.svg"),
        name,
    )


@register.filter
def lang_attribute(text: str, repo: Repo | None = None) -> SafeString:
    """` lang="…"` for foreign text in another language than the page, or nothing."""
    hints = repo.facts.languages if repo is not None and hasattr(repo, "facts") else ()
    code = languages.lang_of(str(text or ""), hints)
    return format_html(' lang="{}"', code) if code else mark_safe("")


@register.filter
def compact(number: float | None) -> str:
    """1.2K, 12.5萬, 1,2 tys.: counts, in the reader's language."""
    if number is None:
        return "–"
    digits = 0 if abs(number) < 1000 else 1
    return format_compact_decimal(number, locale=_babel_locale(), fraction_digits=digits)


@register.filter
def whole(number: int | None) -> str:
    return "–" if number is None else format_decimal(number, locale=_babel_locale())


@register.filter
def parameter_count(number: int | None) -> str:
    """124M, 7.2B: the same in every language."""
    if number is None:
        return "–"
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if number >= limit:
            return f"{_three_digits(number / limit)}{unit}"
    return str(number)


@register.filter
def file_size(number: int | None) -> str:
    """Decimal units, as the Hub shows them."""
    if number is None:
        return "–"
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= limit:
            return f"{_three_digits(number / limit)}\u00a0{unit}"
    return f"{number}\u00a0B"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


@register.filter
def when(moment: datetime | None) -> SafeString:
    """`<time>` with the moment for programs and "3 days ago" for people."""
    if moment is None:
        return mark_safe("–")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        timezone.localtime(moment).strftime("%Y-%m-%d %H:%M %Z"),
        ago(moment),
    )


def ago(moment: datetime) -> str:
    passed = timezone.now() - moment
    minutes, hours, days = passed // timedelta(minutes=1), passed // timedelta(hours=1), passed.days
    if minutes < 1:
        return _("just now")
    if hours < 1:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if days < 1:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    if days < 31:
        return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    if days < 365:
        return ngettext("%(n)d month ago", "%(n)d months ago", days // 30) % {"n": days // 30}
    return ngettext("%(n)d year ago", "%(n)d years ago", days // 365) % {"n": days // 365}


@register.filter
def seconds(value: float | None) -> str:
    """A duration in words short enough for a table: 8 s, 3 min, 2 h 05 min."""
    if value is None:
        return "–"
    if value < 60:
        return _("%(n)d s") % {"n": math.ceil(value)}
    minutes = round(value / 60)
    if minutes < 60:
        return _("%(n)d min") % {"n": minutes}
    return _("%(h)d h %(m)02d min") % {"h": minutes // 60, "m": minutes % 60}


@register.filter
def short_hash(oid: str) -> str:
    return oid[:7]


@register.filter
def breakable(name: str) -> SafeString:
    """The name with places where a line may break: after `/`, `_`, `-` and `.`."""
    pieces: list[str] = [""]
    for char in str(name):
        pieces[-1] += char
        if char in "/_-.":
            pieces.append("")
    return format_html_join(mark_safe("<wbr>"), "{}", ((piece,) for piece in pieces if piece))


@register.filter
def initials(name: str) -> str:
    """One or two characters for an avatar."""
    words = str(name).replace("-", " ").replace("_", " ").split()
    if not words:
        return "?"
    return words[0][0].upper() if len(words) == 1 else (words[0][0] + words[-1][0]).upper()


@register.filter
def path_quoted(name: str) -> str:
    return quote(name, safe="")


@register.filter
def get(mapping: dict[object, object], key: object) -> object:
    """`mapping[key]`, or None."""
    return mapping.get(key)


def _babel_locale() -> str:
    return languages.bcp47(get_language() or "en").replace("-", "_")


@register.filter
def unlocalised(number: float) -> str:
    """A number as SVG writes it, whatever the reader's language makes of the decimal point."""
    return f"{number:g}"
