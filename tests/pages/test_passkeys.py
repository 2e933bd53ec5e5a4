import re
from html import unescape

import pytest

from catalog.actions.people import second_factor
from catalog.models import User
from tests.factories import UserFactory
from tests.factories.passkeys import Device, passkey_of
from tests.pages.looking import text_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-secret"
HERE = "/settings/second-factor"


def asked(answer) -> tuple[dict[str, str], str]:
    """The hidden fields of the passkey form on a page, and the question it asks the browser."""
    form = re.search(r"<form[^>]*data-passkey.*?</form>", answer.content.decode(), re.DOTALL)[0]
    fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
    return fields, unescape(re.search(r'data-question="([^"]*)"', form)[1])


def type_password(client):
    return asked(client.post("/login", {"username": "ann", "password": PASSWORD}))


def is_signed_in(client) -> bool:
    return client.get("/settings/profile").status_code == 200


def test_a_passkey_is_added_in_the_settings_and_removed_there(signed_in):
    # given
    user = UserFactory()
    person = signed_in(user)
    device = Device()

    # when
    fields, question = asked(person.get(f"{HERE}/passkeys/new"))
    done = person.post(f"{HERE}/passkeys/new", fields | {"name": "blue key", "credential": device.make(question)})

    # then
    assert "blue key" in text_of(done)
    assert len(re.findall(r"<code>(\d{8})</code>", done.content.decode())) == 10
    remove = re.search(r'action="([^"]*/remove)"', done.content.decode())[1]
    person.post(remove)
    assert not User.objects.get(pk=user.pk).has_second_factor


def test_an_answer_to_the_question_of_somebody_else_adds_nothing(signed_in):
    ann, bob = UserFactory(), UserFactory()
    fields, question = asked(signed_in(bob).get(f"{HERE}/passkeys/new"))

    refused = signed_in(ann).post(f"{HERE}/passkeys/new", fields | {"name": "x", "credential": Device().make(question)})

    assert refused.status_code == 422
    assert not ann.has_second_factor


def test_a_passkey_signs_in_after_the_password_and_its_answer_serves_once(client):
    # given
    device = passkey_of(UserFactory(name="ann", password=PASSWORD))

    # when
    fields, question = type_password(client)
    answer = fields | {"credential": device.sign(question)}
    assert "sessionid" not in client.cookies
    entered = client.post("/login/code", answer)

    # then
    assert entered.status_code == 302
    assert is_signed_in(client)
    other = RawClient()
    other.post("/login/code", answer)
    assert not is_signed_in(other)


def test_a_wrong_passkey_counts_as_a_wrong_code(client):
    passkey_of(UserFactory(name="ann", password=PASSWORD))
    fields, question = type_password(client)

    answers = [client.post("/login/code", fields | {"credential": Device().sign(question)}) for _ in range(11)]

    assert "was not accepted" in text_of(answers[0])
    assert answers[-1].status_code == 429
    assert not is_signed_in(client)


def test_who_has_only_passkeys_gets_in_by_a_recovery_code(client):
    device = passkey_of(UserFactory(name="ann", password=PASSWORD))
    fields, _question = type_password(client)

    client.post("/login/code", {"ticket": fields["ticket"], "code": device.recovery_codes[0]})

    assert is_signed_in(client)


def test_switching_off_takes_passkeys_along(signed_in):
    user = UserFactory(name="ann", password=PASSWORD)
    passkey_of(user)

    signed_in(user).post(f"{HERE}/off")

    assert second_factor.recovery_codes_left(user) == 0
    assert not User.objects.get(pk=user.pk).has_second_factor
