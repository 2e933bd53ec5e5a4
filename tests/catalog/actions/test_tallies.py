"""Counting what must not happen too often, with Redis and without."""

from datetime import timedelta
from threading import Thread

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from catalog.actions import tallies
from catalog.actions.people import sign_in
from catalog.errors import TooManyRequests
from catalog.models import Tally
from tests.processes import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis_away(settings, monkeypatch):
    dead = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(tallies, "_avoided_until", 0.0)
    with override_settings(CACHES={"default": {**settings.CACHES["default"], "LOCATION": dead}}):
        yield


@pytest.fixture(params=["redis", "database"])
def counting(request):
    """Wrong passwords are counted alike wherever the numbers are kept."""
    cache.clear()
    if request.param == "database":
        request.getfixturevalue("redis_away")


def guess(name: str, address: str, *, times: int = 1, right: bool = False) -> None:
    for _ in range(times):
        with sign_in.attempt(name, address) as trying:
            trying.succeeded = right


def test_guessing_runs_out_for_one_account_from_one_network(counting):
    guess("Ann", "198.51.100.7", times=sign_in.ATTEMPTS)

    with pytest.raises(TooManyRequests) as refused:
        guess("ann ", "198.51.100.7")
    guess("ann", "198.51.100.8")
    guess("bob", "198.51.100.7")

    assert refused.value.facts == {"retry_after_seconds": sign_in.WINDOW_SECONDS}


def test_the_addresses_of_one_ipv6_customer_are_one_network(counting):
    for number in range(sign_in.ATTEMPTS):
        guess("ann", f"2001:db8::{number + 1:x}")

    with pytest.raises(TooManyRequests):
        guess("ann", "2001:db8::ffff")
    guess("ann", "2001:db8:0:1::1")


def test_many_networks_together_do_not_guess_at_one_account_for_ever(counting):
    for number in range(sign_in.ATTEMPTS_ON_ACCOUNT):
        guess("ann", f"198.51.{number}.7")

    with pytest.raises(TooManyRequests):
        guess("ann", "203.0.113.9")
    guess("bob", "203.0.113.9")


def test_one_network_does_not_guess_at_all_accounts_for_ever(counting):
    for number in range(sign_in.ATTEMPTS_OF_NETWORK):
        guess(f"person{number}", "198.51.100.7")

    with pytest.raises(TooManyRequests):
        guess("somebody", "198.51.100.7")


def test_right_passwords_use_nothing_up(counting):
    guess("ann", "198.51.100.7", times=3 * sign_in.ATTEMPTS, right=True)

    guess("ann", "198.51.100.7", times=sign_in.ATTEMPTS)


def test_links_by_mail_run_out_while_redis_is_away(redis_away):
    for _ in range(sign_in.LINKS):
        sign_in.send_password_link(asked="nobody", address="198.51.100.7", site="http://here")

    with pytest.raises(TooManyRequests):
        sign_in.send_password_link(asked="nobody", address="198.51.100.7", site="http://here")


def test_a_redis_that_does_not_answer_is_not_asked_at_every_count(redis_away, caplog):
    for _ in range(3):
        tallies.add_one("often", window_seconds=60)

    assert caplog.text.count("Redis does not answer") == 1


def test_a_window_that_has_passed_starts_anew(redis_away):
    for _ in range(3):
        tallies.add_one("seldom", window_seconds=60)
    Tally.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    assert tallies.numbers(["seldom"]) == {}
    assert tallies.add_one("seldom", window_seconds=60) == 1


def test_the_sweep_removes_what_has_passed(redis_away):
    tallies.add_one("old", window_seconds=60)
    Tally.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    tallies.add_one("new", window_seconds=60)

    assert tallies.clear() == 1
    assert [tally.key for tally in Tally.objects.all()] == ["new"]


@pytest.mark.django_db(transaction=True)
def test_counts_made_at_once_are_all_counted(redis_away):
    def add() -> None:
        tallies.add_one("at-once", window_seconds=60)
        connection.close()

    threads = [Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert tallies.numbers(["at-once"]) == {"at-once": 8}
