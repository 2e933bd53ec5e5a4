"""CI jobs without a secret: which of their tokens become ours, once, and for one repo alone."""

from __future__ import annotations

import time
from threading import Barrier, Thread

import pytest
from django.core.cache import cache
from django.db import connection

from catalog.actions.people import accounts, trusted_publishers
from catalog.errors import BadInput
from catalog.models import AccessToken, AuditEntry, TrustedPublisher, UsedToken
from tests.catalog.hub_api.conftest import Caller, file_line
from tests.catalog.identities.conftest import forget_published
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, token_of
from tests.issuer import RSA_KEY, Issuer, SigningKey
from tests.raw_client import RawClient
from tests.sessions import an_hour_ago

pytestmark = pytest.mark.django_db

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
SIGNED_IDENTITY = "urn:ietf:params:oauth:token-type:id_token"
SITE = "http://testserver"
JOBS = {"repository": "octo/model", "environment": "release"}


@pytest.fixture
def ci(settings):
    """A CI system whose tokens this site takes."""
    cache.clear()
    forget_published()
    with Issuer.listening() as server:
        settings.OIDC_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
        settings.TRUSTED_PUBLISHER_ISSUERS = [server.url]
        yield server


@pytest.fixture
def ann(db):
    return UserFactory(name="ann")


@pytest.fixture
def repo(ann):
    return RepoFactory(actor=ann, name="model")


@pytest.fixture
def publisher(repo, ann, ci):
    return trusted_publishers.add(place=repo, issuer=ci.url, claims=JOBS, actor=ann)


def exchange(token: str, resource: str = "ann/model", **changed: str):
    asked = {
        "grant_type": EXCHANGE,
        "subject_token_type": SIGNED_IDENTITY,
        "subject_token": token,
        "resource": resource,
    }
    return Caller().json("POST", "/oauth/token", asked | changed)


