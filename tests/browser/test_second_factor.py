"""Setting up a second factor and signing in with it, by the pages as a browser shows them."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

from tests.browser.seed import PASSWORD
from tests.browser.test_every_page import RULES
from tests.factories.second_factors import code_of


def unhurt(reader) -> None:
    found = Axe().run(reader.page, options=RULES).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []
    assert reader.problems == []


def test_a_second_factor_is_set_up_and_asked_for(visit, hub):
    # given
    hub.command("shell", "-c", f"from tests.browser.seed import newcomer; newcomer('eva', {PASSWORD!r})")
    reader = visit(width=360, color_scheme="dark")
    reader.sign_in("eva")
    main = reader.page.locator("main")

    # when
    reader.open("/settings/second-factor")
    main.get_by_role("link", name="Set up an app").click()
    assert main.get_by_role("img", name="QR code").bounding_box()["width"] > 150
    secret = main.locator("#secret").inner_text().replace(" ", "")
    main.get_by_role("textbox", name="Code").fill(code_of(secret))
    main.get_by_role("button", name="Switch on").click()
    codes = main.locator(".recovery-codes code").all_inner_texts()
    unhurt(reader)

    # then
    assert len(codes) == 10
    reader.page.context.clear_cookies()
    reader.open("/login?next=/models")
    reader.page.get_by_label("User name").fill("eva")
    reader.page.get_by_label("Password").fill(PASSWORD)
    main.get_by_role("button", name="Sign in").click()
    main.get_by_role("heading", name="Second step").wait_for()
    unhurt(reader)
    assert reader.page.evaluate("document.activeElement.name") == "code"
    main.get_by_role("textbox", name="Code").fill(f"{codes[0][:4]} {codes[0][4:]}")
    main.get_by_role("button", name="Sign in").click()
    reader.page.wait_for_url(f"{reader.base}/models")


def test_a_passkey_is_added_and_signs_in(visit, hub):
    # given
    hub.command("shell", "-c", f"from tests.browser.seed import newcomer; newcomer('kay', {PASSWORD!r})")
    reader = visit()
    reader.base = f"http://localhost:{hub.port}"  # an address of digits has no passkeys
    devices = reader.page.context.new_cdp_session(reader.page)
    devices.send("WebAuthn.enable")
    wanted = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": wanted})
    reader.sign_in("kay")
    main = reader.page.locator("main")

    # when
    reader.open("/settings/second-factor/passkeys/new")
    main.get_by_role("textbox", name="Name").fill("blue key")
    unhurt(reader)
    main.get_by_role("button", name="Add").click()
    main.get_by_text("blue key", exact=True).wait_for()
    unhurt(reader)

    # then
    reader.page.context.clear_cookies()
    reader.open("/login?next=/models")
    reader.page.get_by_label("User name").fill("kay")
    reader.page.get_by_label("Password").fill(PASSWORD)
    main.get_by_role("button", name="Sign in").click()
    main.get_by_role("button", name="Use a passkey").wait_for()
    unhurt(reader)
    main.get_by_role("button", name="Use a passkey").click()
    reader.page.wait_for_url(f"{reader.base}/models")
