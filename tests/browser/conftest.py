from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.seed import PASSWORD
from tests.chromium import started_chromium
from tests.issuer import CLIENT, SECRET, Issuer
from tests.processes import Hub


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@dataclass
class Visit:
    """One reader with a window of their own. `problems` gathers what the console complains of."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, name: str) -> None:
        self.open("/login")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.locator("main").get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.base + "/")


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An identity provider that the site knows as Corp."""
    with Issuer.listening() as server:
        yield server


@pytest.fixture(scope="session")
def hub(issuer) -> Iterator[Hub]:
    """A site of its own: other tests on this process's usual one have people of the same names."""
    named = {"id": "corp", "name": "Corp", "issuer": issuer.url, "client_id": CLIENT, "client_secret": SECRET}
    known = json.dumps([{**named, "sign_up": True, "email_domains": ["example.org"]}])
    host = issuer.url.removeprefix("http://")
    with Hub.started("browser", OIDC_PROVIDERS=known, OIDC_ALLOWED_HOSTS=host) as own:
        issuer.redirect_uris.add(f"{own.url}/login/oidc/corp/callback")
        yield own


@pytest.fixture(scope="session")
def site(hub) -> str:
    """Base URL of a site with something in it."""
    hub.command("shell", "-c", "from tests.browser.seed import fill; fill()")
    return hub.url


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def visit(chromium, site):
    """`visit(width=360, color_scheme="dark", java_script_enabled=False)`: a fresh reader."""
    opened = []

    def start(width: int = 1280, **context) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900}, locale="en-GB", **context)
        opened.append(context)
        reader = Visit(context.new_page(), site)
        reader.page.on("console", lambda said: said.type in {"error", "warning"} and reader.problems.append(said.text))
        reader.page.on("pageerror", lambda error: reader.problems.append(str(error)))
        return reader

    yield start
    for context in opened:
        context.close()
