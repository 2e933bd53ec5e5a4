"""Pictures in cards are redirected to the bucket, and the page must allow exactly that origin."""

from urllib.parse import urlsplit

import pytest

from catalog.storage.addresses import browser_origins
from catalog.storage.s3 import open_s3_store


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "known")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize(
    "url",
    [
        "s3://models/hub?endpoint=http://127.0.0.1:9000",
        "s3://models?endpoint=http://10.0.0.1:9000&public_endpoint=https://files.example.org",
        "s3://models",
        "s3://models?region=eu-central-1",
        "s3://models.with.dots?region=eu-central-1",
    ],
)
def test_signed_addresses_lead_to_an_allowed_origin(url):
    signed = urlsplit(
        open_s3_store(url).signed_url("0" * 64, filename="a.png", content_type="image/png", expires_seconds=60)
    )

    assert f"{signed.scheme}://{signed.netloc}" in browser_origins(url)


def test_a_directory_needs_no_origin_but_our_own():
    assert browser_origins("file:///srv/blobs") == []
