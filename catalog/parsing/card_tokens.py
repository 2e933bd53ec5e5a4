"""What a card's Markdown becomes before it is HTML: shifted headings, coloured code, formulas, guarded images.

Everything here may be fooled by hostile text; `markdown.render_card` sanitises what comes out.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from latex2mathml.converter import convert
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from catalog.parsing.card_urls import image_url

LONGEST_FORMULA: Final = 2000
MOST_FORMULA_CHARACTERS: Final = 30_000
LONGEST_HIGHLIGHTED: Final = 20_000  # characters of one code block
MOST_HIGHLIGHTED: Final = 100_000  # characters of one card

# Languages that cards are written in; the rest stays plain, since every lexer is code that runs on hostile text.
_LANGUAGE_WORDS = """
    bash c console cpp css diff docker dockerfile go html ini java javascript js json julia kotlin latex lua make
    markdown md php py python python3 pycon r ruby rust scala sh shell sql swift toml ts typescript xml yaml yml zsh
"""
_LANGUAGES = frozenset(_LANGUAGE_WORDS.split())
_FORMATTER: Final = HtmlFormatter(nowrap=True)
_TASK = re.compile(r"\[([ xX])\] ")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")
_RAW_H1 = re.compile(r"<(/?)h1(?=[\s>])", re.IGNORECASE)
_ALIGN = re.compile(r"text-align:(left|center|right)")


@dataclass
class _Budget:
    """What one card may still spend on colours and formulas."""

    highlighted: int = MOST_HIGHLIGHTED
    formulas: int = MOST_FORMULA_CHARACTERS


def adapt(tokens: Sequence[Token], resolve_base: str, attachments: Collection[str] = ()) -> None:
    """Change the tokens of one card in place."""
    budget = _Budget()
    slugs: Counter[str] = Counter()
    for number, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"  # the page has the only h1
            if token.type == "heading_open":
                token.attrSet("id", _slug(tokens[number + 1], slugs))
        elif token.type in {"th_open", "td_open"}:
            _align(token)
        elif token.type in {"fence", "code_block"}:
            _become_html(token, _code(token, budget))
        elif token.type.startswith("math_"):
            _become_html(token, _formula(token.content, budget, is_block=True))
        elif token.type == "html_block":
            token.content = _RAW_H1.sub(r"<\1h2", token.content)
        elif token.type == "inline" and token.children:
            _mark_task(tokens, number)
            _adapt_inline(token.children, resolve_base, attachments, budget)


def _adapt_inline(children: list[Token], resolve_base: str, attachments: Collection[str], budget: _Budget) -> None:
    links = 0
    for token in children:
        if token.type in {"link_open", "link_close"}:
            links += token.nesting
        elif token.type == "image":
            _guard_image(token, resolve_base, attachments, is_in_link=links > 0)
        elif token.type.startswith("math_inline"):
            _become_html(token, _formula(token.content, budget, is_block=token.type == "math_inline_double"))


def _slug(inline: Token, slugs: Counter[str]) -> str:
    """The heading's words as GitHub makes an anchor of them, numbered when they come again."""
    words = "".join(child.content for child in inline.children or [] if child.type in {"text", "code_inline"})
    slug = _NOT_IN_SLUG.sub("", words.strip().lower()).replace(" ", "-") or "section"
    slugs[slug] += 1
    return slug if slugs[slug] == 1 else f"{slug}-{slugs[slug] - 1}"


def _guard_image(token: Token, resolve_base: str, attachments: Collection[str], *, is_in_link: bool) -> None:
    """An image from elsewhere becomes a link to it, or its words alone where a link is around it already."""
    source = str(token.attrGet("src") or "")
    if image_url(source, resolve_base, attachments) is not None:
        return
    words = html.escape(token.content or source.rpartition("/")[2] or "image")
    if is_in_link:
        _become_html(token, words)
    else:
        _become_html(token, f'<a href="{html.escape(source)}">{words}</a>')


def _mark_task(tokens: Sequence[Token], number: int) -> None:
    """`- [x] done` gets a mark; a form element would need a label and could be clicked to no effect."""
    inline = tokens[number]
    children = inline.children or []
    is_item = number >= 2 and tokens[number - 2].type == "list_item_open" and bool(children)
    found = _TASK.match(children[0].content) if is_item and children[0].type == "text" else None
    if not found:
        return
    tokens[number - 2].attrJoin("class", "task")
    children[0].content = children[0].content[found.end() :]
    mark = Token("html_inline", "", 0)
    mark.content = f'<span class="task-mark">{"☐" if found[1] == " " else "☑"}</span> '
    inline.children = [mark, *children]


def _align(token: Token) -> None:
    found = _ALIGN.fullmatch(str(token.attrs.pop("style", "")))
    if found:
        token.attrSet("align", found[1])


def _code(token: Token, budget: _Budget) -> str:
    language = token.info.strip().split(" ")[0].lower() if token.info else ""
    text = token.content
    coloured = html.escape(text, quote=False)
    if language in _LANGUAGES and len(text) <= min(LONGEST_HIGHLIGHTED, budget.highlighted):
        budget.highlighted -= len(text)
        coloured = highlight(text, get_lexer_by_name(language, stripnl=False), _FORMATTER)
    name = f' class="language-{html.escape(language)}"' if language else ""
    return f"<pre><code{name}>{coloured}</code></pre>\n"


def _formula(text: str, budget: _Budget, *, is_block: bool) -> str:
    plain = f"<code>{html.escape(text.strip())}</code>"
    if len(text) > min(LONGEST_FORMULA, budget.formulas):
        return plain
    budget.formulas -= len(text) + 60  # a short one still costs its markup
    try:
        formula: str = convert(text, display="block" if is_block else "inline")
    except Exception:  # noqa: BLE001  whatever goes wrong in there, RecursionError included, the source is the answer
        return plain
    return formula


def _become_html(token: Token, content: str) -> None:
    token.type = "html_block" if token.block else "html_inline"
    token.content = content
    token.children = None
