import re

import pytest
from django.core import signing

from catalog.actions.people import accounts, second_factor
from catalog.models import AuditEntry
from catalog.pages import entering
from tests.factories import UserFactory, token_of
from tests.factories.second_factors import code_of, enrolled
from tests.pages.looking import text_of
from tests.raw_client import RawClient
from tests.sessions import an_hour_ago

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-secret"
HERE = "/settings/second-factor"


def is_signed_in(client) -> bool:
    return client.get("/settings/profile").status_code == 200


def type_password(client, name: str = "ann", **fields) -> dict[str, str]:
    """The first step; returns the fields of the second."""
    answer = client.post("/login", {"username": name, "password": PASSWORD, **fields})
    assert answer.status_code == 200
    assert "Second step" in text_of(answer)
    return dict(re.findall(r'name="(next|ticket)" value="([^"]*)"', answer.content.decode()))


@pytest.fixture
def app():
    return enrolled(UserFactory(name="ann", password=PASSWORD))


def test_setting_it_up_shows_a_picture_and_a_secret_and_then_recovery_codes_once(signed_in):
    # given
    user = UserFactory()
    person = signed_in(user)

    # when
    page = person.get(f"{HERE}/new").content.decode()
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    wrong = person.post(f"{HERE}/new", {"code": "000 0000"})
    done = person.post(f"{HERE}/new", {"code": code_of(secret)})

    # then
    assert re.search(r'<svg class="qr"[^>]*><path d="M\d', page)
    assert wrong.status_code == 422
    assert secret[:4] in text_of(wrong)  # the same one: nobody scans twice
    assert done.status_code == 200
    codes = re.findall(r"<code>(\d{8})</code>", done.content.decode())
    assert len(codes) == 10
    assert "no-store" in done["Cache-Control"]
    again = person.get(HERE)
    assert "Switched on" in text_of(again)
    assert codes[0] not in again.content.decode()
    assert second_factor.accept(user=user, code=codes[0])


def test_the_password_alone_makes_no_session(client, app):
    step = type_password(client, next="/models")

    assert "sessionid" not in client.cookies
    assert not is_signed_in(client)
    entered = client.post("/login/code", step | {"code": app.code()})
    assert entered["Location"] == "/models"
    assert is_signed_in(client)


def test_a_recovery_code_signs_in_once(client, app):
    client.post("/login/code", type_password(client) | {"code": app.recovery_codes[0]})
    other = RawClient()
    refused = other.post("/login/code", type_password(other) | {"code": app.recovery_codes[0]})

    assert is_signed_in(client)
    assert refused.status_code == 422
    assert not is_signed_in(other)
    assert AuditEntry.objects.filter(actor=app.user, action="user.recovery_code").count() == 1


def test_a_code_that_was_seen_over_a_shoulder_is_over(client, app):
    code = app.code()
    client.post("/login/code", type_password(client) | {"code": code})
    other = RawClient()

    refused = other.post("/login/code", type_password(other) | {"code": f"{code[:3]} {code[3:]}"})

    assert refused.status_code == 422
    assert "This code does not work" in text_of(refused)
    assert not is_signed_in(other)


def test_wrong_codes_run_out_from_wherever_they_are_typed(client, app):
    # given
    step = type_password(client)

    # when
    answers = [
        client.post("/login/code", step | {"code": "1"}, REMOTE_ADDR=f"10.{number}.0.1").status_code
        for number in range(11)
    ]

    # then
    assert answers == [422] * 10 + [429]
    refused = client.post("/login/code", step | {"code": app.code()}, REMOTE_ADDR="10.99.0.1")
    assert refused.status_code == 429
    assert not is_signed_in(client)


def test_wrong_codes_count_as_wrong_passwords(client, app):
    step = type_password(client)

    for _ in range(9):
        client.post("/login/code", step | {"code": "1"})
    client.post("/login", {"username": "ann", "password": "wrong"})

    assert client.post("/login", {"username": "ann", "password": PASSWORD}).status_code == 429


@pytest.mark.parametrize("ticket", ["", "x", "x:y:z"])
def test_a_code_without_a_password_before_it_leads_back(client, app, ticket):
    answer = client.post("/login/code", {"code": app.code(), "ticket": ticket, "next": "//evil.example"})

    assert answer["Location"] == "/login?next=%2F&again=yes"
    assert not is_signed_in(client)


