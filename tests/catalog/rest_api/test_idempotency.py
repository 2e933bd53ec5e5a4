"""A request with an `Idempotency-Key` acts once, and only its sender hears the answer again."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from catalog.actions import idempotency
from catalog.actions.idempotency import Answer
from catalog.errors import Busy
from catalog.models import AccessToken, KeptAnswer
from tests.factories import UserFactory, token_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/tokens"


def make(client, key="k-1", **fields):
    body = {"name": "laptop", "role": "read", **fields}
    return client.post(ADDRESS, body, content_type="application/json", headers={"Idempotency-Key": key})


def test_the_second_one_gets_the_first_ones_answer(session, person):
    first, second = make(session), make(session)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert (first.get("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (None, "true")
    assert (second["Cache-Control"], second["Content-Type"]) == ("no-store", first["Content-Type"])
    assert person.tokens.count() == 1


def test_a_kept_answer_is_unreadable_in_the_database(session):
    secret = make(session).json()["token"]

    assert secret.encode() not in bytes(KeptAnswer.objects.get().sealed_body)


def test_another_body_address_or_person_is_another_request(session, person):
    make(session)
    other = RawClient()
    other.force_login(UserFactory())

    reused, theirs, elsewhere = (
        make(session, name="other"),
        make(other),
        session.delete(f"{ADDRESS}/{person.tokens.get().pk}", headers={"Idempotency-Key": "k-1"}),
    )

    assert (reused.status_code, reused["X-Error-Code"]) == (422, "IdempotencyKeyReused")
    assert (theirs.status_code, elsewhere.status_code) == (201, 204)


def test_refusals_are_kept(session, person):
    token_of(person)
    AccessToken.objects.update(name="laptop")
    first = make(session).status_code
    AccessToken.objects.all().delete()

    assert (first, make(session).status_code) == (409, 409)


def test_faults_of_ours_are_not_kept(person):
    asked = {"user": person, "key": "k", "method": "POST", "address": "/x", "body": b""}
    idempotency.finish(idempotency.begin(**asked), Answer(500, {}, b""))

    assert isinstance(idempotency.begin(**asked), KeptAnswer)
    with pytest.raises(Busy):  # under way
        idempotency.begin(**asked)


def test_the_answer_is_forgotten_after_a_day(session, person):
    make(session)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    person.tokens.all().delete()

    assert make(session).status_code == 201
    assert person.tokens.count() == 1
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.clear() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_a_key_is_short_and_printable(session, key):
    assert make(session, key).status_code == 400


def test_strangers_and_reads_have_no_keys():
    assert make(RawClient()).status_code == 401
    assert RawClient().get("/api/v1/models", headers={"Idempotency-Key": "k"}).status_code == 200
    assert not KeptAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_act_once(person):
    together, told = Barrier(4), []

    def send() -> None:
        client = RawClient()
        client.force_login(person)
        together.wait(timeout=30)
        told.append(make(client).status_code)
        connection.close()

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert person.tokens.count() == 1
    assert set(told) <= {201, 503}
    assert 201 in told
