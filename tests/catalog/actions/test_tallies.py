"""Counting what must not happen too often, with Redis and without."""

from datetime import timedelta
from threading import Thread

import pytest
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


def guess(times: int) -> None:
    for _ in range(times):
        sign_in.check_attempts("Ann", "198.51.100.7")
        sign_in.count_failure("Ann", "198.51.100.7")


def test_guessing_runs_out_while_redis_is_away(redis_away):
    guess(sign_in.ATTEMPTS)

    with pytest.raises(TooManyRequests) as refused:
        sign_in.check_attempts("ann ", "198.51.100.7")
    sign_in.check_attempts("ann", "198.51.100.8")

    assert refused.value.facts == {"retry_after_seconds": sign_in.WINDOW_SECONDS}
    assert Tally.objects.count() == 2


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
