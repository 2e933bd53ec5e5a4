"""51 GB, more than the client fetches by plain HTTP: hf_xet reads it by its ranges. The file takes 2 MB of disk."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from tests.hub_conformance.conftest import HubClient
from tests.processes import Hub

pytestmark = pytest.mark.slow

MB = 1_000_000
SIZE = 51_000 * MB
FIRST, LAST = random.Random(51).randbytes(MB), random.Random(52).randbytes(MB)
# Of these two with zeros between, all true: whoever hashes 51 GB finds the same.
NAMES = {
    "sha256": "868f9f18673b5ad0d7464e1f153d86dc2989eb6f4cc7326e26259595584a698a",
    "git_sha1": "e81a4c3fbc5ec253cd769cd05afb817c8f4fab0d",
    "md5": "7d99480ce8c8518c08a4c41ec620a9f6",
}

READ = """
from hf_xet import XetFileInfo
from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.utils._xet import get_xet_session, refresh_xet_connection_info, xet_headers_without_auth

headers = api._build_hf_headers()
metadata = get_hf_file_metadata(hf_hub_url(repo, "w.bin"), headers=headers)
place = refresh_xet_connection_info(file_data=metadata.xet_file_data, headers=headers)
group = get_xet_session().new_download_stream_group(
    endpoint=place.endpoint, token=place.access_token, token_expiry_unix_secs=place.expiration_unix_epoch,
    token_refresh_url=metadata.xet_file_data.refresh_route, token_refresh_headers=headers,
    custom_headers=xet_headers_without_auth(headers),
)
file = XetFileInfo(metadata.xet_file_data.file_hash, metadata.size)
"""


@pytest.fixture(scope="module")
def hub():
    with Hub.started("huge") as site:
        site.extra |= site.people("ann")
        yield site


@pytest.fixture
def ann(hub, tmp_path) -> HubClient:
    return HubClient(hub.url, hub.extra["ann"], tmp_path, with_xet=True)


@pytest.fixture
def huge(hub, ann) -> str:
    """The repo that holds the file as `w.bin`."""
    repo, sha256 = "ann/huge", NAMES["sha256"]
    path = hub.home / "blobs" / "blobs" / "sha256" / sha256[:2] / sha256[2:4] / sha256
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(FIRST)
        file.seek(SIZE - MB)
        file.write(LAST)
    assert (path.stat().st_size, path.stat().st_blocks * 512 < 3 * MB) == (SIZE, True)
    ann.script("api.create_repo(repo); answer(1)", repo=repo)
    entitled = "from catalog.models import *; from django.utils import timezone; from datetime import timedelta; "
    entitled += f"blob = Blob.objects.create(size={SIZE}, **{NAMES!r}); until = timezone.now() + timedelta(days=1); "
    entitled += "RepoBlob.objects.create(repo=Repo.objects.get(name='huge'), blob=blob, uncommitted_until=until)"
    hub.command("shell", "-v", "0", "-c", entitled)
    lines = [
        {"key": "header", "value": {"summary": "A huge file", "description": ""}},
        {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": sha256, "size": SIZE}},
    ]
    ann.script(
        """
        from huggingface_hub.utils import get_session, hf_raise_for_status
        url = f"{api.endpoint}/api/models/{repo}/commit/main"
        answered = get_session().post(url, content=body, headers=api._build_hf_headers() | {"Content-Type": kind})
        hf_raise_for_status(answered)
        answer(answered.json())
        """,
        repo=repo,
        body="\n".join(map(json.dumps, lines)),
        kind="application/x-ndjson",
    )
    return repo


def test_a_file_of_51_gb_is_read_by_ranges_through_xet_and_not_at_all_without(huge, hub, ann, tmp_path):
    (tmp_path / "plain").mkdir()
    without_xet = HubClient(hub.url, hub.extra["ann"], tmp_path / "plain", with_xet=False)
    spans = [(0, 2 * MB), (SIZE // 2 + 1, SIZE // 2 + MB), (SIZE - 2 * MB, SIZE), (SIZE - 1, SIZE)]

    found = ann.script(
        f"""
        {READ.replace(chr(10), chr(10) + " " * 8)}
        import hashlib
        read = [b"".join(group.download_stream(file, start=start, end=end)) for start, end in spans]
        answer([metadata.size, file.hash, [[len(part), hashlib.sha256(part).hexdigest()] for part in read]])
        """,
        repo=huge,
        spans=spans,
    )
    refused = without_xet.script(
        """
        try:
            api.hf_hub_download(repo, "w.bin")
        except ValueError as problem:
            answer(str(problem))
        """,
        repo=huge,
    )

    parts = [FIRST + bytes(MB), bytes(MB - 1), bytes(MB) + LAST, LAST[-1:]]
    assert found == [SIZE, NAMES["sha256"], [[len(part), hashlib.sha256(part).hexdigest()] for part in parts]]
    assert "too large" in refused
