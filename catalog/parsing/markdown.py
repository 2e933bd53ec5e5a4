"""Cards as HTML that can do nothing: Markdown first, nh3 last, so that no earlier step has to be trusted.

The output fits a page without inline styles or scripts. Rendering costs time that grows with the text, with a
high factor for hostile ones; the wall-clock limit is the caller's, and `escaped_card` is what it shows then.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from catalog.parsing.card_tokens import adapt
from catalog.parsing.card_urls import image_url, link_url

RENDERER_VERSION: Final = 1  # part of the cache key; raise it when the output changes
LONGEST_BODY_BYTES: Final = 256 * 1024

_MATH_TAGS = frozenset(
    """
    math mrow mi mo mn ms mtext mspace msup msub msubsup mfrac msqrt mroot mstyle munder mover munderover mtable mtr
    mtd mphantom mpadded menclose merror mmultiscripts mprescripts none
    """.split()  # noqa: SIM905  likewise
)
_TAGS = _MATH_TAGS | frozenset(
    """
    a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h2 h3 h4
    h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub summary sup table tbody
    td tfoot th thead time tr tt u ul var wbr
    """.split()  # noqa: SIM905  likewise
)
_DROPPED_WITH_CONTENT = {"script", "style", "iframe", "noscript", "template", "textarea", "title", "svg", "object"}
_ALIGNED = {"align"}
_HEADING = {"id", "align"}
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "a": {"href", "title", "id", "class"},
    "img": {"src", "alt", "title", "width", "height", "align"},
    "code": {"class"}, "span": {"class", "id"}, "div": {"class", "id", "align"}, "section": {"class"},
    "sup": {"class", "id"}, "li": {"id", "class"}, "ol": {"start", "class"}, "p": _ALIGNED, "table": _ALIGNED,
    "td": {"align", "colspan", "rowspan"}, "th": {"align", "colspan", "rowspan", "scope"}, "tr": _ALIGNED,
    "details": {"open"}, "time": {"datetime"}, "abbr": {"title"},
    "h2": _HEADING, "h3": _HEADING, "h4": _HEADING, "h5": _HEADING, "h6": _HEADING,
    "math": {"display", "xmlns"}, "mi": {"mathvariant"},
    "mo": {"stretchy", "fence", "form", "separator", "lspace", "rspace"},
    "mspace": {"width"}, "mstyle": {"displaystyle", "scriptlevel"}, "mtable": {"columnalign", "rowspacing"},
    "mtd": {"columnalign"}, "mfrac": {"linethickness"}, "mover": {"accent"}, "munder": {"accentunder"},
    "menclose": {"notation"},
}  # fmt: skip
_CLASSES = {
    "code": re.compile(r"language-[A-Za-z0-9+#_-]{1,30}"),
    "span": re.compile(r"[a-z][a-z0-9]{0,2}|math|inline|block|task-mark"),
    "div": re.compile(r"math|block|inline"),
    "a": re.compile(r"footnote-backref"),
    "section": re.compile(r"footnotes"),
    "sup": re.compile(r"footnote-ref"),
    "li": re.compile(r"footnote-item|task"),
    "ol": re.compile(r"footnotes-list"),
}
_SIZE = re.compile(r"[0-9]{1,4}%?")
_ALIGN = frozenset({"left", "center", "right"})


def render_card(body: str, *, resolve_base: str, attachments: Collection[str] = ()) -> str:
    """The card as HTML whose headings start at `h2`.

    Args:
        resolve_base: where files of this revision are served, e.g. "/team/model/resolve/main"; relative images
            point there, images from anywhere else become a link, so that reading a card tells nobody.
        attachments: paths of this site whose images may be shown besides.
    """
    if len(body.encode(errors="replace")) > LONGEST_BODY_BYTES:
        return escaped_card(body)
    parser = _parser()
    tokens = parser.parse(body)
    adapt(tokens, resolve_base, attachments)
    return _sanitised(parser.renderer.render(tokens, parser.options, {}), resolve_base, attachments)


def escaped_card(body: str) -> str:
    """The source of the card, for when it cannot be rendered."""
    return f"<pre>{html.escape(body, quote=False)}</pre>"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.use(gfm_autolink_plugin).use(footnote_plugin)
    return parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)


def _sanitised(rendered: str, resolve_base: str, attachments: Collection[str]) -> str:
    def allowed(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return link_url(value, resolve_base)
        if attribute == "src":
            return image_url(value, resolve_base, attachments)
        return _plain_attribute(tag, attribute, value)

    return nh3.clean(
        rendered,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=allowed,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener noreferrer",
        id_prefix="user-content-",
        set_tag_attribute_values={"img": {"loading": "lazy", "decoding": "async"}},
    )


def _plain_attribute(tag: str, attribute: str, value: str) -> str | None:
    """Attributes that say nothing but looks: only values that we know."""
    if attribute == "class":
        pattern = _CLASSES.get(tag)
        kept = [name for name in value.split() if pattern and pattern.fullmatch(name)]
        return " ".join(kept) or None
    if attribute in {"width", "height"} and tag == "img":
        return value if _SIZE.fullmatch(value) else None
    if attribute == "align":
        return value.lower() if value.lower() in _ALIGN else None
    return value
