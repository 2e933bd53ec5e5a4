"""What people come for, in Chromium against a real server."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_find_a_model_and_copy_how_to_use_it(visit, site):
    # given
    reader = visit(permissions=["clipboard-read", "clipboard-write"])
    page = reader.page

    # when
    reader.open("/")
    page.get_by_role("searchbox").fill("herbert")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("herbert-sentyment")).click()
    page.get_by_text("hf", exact=True).click()
    page.locator("#use").get_by_role("button", name="Copy").locator("visible=true").click()

    # then
    expect(page.locator("#use").get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"export HF_ENDPOINT={site}" in copied
    assert re.search(r"hf download zespol-nlp/herbert-sentyment \\\n  --revision [0-9a-f]{40}", copied)
    assert reader.problems == []


def test_a_one_time_link_a_password_a_token(visit, hub):
    # given
    hub.command("shell", "-c", "from tests.factories import UserFactory; UserFactory(name='newcomer')")
    said = hub.command("shell", "-c", "from tests.browser.seed import link_of; print('link', link_of('newcomer'))")
    link = re.search(r"link (/join/\S+)", said)[1]
    reader = visit()
    page = reader.page

    # when
    reader.open(link)
    for field in page.locator("input[type=password]").all():
        field.fill("a-long-enough-secret")
    page.get_by_role("button", name="Set the password and sign in").click()
    reader.open("/settings/tokens")
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("Write – also upload").check()
    page.get_by_role("button", name="Create").click()

    # then
    expect(page.locator("#secret")).to_have_text(re.compile("^hf_[A-Za-z0-9]{40}$"))
    reader.open("/settings/tokens")
    expect(page.locator("#secret")).to_have_count(0)
    expect(page.get_by_role("cell", name="laptop …")).to_be_visible()
    assert reader.problems == []


def test_a_model_is_rated_and_the_rating_stands_on_its_page(visit):
    # given
    reader = visit()
    reader.sign_in("ann")
    page = reader.page
    target = "/bo/sentence-vectors-with-a-rather-long-name-that-has-to-break-somewhere"

    # when
    reader.open(f"{target}/reviews")
    page.locator(".star-input label").nth(1).click()  # drawn from right to left: the second is four
    page.get_by_label("Review").fill("Wektory są dobre, także dla polskich zdań.")
    page.get_by_role("button", name="Rate").click()

    # then
    expect(page.get_by_role("img", name="4 stars out of 5")).to_be_visible()
    expect(page.locator(".review [lang=pl]")).to_have_text("Wektory są dobre, także dla polskich zdań.")
    assert reader.problems == []


def test_a_choice_narrows_the_list_in_place(visit):
    # given
    reader = visit()
    page = reader.page
    reader.open("/models")
    expect(page.locator("#count")).to_have_text(re.compile(r"\d+ models"))

    # when
    page.get_by_label("Sentence similarity").check()

    # then
    expect(page.locator("#count")).to_have_text("1 model")
    expect(page).to_have_url(re.compile(r"/models\?task=sentence-similarity(&sort=downloads)?$"))
    expect(page.get_by_label("Sentence similarity")).to_be_focused()
    page.get_by_role("link", name=re.compile("remove this filter")).click()
    expect(page.locator("#count")).to_have_text(re.compile(r"([2-9]|\d\d+) models"))
    page.go_back()
    expect(page.get_by_label("Sentence similarity")).to_be_checked()
    assert reader.problems == []


def test_the_list_works_without_scripts(visit):
    # given
    reader = visit(java_script_enabled=False)
    page = reader.page
    reader.open("/models")

    # when
    page.get_by_label("Sentence similarity").check()
    page.get_by_role("button", name="Apply").click()

    # then
    expect(page.locator("article.card")).to_have_count(1)
    assert "task=sentence-similarity" in page.url


def test_files_are_uploaded_in_the_browser(visit):
    # given
    reader = visit()
    reader.sign_in("ann")
    page = reader.page

    # when
    reader.open("/ann/empty/upload/main")
    page.get_by_label("Files for one commit").set_input_files(
        [
            {"name": "README.md", "mimeType": "text/markdown", "buffer": b"# Karta modelu"},
            {"name": "left-out.txt", "mimeType": "text/plain", "buffer": b"no"},
        ]
    )
    page.get_by_role("button", name="Remove left-out.txt").click()
    page.get_by_label("What changes").fill("Karta")
    page.get_by_role("button", name="Commit to main").click()

    # then
    page.wait_for_url("**/ann/empty/tree/main")
    expect(page.get_by_role("link", name="README.md", exact=True)).to_be_visible()
    expect(page.get_by_text("left-out.txt")).to_have_count(0)
    assert reader.problems == []


def test_what_is_wrong_with_an_upload_is_said_and_the_choice_kept(visit):
    # given
    reader = visit()
    reader.sign_in("ann")
    page = reader.page
    reader.open("/ann/secret/upload/main")
    page.get_by_label("Files for one commit").set_input_files(
        [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}]
    )

    # when
    page.get_by_label("Folder").fill("../up")
    page.get_by_role("button", name="Commit to main").click()

    # then
    expect(page.get_by_role("alert")).to_contain_text("This did not work yet")
    expect(page.get_by_role("button", name="Remove a.txt")).to_be_visible()
    page.get_by_label("Folder").fill("up")
    page.get_by_role("button", name="Commit to main").click()
    page.wait_for_url("**/ann/secret/tree/main/up")


def test_a_run_is_watched_until_it_ends(visit, hub):
    # given
    reader = visit()
    page = reader.page
    answers = []
    page.on("response", lambda response: response.url.endswith("/status") and answers.append(response.status))
    reader.open("/runs?state=running")
    page.get_by_role("link", name=re.compile(r"^#\d+$")).first.click()
    expect(page.get_by_text("1 / 10 items")).to_be_visible()
    page.wait_for_timeout(4500)
    assert 304 in answers

    # when
    run = re.search(r"/runs/(\d+)", page.url)[1]
    end = f"Run.objects.filter(pk={run}).update(state='failed', reason='Unknown architecture: FooNet.')"
    hub.command("shell", "-c", f"from evaluation.models import Run; {end}")

    # then
    expect(page.get_by_text("Unknown architecture: FooNet.")).to_be_visible()
    before = len(answers)
    page.wait_for_timeout(4500)
    assert len(answers) == before
    assert reader.problems == []


def test_the_theme_changes_at_once_and_is_remembered(visit):
    # given
    reader = visit(color_scheme="light")
    page = reader.page
    reader.open("/")

    # when
    page.get_by_label("Light or dark").click()
    with page.expect_response("**/settings/theme"):
        page.get_by_role("button", name="Dark").click()

    # then
    page.wait_for_timeout(200)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 22)"
    reader.open("/models")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_keys_walk_through_results_until_they_are_switched_off(visit):
    # given
    reader = visit()
    reader.sign_in("ann")
    page = reader.page
    reader.open("/models")

    # when
    page.keyboard.press("j")

    # then
    expect(page.locator("article.card h2 a").first).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    reader.open("/settings/profile")
    page.get_by_role("button", name="Switch the keys off").click()
    reader.open("/models")
    page.keyboard.press("j")
    expect(page.locator("article.card h2 a").first).not_to_be_focused()