def test_a_job_gets_a_token_for_an_hour_that_writes_to_its_repo_alone(publisher, repo, ann, ci):
    RepoFactory(actor=ann, name="other")

    answer = exchange(ci.job_token(SITE))

    told = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert (told["token_type"], told["expires_in"]) == ("bearer", 3600)
    assert told["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    job = Caller(told["access_token"])
    assert job.commit("ann/model", file_line("a.txt", b"a")).status_code == 200
    assert job.commit("ann/other", file_line("a.txt", b"a")).status_code == 403
    assert job.json("POST", "/api/repos/create", {"name": "new"}).status_code == 403
    assert job.json("PUT", "/api/models/ann/model/settings", {"private": True}).status_code == 403
    publisher.refresh_from_db()
    assert publisher.last_used_at is not None
    assert AuditEntry.objects.filter(action="publisher.exchange", actor=ann, target="models/ann/model").exists()


@pytest.mark.parametrize("prefix", ["datasets", "spaces"])
def test_the_resource_names_the_kind_of_repo(prefix, ann, ci):
    repo = RepoFactory(actor=ann, name="thing", kind=prefix.removesuffix("s"))
    trusted_publishers.add(place=repo, issuer=ci.url, claims=JOBS, actor=ann)

    assert exchange(ci.job_token(SITE), f"{prefix}/ann/thing").status_code == 200
    assert exchange(ci.job_token(SITE), "ann/thing").status_code == 400


def test_a_publisher_of_a_team_writes_to_the_repo_that_was_asked_for_alone(ann, ci):
    team = OrganisationFactory(name="acme", admin=ann)
    for name in ("one", "two"):
        RepoFactory(namespace=team.namespace, actor=ann, name=name)
    trusted_publishers.add(place=team.namespace, issuer=ci.url, claims=JOBS, actor=ann)

    job = Caller(exchange(ci.job_token(SITE), "acme/one").json()["access_token"])

    assert job.commit("acme/one", file_line("a.txt", b"a")).status_code == 200
    assert job.commit("acme/two", file_line("a.txt", b"a")).status_code == 403


def test_a_job_shows_each_token_once(publisher, ci):
    token = ci.job_token(SITE)
    assert exchange(token).status_code == 200

    again = exchange(token)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert "exchanged already" in again["X-Error-Message"]
    assert AccessToken.objects.filter(publisher=publisher).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_exchanges_at_once_one_succeeds(publisher, ci):
    token, start, statuses = ci.job_token(SITE), Barrier(2), []

    def ask() -> None:
        try:
            start.wait()
            statuses.append(exchange(token).status_code)
        finally:
            connection.close()

    threads = [Thread(target=ask) for _index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 400]


@pytest.mark.parametrize(
    "said",
    [{"repository": "octo/other"}, {"repository": "Octo/model"}, {"repository": ["octo/model"]}, {"repository": None},
     {"environment": "release2"}, {"environment": None}],
    ids=str,
)  # fmt: skip
def test_every_claim_has_to_be_there_word_by_word(said, publisher, ci):
    ci.changed = said

    answer = exchange(ci.job_token(SITE))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "no trusted publisher of that repo fits" in answer["X-Error-Message"]


@pytest.mark.parametrize(
    "said",
    [{"iss": "https://evil.example"}, {"aud": "https://huggingface.co"}, {"aud": [SITE, "https://huggingface.co"]},
     {"exp": 1_000_000_000}, {"exp": None}, {"exp": 4_000_000_000}, {"iat": 4_000_000_000}, {"nbf": 4_000_000_000},
     {"jti": None}, {"jti": ""}, {"jti": 5}, {"sub": None}],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_is_refused(said, publisher, ci):
    ci.changed = said

    answer = exchange(ci.job_token(SITE))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "the token is not accepted" in answer["X-Error-Message"]
    assert not UsedToken.objects.exists()


@pytest.mark.parametrize(
    "sign",
    [SigningKey("first", "RS256").sign, lambda claims: RSA_KEY.sign(claims)[:-4] + "AAAA", lambda _claims: "x.y.z"],
    ids=["another key", "another signature", "no token"],
)  # fmt: skip
def test_a_forged_token_is_refused(sign, publisher, ci):
    ci.sign = sign

    answer = exchange(ci.job_token(SITE))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_what_is_refused_tells_nothing_of_repos(publisher, repo, ann, ci):
    RepoFactory(actor=ann, name="hidden", visibility="private")
    hidden, absent = (exchange(ci.job_token(SITE), f"ann/{name}") for name in ("hidden", "absent"))

    assert hidden.json() == absent.json()
    assert hidden.status_code == absent.status_code == 400


@pytest.mark.parametrize("resource", ["ann", "kernels/ann/model", "a/b/c", "datasets/ann", "", "/model"])
def test_a_resource_that_is_no_repo_is_refused(resource, publisher, ci):
    answer = exchange(ci.job_token(SITE), resource)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_another_type_of_token_is_refused(publisher, ci):
    answer = exchange(ci.job_token(SITE), subject_token_type="urn:ietf:params:oauth:token-type:access_token")

    assert answer.json()["error"] == "invalid_request"


def test_jobs_may_no_more_than_who_trusted_them_may_at_that_moment(ci, ann):
    bob = UserFactory(name="bob")
    team = OrganisationFactory(name="acme", admin=ann, members={"write": [bob]})
    repo = RepoFactory(namespace=team.namespace, actor=ann, name="model")
    trusted_publishers.add(place=repo, issuer=ci.url, claims=JOBS, actor=bob)
    job = Caller(exchange(ci.job_token(SITE), "acme/model").json()["access_token"])

    team.memberships.filter(user=bob).delete()

    assert job.commit("acme/model", file_line("a.txt", b"a")).status_code == 403
    assert exchange(ci.job_token(SITE), "acme/model").status_code == 400


def test_jobs_of_somebody_blocked_get_nothing(publisher, ann, ci):
    accounts.block(user=ann, actor=None)

    assert exchange(ci.job_token(SITE)).status_code == 400


def test_a_publisher_that_is_removed_takes_its_tokens_along(publisher, ann, ci):
    job = Caller(exchange(ci.job_token(SITE)).json()["access_token"])

    trusted_publishers.remove(publisher=publisher, actor=ann)

    assert job.commit("ann/model", file_line("a.txt", b"a")).status_code == 401


def test_tokens_that_are_over_are_forgotten(publisher, ci):
    exchange(ci.job_token(SITE))
    assert trusted_publishers.clear() == 0
    AccessToken.objects.update(expires_at="2020-01-01T00:00:00Z")
    UsedToken.objects.update(expires_at="2020-01-01T00:00:00Z")

    trusted_publishers.clear()

    assert not AccessToken.objects.exists()
    assert not UsedToken.objects.exists()


def test_a_token_is_remembered_as_long_as_it_could_be_shown(publisher, ci):
    exchange(ci.job_token(SITE))

    assert UsedToken.objects.get().expires_at.timestamp() >= time.time() + 300


def test_an_issuer_that_does_not_answer_is_worth_another_try(publisher, ci):
    token = ci.job_token(SITE)
    forget_published()
    ci.described = {"jwks_uri": f"{ci.url}/nothing"}
    assert exchange(token).status_code == 502
    ci.described = {}
    forget_published()

    assert exchange(token).status_code == 200


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({}, "between 1 and 10"),
        ({"environment": "release"}, "every project"),
        ({"repository": ""}, "needs a value"),
        ({"repository": "a/b", "aud": "x"}, "no claim that can be asked for"),
        ({"repository": "a/b", "a b": "x"}, "no claim that can be asked for"),
        ({"repository": "a\nb"}, "needs a value"),
        ({"sub": "x", **{f"c{number}": "x" for number in range(10)}}, "between 1 and 10"),
    ],
    ids=str,
)
def test_claims_that_trust_everybody_or_make_no_sense_are_refused(claims, why, repo, ann, ci):
    with pytest.raises(BadInput, match=why):
        trusted_publishers.add(place=repo, issuer=ci.url, claims=claims, actor=ann)


