"""From search to snippet in Chromium: what a visitor copies from a model's page works."""

from __future__ import annotations

import pytest

from tests.chromium import started_chromium

pytestmark = pytest.mark.browser


@pytest.fixture
def visitor():
    with started_chromium() as browser:
        page = browser.new_context(locale="en").new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        yield page


def test_a_visitor_searches_opens_a_model_and_runs_its_snippet(site, client, digits_model, visitor):
    ann = client(site.url, site.tokens["ann"])
    ann.hf("upload", "acme/digits-for-all", str(digits_model), ".")

    visitor.goto(site.url)
    visitor.get_by_role("searchbox").first.fill("digits-for")
    visitor.keyboard.press("Enter")
    visitor.get_by_role("link", name="acme/digits-for-all").first.click()
    visitor.get_by_role("heading", level=1).wait_for()
    snippet = visitor.locator("#use pre code").first.inner_text()

    assert visitor.url == f"{site.url}/acme/digits-for-all"
    assert "Rozpoznawanie cyfr" in visitor.content()
    printed = client(site.url).python(snippet + "\nprint(pipe.model.config.num_labels)")
    assert printed.strip().endswith("10")
    assert visitor.problems == []
