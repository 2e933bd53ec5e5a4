"""Limits on requests: by person, by network, with Redis and without it."""

from __future__ import annotations

import re

import pytest
from huggingface_hub.utils._http import parse_ratelimit_headers

from catalog.actors import Actor
from catalog.hub_api import cas_access
from marketplace import env
from marketplace.networks import network_of
from marketplace.rate_limits import Counts
from marketplace.refusals import bucket_of
from tests.factories import RepoFactory, UserFactory, token_of
from tests.processes import free_port
from tests.racing import at_once
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def few(settings, monkeypatch):
    """Three requests a window, counted under names of this test alone."""
    settings.RATE_LIMITS = {"api": 3, "resolvers": 3, "pages": 3}
    settings.RATE_LIMIT_WINDOW_SECONDS = 3_600 + UserFactory().pk
    return settings


def as_person(client: RawClient, token: str, path: str = "/api/models"):
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def test_every_answer_says_what_is_left_in_words_the_client_reads(few, raw_client):
    token = token_of(UserFactory())

    first, second = as_person(raw_client, token), as_person(raw_client, token)

    told = [parse_ratelimit_headers(answer.headers) for answer in (first, second)]
    assert [(one.resource_type, one.remaining, one.limit) for one in told] == [("api", 2, 3), ("api", 1, 3)]
    assert all(0 < one.reset_in_seconds <= one.window_seconds == few.RATE_LIMIT_WINDOW_SECONDS for one in told)


def test_beyond_the_limit_the_answer_is_429_and_says_when_to_come_back(few, raw_client):
    token = token_of(UserFactory())
    for _ in range(3):
        assert as_person(raw_client, token).status_code == 200

    refused = as_person(raw_client, token)

    assert (refused.status_code, refused["X-Error-Code"]) == (429, "TooManyRequests")
    assert set(refused.json()) == {"error", "error_code", "request_id", "details"}
    assert int(refused["Retry-After"]) == parse_ratelimit_headers(refused.headers).reset_in_seconds
    assert re.match(r'"api";r=0;t=\d+$', refused["RateLimit"])
    assert refused["X-Request-Id"]


def test_one_persons_limit_is_not_anothers_and_buckets_are_apart(few, raw_client):
    ann, bob = token_of(UserFactory()), token_of(UserFactory())
    repo = RepoFactory()
    for _ in range(4):
        as_person(raw_client, ann)

    assert as_person(raw_client, bob).status_code == 200
    path = f"/{repo.namespace.name}/{repo.name}/resolve/main/nothing"
    assert as_person(raw_client, ann, path).status_code == 404


def test_many_invented_tokens_share_the_limit_of_their_network(few, raw_client):
    from catalog.tokens import new_token

    answers = [
        raw_client.get(
            "/api/models", headers={"Authorization": f"Bearer {new_token()}"}, REMOTE_ADDR=f"2001:db8:7::{number}"
        ).status_code
        for number in range(5)
    ]

    assert answers == [401, 401, 401, 429, 429]


def test_a_page_beyond_the_limit_is_a_page(few, raw_client):
    answers = [raw_client.get("/models", REMOTE_ADDR="198.51.100.77") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1]["Content-Type"].startswith("text/html")
    assert int(answers[-1]["Retry-After"]) > 0


def test_a_client_that_nears_its_limit_is_warned(settings, raw_client, few):
    few.RATE_LIMITS = {**few.RATE_LIMITS, "api": 20}
    token = token_of(UserFactory())

    answers = [as_person(raw_client, token) for _ in range(20)]

    assert [number for number, answer in enumerate(answers, 1) if "X-HF-Warning" in answer] == [19, 20]


def test_limits_hold_while_redis_is_away(few):
    few.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    counts = Counts()

    used = [counts.add_one("api", "u1") for _ in range(4)]

    assert [one.is_over for one in used] == [False, False, False, True]
    assert not counts.add_one("api", "u2").is_over


def test_probes_and_nodes_are_not_counted(few, raw_client):
    assert [raw_client.get("/health/live").status_code for _ in range(6)] == [200] * 6
    assert "RateLimit" not in raw_client.get("/health/live")


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        ("/api/models", "api"),
        ("/api/v1/models", "api"),
        ("/-/uploads/1", "api"),
        ("/ann/m/resolve/main/x", "resolvers"),
        ("/datasets/ann/m/resolve/main/x", "resolvers"),
        ("/ann/m.git/info/refs", "resolvers"),
        ("/ann/m", "pages"),
        ("/models", "pages"),
    ],
)
def test_buckets_have_the_hubs_names(path, bucket):
    assert bucket_of(path) == bucket


def test_a_network_is_what_one_customer_has():
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") != network_of("2001:db8:1:3::9")
    assert network_of("198.51.100.1") != network_of("198.51.100.2")
    assert network_of("") == "local"


def test_no_limit_can_be_switched_off(monkeypatch):

    monkeypatch.setenv("RATE_LIMIT_API", "0")

    with pytest.raises(env.SettingInvalid):
        env.number("RATE_LIMIT_API", 1, least=1)


def test_numbers_are_taken_by_the_block_and_none_is_given_out_twice(few):
    few.RATE_LIMITS = {"api": 5_000}
    processes = [Counts(), Counts()]

    used = [process.add_one("api", "u1").number for _ in range(7) for process in processes]

    assert sorted(used) == [*range(1, 13), 16, 17]  # blocks of five: 13 to 15 are still to be given out


def test_threads_of_one_process_share_what_it_took(few):
    few.RATE_LIMITS = {"api": 20_000}
    counts = Counts()

    used = at_once(*[lambda: [counts.add_one("api", "u2").number for _ in range(50)]] * 8)

    numbers = [number for one in used for number in one]
    assert len(set(numbers)) == 400
    assert max(numbers) <= 400 + 8 * 20  # no thread throws away what another took


def test_an_address_of_an_upload_counts_for_the_account_it_was_made_for(few, raw_client):
    user = UserFactory()
    repo = RepoFactory(actor=user)
    body = {"operation": "upload", "objects": [{"oid": "a" * 64, "size": 5}]}
    batch = raw_client.post(
        f"/{repo.full_name}.git/info/lfs/objects/batch", body, content_type="application/json",
        headers={"Authorization": f"Bearer {token_of(user)}"},
    )  # fmt: skip
    href = batch.json()["objects"][0]["actions"]["upload"]["href"].removeprefix("http://testserver")

    answers = [raw_client.put(href, b"12345", REMOTE_ADDR=f"198.51.100.{n}").status_code for n in range(4)]

    assert answers == [422, 422, 422, 429]  # wrong bytes, each from another network


def test_a_token_of_the_xet_store_counts_for_the_account_it_was_made_for(few, raw_client):
    repo = RepoFactory()
    user = repo.namespace.user
    token, _until = cas_access.new_token(Actor(user=user), repo, cas_access.WRITE)

    answers = [
        raw_client.get(
            "/v1/chunks/default/x", headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR=f"198.51.100.{n}"
        )
        for n in range(4)
    ]

    assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
    assert as_person(raw_client, token_of(user)).status_code == 429