def test_an_issuer_the_operator_does_not_take_cannot_be_trusted(repo, ann, ci):
    with pytest.raises(BadInput, match="takes no tokens of that issuer"):
        trusted_publishers.add(place=repo, issuer="https://evil.example", claims=JOBS, actor=ann)


# --- by the API and on the page ---------------------------------------------------------------------

API = "/api/v1/models/ann/model/publishers"
PAGE = "/ann/model/settings/publishers"


@pytest.fixture
def browser(ann):
    person = RawClient()
    person.force_login(ann)
    return person


def test_the_api_adds_lists_and_removes(browser, repo, ci):
    added = browser.post(API, {"issuer": ci.url, "claims": JOBS}, content_type="application/json")
    assert (added.status_code, added.json()["claims"], added.json()["created_by"]) == (201, JOBS, "ann")
    listed = browser.get(API).json()["results"]
    assert [one["id"] for one in listed] == [added.json()["id"]]

    removed = browser.delete(f"{API}/{added.json()['id']}")

    assert removed.status_code == 204
    assert not TrustedPublisher.objects.exists()


def test_the_api_does_the_same_for_all_repos_of_a_team(browser, ann, ci):
    OrganisationFactory(name="acme", admin=ann)
    address = "/api/v1/namespaces/acme/publishers"
    added = browser.post(address, {"issuer": ci.url, "claims": JOBS}, content_type="application/json").json()

    assert [one["id"] for one in browser.get(address).json()["results"]] == [added["id"]]
    assert browser.delete(f"{address}/{added['id']}").status_code == 204


def test_no_token_and_no_old_session_trusts_anybody(browser, ann, repo, ci):
    asked = {"issuer": ci.url, "claims": JOBS}
    by_token = Caller(token_of(ann)).json("POST", API, asked)
    an_hour_ago(browser)
    by_session = browser.post(API, asked, content_type="application/json")
    by_page = browser.post(PAGE, {"issuer": ci.url, "claims": "repository: octo/model"})

    assert (by_token.status_code, by_session.status_code) == (403, 403)
    assert by_page["Location"].startswith("/login?again=yes")
    assert not TrustedPublisher.objects.exists()


def test_the_page_adds_shows_and_removes(browser, repo, ci):
    typed = "repository: octo/model\n\n environment :release \n"
    assert browser.post(PAGE, {"issuer": ci.url, "claims": typed})["Location"] == PAGE
    publisher = TrustedPublisher.objects.get()
    assert publisher.claims == JOBS
    page = browser.get(PAGE).content.decode()
    assert "octo/model" in page
    assert "HF_OIDC_RESOURCE=ann/model" in page
    assert "1 is trusted" in browser.get("/ann/model/settings").content.decode()

    browser.post(f"{PAGE}/{publisher.pk}/remove")

    assert not TrustedPublisher.objects.exists()


@pytest.mark.parametrize("typed", ["octo/model", "repository: a/b\nrepository: c/d", "environment: release", ": x"])
def test_the_page_says_what_is_wrong_with_claims(typed, browser, repo, ci):
    answer = browser.post(PAGE, {"issuer": ci.url, "claims": typed})

    assert answer.status_code == 422
    assert not TrustedPublisher.objects.exists()


def test_publishers_of_others_cannot_be_removed_by_another_address(browser, publisher, ann):
    RepoFactory(actor=ann, name="other")

    assert browser.delete(f"/api/v1/models/ann/other/publishers/{publisher.pk}").status_code == 404
    assert TrustedPublisher.objects.exists()
