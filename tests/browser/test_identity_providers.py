"""Signing in with an identity provider, as a browser under our policy really goes there and back."""

from __future__ import annotations

import re

import pytest

from tests.browser.seed import PASSWORD
from tests.browser.test_second_factor import unhurt

pytestmark = pytest.mark.slow

NEWCOMER = {"sub": "7", "email": "noa@example.org", "email_verified": True, "preferred_username": "noa", "name": "Noa"}


def test_somebody_new_comes_by_the_provider_and_makes_an_account(visit, issuer):
    # given
    issuer.person = NEWCOMER
    reader = visit(width=360, color_scheme="dark")
    main = reader.page.locator("main")
    reader.open("/login?next=/models")
    unhurt(reader)

    # when
    main.get_by_role("link", name="Sign in with Corp").click()
    main.get_by_role("heading", name="A new account").wait_for()
    unhurt(reader)
    assert main.get_by_label("User name").input_value() == "noa"
    main.get_by_role("button", name="Make the account").click()

    # then
    reader.page.wait_for_url(f"{reader.base}/models")
    reader.page.context.clear_cookies()
    reader.open("/login?next=/datasets")
    main.get_by_role("link", name="Sign in with Corp").click()
    reader.page.wait_for_url(f"{reader.base}/datasets")
    reader.open("/settings/sign-in")
    main.get_by_text("noa@example.org").wait_for()
    unhurt(reader)


def test_an_account_elsewhere_is_added_and_taken_away(visit, hub, issuer):
    # given
    hub.command("shell", "-c", f"from tests.browser.seed import newcomer; newcomer('lin', {PASSWORD!r})")
    issuer.person = {**NEWCOMER, "sub": "8", "email": "lin@example.org"}
    reader = visit()
    reader.sign_in("lin")
    main = reader.page.locator("main")

    # when
    reader.open("/settings/sign-in")
    main.get_by_role("button", name="Add Corp").click()

    # then
    reader.page.get_by_text("Corp signs you in from now on.").wait_for()
    assert reader.page.url == f"{reader.base}/settings/sign-in"
    main.get_by_text("lin@example.org").wait_for()
    unhurt(reader)
    reader.page.on("dialog", lambda dialog: dialog.accept())
    main.get_by_role("button", name=re.compile("Remove Corp")).click()
    reader.page.get_by_text("it does not sign you in any more").wait_for()
    main.get_by_text("None yet.").wait_for()
