import pytest
from django.test import override_settings

from catalog.models import Mirror, SyncRun
from tests.catalog import rows
from tests.factories import UserFactory
from tests.pages.looking import links_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    repo = rows.repo("ann/minilm")
    mirror = Mirror.objects.create(repo=repo, source="huggingface", endpoint="https://hub.example", upstream_name="x/y")
    return SyncRun.objects.create(
        mirror=mirror, state="running", bytes_total=1000, bytes_done=250, files_total=2, files_done=1,
        plan=[{"path": "a.bin", "size": 750, "state": "fetching"}, {"path": "b.txt", "size": 250, "state": "done"}],
    )  # fmt: skip


def test_a_job_shows_how_far_each_file_is(client, job):
    seen = text_of(client.get(f"/mirrors/{job.mirror_id}"))

    assert "250 B / 1 kB · 1 / 2 files" in seen
    assert "a.bin 750 B on its way" in seen
    assert "b.txt 250 B fetched and verified" in seen


def test_the_status_is_asked_for_again_until_the_job_is_over(client, job):
    # given
    path = f"/mirrors/{job.mirror_id}/status"
    first = client.get(path)
    assert "hx-trigger" in first.content.decode()

    # when
    unchanged = client.get(path, headers={"If-None-Match": first["ETag"]})
    SyncRun.objects.update(state="failed", reason="the other hub refused: gated")
    over = client.get(path, headers={"If-None-Match": first["ETag"]})

    # then
    assert unchanged.status_code == 304
    assert over.status_code == 200
    assert "the other hub refused: gated" in text_of(over)
    assert "hx-trigger" not in over.content.decode()


def test_mirrors_of_private_repos_are_not_there_for_strangers(client, job):
    job.mirror.repo.visibility = "private"
    job.mirror.repo.save()

    assert client.get(f"/mirrors/{job.mirror_id}").status_code == 404
    assert client.get(f"/mirrors/{job.mirror_id}/status").status_code == 404
    assert f"/mirrors/{job.mirror_id}" not in links_of(client.get("/mirrors"))


def test_who_may_write_there_asks_for_a_sync(client, signed_in, job):
    SyncRun.objects.update(state="succeeded")
    path = f"/mirrors/{job.mirror_id}/sync"

    assert client.post(path).status_code == 401
    assert signed_in(UserFactory()).post(path).status_code == 403
    signed_in(job.mirror.repo.namespace.user).post(path)

    assert SyncRun.objects.filter(state="queued").count() == 1


ASKED = {
    "kind": "model", "endpoint": "https://hub.example", "upstream": "x/y", "revision": "main", "namespace": "bo",
    "visibility": "public",
}  # fmt: skip


@override_settings(MIRROR_ALLOWED_HOSTS=["hub.example"])
def test_a_new_mirror_is_queued_and_its_token_never_shown(signed_in):
    # given
    person = signed_in(UserFactory(name="bo"))

    # when
    response = person.post("/mirrors/new", {**ASKED, "token": "hf_upstreamsecret"})

    # then
    mirror = Mirror.objects.get()
    assert response["Location"] == f"/mirrors/{mirror.pk}"
    assert mirror.repo.full_name == "bo/y"
    assert "upstreamsecret" not in person.get(f"/mirrors/{mirror.pk}").content.decode()


@override_settings(MIRROR_ALLOWED_HOSTS=[])
def test_a_host_off_the_list_is_refused_in_the_form(signed_in):
    answer = signed_in(UserFactory(name="bo")).post("/mirrors/new", ASKED)

    assert answer.status_code == 422
    assert 'href="#id_endpoint"' in answer.content.decode()
    assert not Mirror.objects.exists()
