import pytest
from allauth.mfa.models import Authenticator

from catalog.actions.people import second_factor
from catalog.errors import BadInput
from catalog.models import AuditEntry, User
from tests.factories import UserFactory
from tests.factories.second_factors import code_of, enrolled
from tests.racing import at_once

pytestmark = pytest.mark.django_db


def test_a_code_of_the_app_is_accepted_once():
    user = UserFactory()
    app = enrolled(user)
    code = app.code()

    assert second_factor.accept(user=user, code=code)
    assert not second_factor.accept(user=user, code=code)


@pytest.mark.parametrize("spelling", ["{0}{1}", " {0} {1} ", "{0}-{1}", "{0}\u00a0{1}"])
def test_a_taken_code_stays_taken_however_it_is_spelt(spelling):
    user = UserFactory()
    app = enrolled(user)
    code = app.code()
    assert second_factor.accept(user=user, code=spelling.format(code[:3], code[3:]))

    for again in ("{0}{1}", "{0} {1}", "{0}\t{1}\n", "{0}.{1}"):
        assert not second_factor.accept(user=user, code=again.format(code[:3], code[3:]))


def test_digits_of_another_width_are_the_same_digits():
    user = UserFactory()
    app = enrolled(user)

    wide = app.code().translate({ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)})

    assert second_factor.accept(user=user, code=wide)


def test_the_code_that_enrolled_is_taken_and_older_ones_with_it():
    user = UserFactory()
    app = enrolled(user)
    taken = app._factor().data[second_factor.TAKEN]

    assert not second_factor.accept(user=user, code=code_of(app.secret, taken))
    assert not second_factor.accept(user=user, code=code_of(app.secret, taken - 1))


def test_a_code_of_somebody_else_is_none():
    ann, bob = UserFactory(), UserFactory()
    enrolled(ann)

    assert not second_factor.accept(user=ann, code=enrolled(bob).code())


@pytest.mark.parametrize("code", ["", "000000000000", "abcdef", "\ud800", "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused(code):
    user = UserFactory()
    enrolled(user)

    assert not second_factor.accept(user=user, code=code)


def test_each_recovery_code_works_once():
    user = UserFactory()
    codes = enrolled(user).recovery_codes

    assert len(set(codes)) == 10
    assert second_factor.accept(user=user, code=f"{codes[3][:4]} {codes[3][4:]}")
    assert not second_factor.accept(user=user, code=codes[3])
    assert second_factor.recovery_codes_left(user) == 9
    assert second_factor.accept(user=user, code=codes[4])


def test_new_recovery_codes_end_the_old_ones():
    user = UserFactory()
    old = enrolled(user).recovery_codes

    new = second_factor.new_recovery_codes(user=user)

    assert not set(old) & set(new)
    assert not second_factor.accept(user=user, code=old[0])
    assert second_factor.accept(user=user, code=new[0])


def test_a_wrong_first_code_switches_nothing_on():
    user = UserFactory()

    with pytest.raises(BadInput):
        second_factor.enrol(user=user, secret=second_factor.new_secret(), code="000000000")

    assert not user.has_second_factor
    assert not Authenticator.objects.exists()


def test_nobody_enrols_over_a_second_factor():
    user = UserFactory()
    app = enrolled(user)

    with pytest.raises(BadInput):
        enrolled(user)
    assert second_factor.accept(user=user, code=app.code())


def test_recovery_codes_need_something_to_recover():
    with pytest.raises(BadInput):
        second_factor.new_recovery_codes(user=UserFactory())


@pytest.mark.parametrize("end", [second_factor.switch_off, lambda user: second_factor.reset(user=user, actor=None)])
def test_a_factor_that_is_gone_takes_its_recovery_codes_along(end):
    user = UserFactory()
    app = enrolled(user)
    code = app.code()

    end(user=user)

    assert not User.objects.get(pk=user.pk).has_second_factor
    assert not second_factor.accept(user=user, code=code)
    assert not second_factor.accept(user=user, code=app.recovery_codes[0])


def test_the_database_holds_neither_secret_nor_codes():
    user = UserFactory()
    app = enrolled(user)

    stored = str(list(Authenticator.objects.values_list("data", flat=True)))

    assert app.secret not in stored
    assert not [code for code in app.recovery_codes if code in stored]
    assert app.secret not in str(list(AuditEntry.objects.values("details")))


def test_under_another_secret_key_nothing_is_accepted(settings):
    user = UserFactory()
    app = enrolled(user)
    code = app.code()

    settings.SECRET_KEY = "another key of more than thirty-two characters"

    assert not second_factor.accept(user=user, code=code)
    assert not second_factor.accept(user=user, code=app.recovery_codes[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_two_who_use_one_code_at_once_one_gets_in(kind):
    user = UserFactory()
    app = enrolled(user)
    code = app.code() if kind == "app" else app.recovery_codes[0]

    answers = at_once(*[lambda: second_factor.accept(user=user, code=code)] * 2)

    assert sorted(answers) == [False, True]