def test_a_ticket_serves_one_sign_in(client, app):
    # given
    step = type_password(client)
    client.post("/login/code", step | {"code": app.code()})

    # when
    other = RawClient()
    again = other.post("/login/code", step | {"code": app.recovery_codes[0]})

    # then
    assert again.status_code == 302
    assert not is_signed_in(other)


def test_another_password_or_a_block_ends_a_ticket(client, app):
    step = type_password(client)
    accounts.set_password(user=app.user, password="another-long-enough-secret")
    client.post("/login/code", step | {"code": app.code()})
    assert not is_signed_in(client)

    accounts.set_password(user=app.user, password=PASSWORD)
    step = type_password(client)
    accounts.block(user=app.user, actor=None)
    client.post("/login/code", step | {"code": app.code()})
    accounts.unblock(user=app.user, actor=None)
    assert not is_signed_in(client)


def test_an_old_ticket_is_over(client, app, monkeypatch):
    step = type_password(client)

    monkeypatch.setattr(entering, "SECOND_STEP_SECONDS", -1)
    client.post("/login/code", step | {"code": app.code()})

    assert not is_signed_in(client)


def test_a_ticket_cannot_be_made_from_other_signatures(client, app):
    claims = signing.loads(type_password(client)["ticket"], salt="second-step")
    forged = signing.dumps(claims, salt="something-else")

    client.post("/login/code", {"ticket": forged, "code": app.code()})

    assert not is_signed_in(client)


def test_a_one_time_link_does_not_stand_for_the_second_factor(client, app):
    link = accounts.password_link(app.user)

    answer = client.post(link, {"new_password1": "other-long-secret", "new_password2": "other-long-secret"})

    assert "Second step" in text_of(answer)
    assert not is_signed_in(client)
    ticket = re.search(r'name="ticket" value="([^"]*)"', answer.content.decode())[1]
    client.post("/login/code", {"ticket": ticket, "code": app.code()})
    assert is_signed_in(client)


def test_signing_in_again_asks_for_both_steps(client, app):
    client.post("/login/code", type_password(client) | {"code": app.code()})
    an_hour_ago(client)

    step = type_password(client, next="/settings/tokens")

    assert client.post(f"{HERE}/off")["Location"].startswith("/login?again=yes")
    client.post("/login/code", step | {"code": app.recovery_codes[0]})
    assert client.post(f"{HERE}/off")["Location"] == HERE


@pytest.mark.parametrize("address", [f"{HERE}/new", f"{HERE}/codes", f"{HERE}/off"])
def test_changing_it_needs_a_sign_in_of_late_and_no_token(signed_in, app, address):
    person = signed_in(app.user)
    an_hour_ago(person)

    assert person.post(address, {"code": app.code()})["Location"].startswith("/login?again=yes")
    header = {"Authorization": f"Bearer {token_of(app.user)}"}
    assert RawClient().post(address, headers=header).status_code == 403
    assert second_factor.accept(user=app.user, code=app.recovery_codes[0])


def test_switching_it_off_leaves_the_password(signed_in, app):
    signed_in(app.user).post(f"{HERE}/off")

    other = RawClient()
    assert other.post("/login", {"username": "ann", "password": PASSWORD}).status_code == 302
    assert is_signed_in(other)


def test_new_recovery_codes_are_shown_once(signed_in, app):
    person = signed_in(app.user)

    shown = person.post(f"{HERE}/codes").content.decode()

    codes = re.findall(r"<code>(\d{8})</code>", shown)
    assert len(codes) == 10
    assert not set(codes) & set(app.recovery_codes)
    assert codes[0] not in person.get(HERE).content.decode()


def test_the_page_tells_how_many_recovery_codes_are_left(signed_in, app):
    second_factor.accept(user=app.user, code=app.recovery_codes[0])

    assert "9 recovery codes are left" in text_of(signed_in(app.user).get(HERE))


def test_a_ticket_tells_whose_it_is_and_nothing_of_the_password(client, app):
    claims = signing.loads(type_password(client)["ticket"], salt="second-step")

    assert claims[0] == app.user.pk
    assert app.user.get_session_auth_hash() not in str(claims)
