import contextlib
import http.client
import shutil

import pytest
from django.test import override_settings

from catalog import stores
from marketplace import health


@pytest.fixture
def storage_at():
    """A place for the blobs while a `with` block lasts; a process opens its store once."""

    @contextlib.contextmanager
    def use(url):
        try:
            with override_settings(STORAGE_URL=url):
                stores.blob_store.cache_clear()
                with contextlib.suppress(OSError):
                    # Now, as a check that is given up goes on in its thread, and must not keep this store afterwards.
                    stores.blob_store()
                yield
        finally:
            stores.blob_store.cache_clear()

    return use


@pytest.mark.django_db(transaction=True)
def test_a_live_process_says_so_and_names_the_request(raw_client):
    answer = raw_client.get("/health/live", headers={"X-Amzn-Trace-Id": "0a1b-2c"})

    assert answer.json() == {"status": "ok"}
    assert answer["X-Request-Id"].endswith(";0a1b-2c")


def test_an_id_that_a_request_brings_is_kept(raw_client):
    answer = raw_client.get("/health/live", headers={"X-Request-Id": "custom-id", "X-Amzn-Trace-Id": "0a1b-2c"})
    hostile = raw_client.get("/health/live", headers={"X-Request-Id": "<script>", "X-Amzn-Trace-Id": "0a1b-2c"})

    assert answer["X-Request-Id"] == "custom-id"
    assert hostile["X-Request-Id"].endswith(";0a1b-2c")


def test_a_hostile_trace_id_is_not_repeated(raw_client):
    answer = raw_client.get("/health/live", headers={"X-Amzn-Trace-Id": "<script>" + "a" * 200})

    assert len(answer["X-Request-Id"]) == 32


def test_every_answer_forbids_foreign_content(raw_client):
    answer = raw_client.get("/health/live")

    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_probe_may_call_us_by_any_name(raw_client):
    answer = raw_client.get("/health/live", headers={"Host": "10.1.2.3:8000"})

    assert answer.status_code == 200


@pytest.mark.parametrize(("path", "kind"), [("/api/models", "application/json"), ("/models", "text/html")])
def test_a_host_name_that_is_not_ours_is_refused_in_the_form_of_the_face(raw_client, path, kind):
    answer = raw_client.get(path, headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith(kind)
    assert b"evil" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_a_site_whose_parts_all_answer_is_ready(raw_client):
    answer = raw_client.get("/health/ready")

    assert answer.json() == {"status": "ok", "checks": dict.fromkeys(health.CHECKS, "ok")}
    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
@override_settings(REDIS_URL="unix:///nowhere/redis.sock")
def test_a_site_without_redis_is_not_ready(raw_client):
    answer = raw_client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] == "ConnectionError"
    assert answer.json()["checks"]["database"] == "ok"


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_not_ready(raw_client, monkeypatch):
    free = shutil.disk_usage("/").free
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", free * 2)

    answer = raw_client.get("/health/ready")

    assert answer.json()["checks"]["headroom"] == "RuntimeError"


@pytest.mark.django_db(transaction=True)
def test_storage_that_cannot_be_written_is_not_ready(raw_client, tmp_path, storage_at):
    (tmp_path / "file").write_text("not a folder")

    with storage_at(f"file://{tmp_path}/file"):
        answer = raw_client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"]["storage"] == "NotADirectoryError"


def test_gunicorn_hands_over_encoded_paths_and_request_ids(hub):
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)

    connection.request("GET", "/health%2Flive")
    encoded = connection.getresponse()
    encoded.read()
    connection.request("GET", "/%68ealth/live", headers={"X-Amzn-Trace-Id": "abc", "X-Forwarded-For": "8.8.8.8"})
    unreserved = connection.getresponse()
    unreserved.read()
    connection.close()

    assert encoded.status == 404
    assert unreserved.status == 200
    assert unreserved.headers["X-Request-Id"].endswith(";abc")


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_takes_nothing_is_not_ready(raw_client, s3_endpoint, monkeypatch, storage_at):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    with storage_at(f"s3://no-such-bucket/prefix?endpoint={s3_endpoint}"):
        answer = raw_client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"]["storage"] != "ok"
