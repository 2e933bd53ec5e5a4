"""What holds for every page: security headers, no inline code, errors in our words, addresses in the reserved list."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import get_resolver

from catalog import errors as catalog_errors
from catalog.pages.errors import STATUSES, status_of
from catalog.parsing.names import RESERVED
from evaluation import errors as evaluation_errors
from evaluation.pages.errors import STATUSES as EVALUATION_STATUSES
from tests.catalog import rows
from tests.pages.looking import text_of
from tests.raw_client import RawClient

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_code_or_styles(template):
    text = template.read_text()

    assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|<style|javascript:|hx-vals=.js", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert 'hx-trigger="[' not in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_forms_that_change_something_carry_the_csrf_token(template):
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", template.read_text(), flags=re.DOTALL):
        assert "{% csrf_token %}" in form


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/models", "/datasets", "/login", "/nope", "/leaderboards", "/runs", "/mirrors"])
def test_every_page_is_private_to_its_reader_and_strict_about_sources(client, path):
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    if response.status_code == 200:
        assert "private" in response["Cache-Control"]


@pytest.mark.django_db
def test_the_site_wears_its_operators_name(client):
    with override_settings(SITE_NAME="Hub Uniwersytetu"):
        assert "Hub Uniwersytetu" in text_of(client.get("/"))


@pytest.mark.django_db
def test_a_missing_page_offers_a_way_on(client):
    response = client.get("/nobody/nothing/at/all")

    assert response.status_code == 404
    assert "There is nothing here" in text_of(response)
    assert "Find a model" in text_of(response)


@pytest.mark.django_db
def test_our_mistakes_are_told_with_a_number_to_quote(monkeypatch):
    # given
    client = RawClient(raise_request_exception=False)
    monkeypatch.delattr("catalog.pages.home.find_repos")

    # when
    response = client.get("/")

    # then
    assert response.status_code == 500
    assert response["X-Request-Id"] in text_of(response)
    assert "NameError" not in text_of(response)


def test_robots_stay_out_of_bytes(client):
    assert "Disallow: /*/resolve/" in client.get("/robots.txt").content.decode()


@pytest.mark.django_db
def test_bad_credentials_are_refused_before_anything_is_shown(client):
    rows.repo("ann/a")

    assert client.get("/models", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def all_below(root: type) -> list[type]:
    return [found for cls in root.__subclasses__() for found in (cls, *all_below(cls))]


def test_every_error_has_a_status_of_its_kind():
    for error in all_below(catalog_errors.CatalogError):
        module = error.__module__
        table = EVALUATION_STATUSES if module == evaluation_errors.__name__ else STATUSES
        assert any(cls in table for cls in error.__mro__ if cls is not catalog_errors.CatalogError), error
        assert 400 <= status_of(error(), table) < 600


def test_no_first_segment_of_an_address_could_be_a_namespace():
    firsts = set()

    def walk(patterns, prefix=""):
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, path)
            else:
                firsts.add(path.lstrip("^").split("/")[0])

    walk(get_resolver().url_patterns)
    words = {first for first in firsts if re.fullmatch(r"[a-z0-9._-]+", first)}

    assert {"models", "runs", "settings", "node_api"} - RESERVED <= {"node_api"}
    assert {word for word in words if word not in RESERVED} <= {"node_api"}


@pytest.mark.django_db
def test_a_script_gets_an_error_as_a_box_not_as_a_page(client):
    response = client.get("/models?cursor=nonsense", headers={"HX-Request-Type": "partial"})

    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert "<html" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", ["zh-TW,zh;q=0.9", "pl"])
def test_a_page_claims_no_language_it_is_not_in(client, wanted):
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": wanted}).content.decode()
