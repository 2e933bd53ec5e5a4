"""huggingface_hub in a CI job that holds no secret of ours: it asks its CI system, then us, then writes."""

from __future__ import annotations

import pytest

from tests.hub_conformance.conftest import HubClient
from tests.issuer import SECRET, Issuer
from tests.processes import Hub

TRUST = """
from catalog.actions.people import trusted_publishers
from catalog.models import Repo, User
trusted_publishers.add(
    place=Repo.objects.get(name="model"), issuer={issuer!r}, actor=User.objects.get(username="ann"),
    claims={{"repository": "octo/model", "environment": "release"}},
)
"""
JOB = """
import os
os.environ |= variables
from huggingface_hub.errors import HfHubHTTPError
done = api.upload_file(path_or_fileobj=b"from the job", path_in_repo="a.txt", repo_id="ann/model")
try:
    api.upload_file(path_or_fileobj=b"from the job", path_in_repo="a.txt", repo_id="ann/other")
except HfHubHTTPError as error:
    elsewhere = error.response.status_code
answer([api.model_info("ann/model").sha == done.oid, api.whoami()["auth"]["accessToken"]["role"], elsewhere])
"""


@pytest.fixture
def issuer():
    with Issuer.listening() as server:
        yield server


@pytest.fixture
def site(issuer):
    allowed = issuer.url.removeprefix("http://")
    with Hub.started("publishers", TRUSTED_PUBLISHER_ISSUERS=issuer.url, OIDC_ALLOWED_HOSTS=allowed) as hub:
        hub.extra |= hub.people("ann")
        yield hub


def test_a_job_of_a_ci_system_uploads_without_a_secret(site, issuer, tmp_path):
    # given
    owner, job = tmp_path / "ann", tmp_path / "job"
    owner.mkdir()
    job.mkdir()
    ann = HubClient(site.url, site.extra["ann"], owner, with_xet=False)
    ann.script('answer([str(api.create_repo(name, private=True)) for name in ("ann/model", "ann/other")])')
    site.command("shell", "-c", TRUST.format(issuer=issuer.url))
    runner = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/job",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET,
        "HF_OIDC_RESOURCE": "ann/model",
    }

    # when
    written = HubClient(site.url, "", job, with_xet=False).script(JOB, variables=runner)

    # then
    assert written == [True, "fineGrained", 404]
    assert issuer.asked.count("/job") == 1  # the client keeps what it got
    told = HubClient(site.url, "", job, with_xet=False).script(
        """
        from huggingface_hub._oidc import exchange_oidc_token
        from huggingface_hub.errors import HfHubHTTPError
        try:
            exchange_oidc_token(subject_token="x.y.z", resource="ann/model")
        except HfHubHTTPError as error:
            answer([error.response.status_code, "the token is not accepted: it is no signed token" in str(error)])
        """
    )
    assert told == [400, True]
