"""Every page in two themes and two widths: nothing in the console, nothing sideways, nothing in anybody's way."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

from tests.browser.seed import EMPTY, KEPT, WAITING

MODEL = "/zespol-nlp/herbert-sentyment"
LONG = "/bo/sentence-vectors-with-a-rather-long-name-that-has-to-break-somewhere"
GUARDED, SPACE = "/ann/guarded", "/spaces/ann/pokaz"
PUBLIC = [
    "/", "/models", "/models?task=text-classification&q=analiza", "/datasets", MODEL, f"{MODEL}/tree/main",
    f"{MODEL}/blob/main/README.md", f"{MODEL}/commits/main", f"{MODEL}/commit/main", f"{MODEL}/reviews",
    f"{MODEL}/discussions", f"{MODEL}/discussions?status=all&type=pull_request", f"{MODEL}/discussions/1",
    f"{MODEL}/discussions/2/files", f"{MODEL}/scores", LONG, "/zespol-nlp", "/ann", "/benchmarks",
    "/benchmarks/digits", "/leaderboards",
    "/leaderboards/digits", "/runs", "/runs/1", "/compare",
    "/compare?first=bo/digits-0&second=bo/digits-60&benchmark=digits", "/bo/digits-60/scores",
    "/mirrors", "/mirrors/1", "/teams", "/login", "/reset",
    GUARDED, f"{GUARDED}/tree/main", f"{GUARDED}/access", "/spaces", SPACE, f"{SPACE}/tree/main", "/collections",
    f"/collections/ann/polskie-modele-{KEPT}", "/docs/coverage", f"{MODEL}/activity", "/activity/zespol-nlp",
    "/activity/bo", "/users/ann/followers", "/users/bo/following", f"{MODEL}/discussions/4",
]  # fmt: skip
OWN = [
    "/", "/ann/empty", f"{MODEL}/upload/main", f"{MODEL}/settings", f"{MODEL}/evaluate",
    f"{MODEL}/discussions/new", f"{MODEL}/discussions/2", f"{LONG}/discussions", "/new", "/settings/profile",
    "/settings/tokens", "/settings/tokens/fine-grained", "/teams/new", "/teams/zespol-nlp", "/mirrors/new",
    f"{LONG}/reviews", f"{GUARDED}/settings/publishers", "/settings/publishers/zespol-nlp",
    f"{GUARDED}/settings", f"{GUARDED}/settings/access", "/spaces/ann/empty-space", f"{SPACE}/upload/main",
    f"/collections/ann/empty-{EMPTY}", "/settings/webhooks", "/oauth/approve", f"/oauth/approve?user_code={WAITING}",
    "/activity", "/bo", "/settings/deleted", "/settings/deleted?owner=zespol-nlp",
    "/settings/sign-in", "/settings/second-factor", "/settings/second-factor/new",
    "/settings/second-factor/passkeys/new",
]  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
DESKTOP, PHONE = (1280, "light"), (360, "dark")

MOST_BYTES = {"/models": 60_000, MODEL: 60_000, "/leaderboards/digits": 70_000, "/runs/1": 90_000}
MOST_REQUESTS = {"/models": 8, MODEL: 8, "/leaderboards/digits": 8, "/runs/1": 10}


def check(reader, path: str, *, status: int = 200) -> None:
    reader.problems.clear()
    answer = reader.page.goto(reader.base + path)
    assert answer.status == status, path
    if reader.page.locator("[hx-trigger=load]").count():  # otherwise all is there, and idleness takes half a second
        reader.page.wait_for_load_state("networkidle")
    wide = reader.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = Axe().run(reader.page, options=RULES).response["violations"]
    assert wide <= 0, f"{path} scrolls sideways by {wide} px"
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == [], path
    assert [said for said in reader.problems if f"the server responded with a status of {status} " not in said] == []
    assert reader.page.locator("h1").count() == 1, path


@pytest.mark.parametrize(("width", "theme"), [pytest.param(*DESKTOP, marks=pytest.mark.slow), PHONE])
def test_public_pages(visit, width, theme):
    reader = visit(width=width, color_scheme=theme)

    for path in PUBLIC:
        check(reader, path)


@pytest.mark.parametrize(("width", "theme"), [DESKTOP, pytest.param(*PHONE, marks=pytest.mark.slow)])
def test_pages_of_somebody_signed_in(visit, width, theme):
    reader = visit(width=width, color_scheme=theme)
    reader.sign_in("ann")

    for path in OWN:
        check(reader, path)


@pytest.mark.parametrize(("width", "theme"), [pytest.param(*DESKTOP, marks=pytest.mark.slow), PHONE])
def test_pages_of_operators(visit, width, theme):
    reader = visit(width=width, color_scheme=theme)
    reader.sign_in("root")

    for path in ("/ops/drift", "/ops/nodes"):
        check(reader, path)


@pytest.mark.parametrize(("width", "theme"), [DESKTOP, PHONE])
def test_pages_of_somebody_who_may_little(visit, width, theme):
    reader = visit(width=width, color_scheme=theme)
    reader.sign_in("dora")

    check(reader, f"{GUARDED}/access")
    check(reader, f"{MODEL}/settings", status=403)
    check(reader, f"{MODEL}/tree/main/missing", status=404)
    check(reader, "/oauth/approve?user_code=ZZZZ-ZZZZ", status=404)


@pytest.mark.parametrize("path", MOST_BYTES)
def test_a_first_visit_stays_in_its_budget(visit, path):
    # given
    reader = visit()
    session = reader.page.context.new_cdp_session(reader.page)
    session.send("Network.enable")
    addresses, sizes = {}, {}
    session.on("Network.requestWillBeSent", lambda sent: addresses.update({sent["requestId"]: sent["request"]["url"]}))
    session.on("Network.loadingFinished", lambda got: sizes.update({got["requestId"]: got["encodedDataLength"]}))

    # when
    reader.open(path)
    reader.page.wait_for_load_state("networkidle")

    # then
    pages = sum(size for request, size in sizes.items() if "/static/" not in addresses[request])
    assert len(addresses) <= MOST_REQUESTS[path]
    assert pages + packed("css/*.css", "js/site.js", "vendor/**/*.js", "img/*.svg") <= MOST_BYTES[path]


def packed(*patterns: str) -> int:
    """Bytes of our own files as WhiteNoise serves them in earnest; the server of the tests packs only pages."""
    root = Path(settings.BASE_DIR, "static")
    return sum(len(gzip.compress(path.read_bytes())) for pattern in patterns for path in root.glob(pattern))


def test_our_files_are_small():
    assert packed("css/*.css") <= 14_000
    assert packed("js/*.js") <= 10_000
    assert packed("js/*.js", "vendor/**/*.js") <= 40_000
