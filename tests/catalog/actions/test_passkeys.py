import json

import pytest
from allauth.mfa.models import Authenticator

from catalog.actions.people import passkeys, second_factor
from catalog.errors import BadInput
from catalog.models import User
from tests.factories import UserFactory
from tests.factories.passkeys import ORIGIN, Device, passkey_of
from tests.factories.second_factors import enrolled

pytestmark = pytest.mark.django_db


def is_accepted(user, device, *, origin=ORIGIN) -> bool:
    question = passkeys.ask(user=user, origin=origin)
    return passkeys.accept(user=user, origin=origin, state=question.state, answer=device.sign(question.options))


def test_a_passkey_is_a_second_factor_with_recovery_codes():
    user = UserFactory()

    device = passkey_of(user)

    assert User.objects.get(pk=user.pk).has_second_factor
    assert is_accepted(user, device)
    assert len(device.recovery_codes) == 10
    assert second_factor.accept(user=user, code=device.recovery_codes[0])


def test_another_device_is_refused():
    user = UserFactory()
    device = passkey_of(user)

    assert not is_accepted(user, Device())
    assert not is_accepted(user, Device(credential_id=device.credential_id))


@pytest.mark.parametrize("page", ["http://evil.example", "http://sub.testserver", "https://testserver"])
def test_an_answer_given_to_another_page_is_refused(page):
    user = UserFactory()
    device = passkey_of(user)

    device.origin = page

    assert not is_accepted(user, device)


def test_an_answer_to_another_question_is_refused():
    user = UserFactory()
    device = passkey_of(user)
    question, other = (passkeys.ask(user=user, origin=ORIGIN) for _ in range(2))

    answer = device.sign(question.options)

    assert not passkeys.accept(user=user, origin=ORIGIN, state=other.state, answer=answer)
    assert not passkeys.accept(user=user, origin=ORIGIN, state={}, answer=answer)


def test_a_passkey_of_somebody_else_is_refused():
    ann, bob = UserFactory(), UserFactory()
    passkey_of(ann)

    assert not is_accepted(ann, passkey_of(bob))


@pytest.mark.parametrize(
    "answer",
    ["", "{", "[]", "null", "{}", '{"id": 1}', '{"id":"x","rawId":"x","type":"public-key","response":{}}', "[" * 9999],
)
def test_what_no_browser_says_is_refused(answer):
    user = UserFactory()
    passkey_of(user)
    question, new = passkeys.ask(user=user, origin=ORIGIN), passkeys.ask_for_new(user=user, origin=ORIGIN)

    assert not passkeys.accept(user=user, origin=ORIGIN, state=question.state, answer=answer)
    with pytest.raises(BadInput):
        passkeys.add(user=user, origin=ORIGIN, state=new.state, answer=answer, name="x")


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_mangled_part_is_refused(part):
    user = UserFactory()
    device = passkey_of(user)
    question = passkeys.ask(user=user, origin=ORIGIN)
    answer = json.loads(device.sign(question.options))

    for mangled in ("", "AAAA", "not base64!", answer["response"][part][:-8], None):
        told = json.dumps(answer | {"response": answer["response"] | {part: mangled}})
        assert not passkeys.accept(user=user, origin=ORIGIN, state=question.state, answer=told)


def test_the_same_passkey_is_added_once():
    user = UserFactory()
    device = passkey_of(user)
    question = passkeys.ask_for_new(user=user, origin=ORIGIN)

    with pytest.raises(BadInput, match="already"):
        passkeys.add(user=user, origin=ORIGIN, state=question.state, answer=device.make(question.options), name="y")


def test_nobody_collects_passkeys_without_end(monkeypatch):
    monkeypatch.setattr(passkeys, "MOST_PASSKEYS", 1)
    user = UserFactory()
    passkey_of(user)

    with pytest.raises(BadInput, match="many"):
        passkey_of(user)


def test_recovery_codes_go_with_the_last_factor_and_no_earlier():
    user = UserFactory()
    app, device = enrolled(user), passkey_of(user)
    passkey = Authenticator.objects.get(user=user, type="webauthn")

    passkeys.remove(user=user, passkey_id=passkey.pk)
    passkeys.remove(user=user, passkey_id=passkey.pk)

    assert device.recovery_codes == []  # the app came with some
    assert second_factor.recovery_codes_left(user) == 10
    assert second_factor.accept(user=user, code=app.code())
    other = UserFactory()
    passkey_of(other)
    passkeys.remove(user=other, passkey_id=Authenticator.objects.get(user=other, type="webauthn").pk)
    assert not Authenticator.objects.filter(user=other).exists()


def test_nobody_removes_the_passkey_of_somebody_else():
    ann, bob = UserFactory(), UserFactory()
    device = passkey_of(ann)

    passkeys.remove(user=bob, passkey_id=Authenticator.objects.get(user=ann, type="webauthn").pk)

    assert is_accepted(ann, device)
