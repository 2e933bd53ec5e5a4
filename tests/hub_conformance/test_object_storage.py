"""The same round trip with the bytes on S3: downloads leave by a signed redirect to another origin."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import httpx
import pytest

from tests.hub_conformance.conftest import HubClient
from tests.processes import Hub
from tests.stores import BUCKETS, S3_KEYS, make_bucket

CONTENT = hashlib.sha256(b"seed").digest() * 20_000


@pytest.fixture(scope="module", params=BUCKETS)
def s3_hub(request):
    endpoint = request.getfixturevalue(f"{request.param}_endpoint")
    make_bucket(endpoint, "hub")
    url = f"s3://hub/files?endpoint={quote(endpoint, safe='')}"
    with Hub.started("s3", STORAGE_URL=url, **S3_KEYS) as hub:
        yield hub


@pytest.mark.parametrize("with_xet", [True, False])
def test_files_go_round_by_signed_redirects(s3_hub, tmp_path, with_xet):
    name = f"ann{int(with_xet)}"
    client = HubClient(s3_hub.url, s3_hub.people(name)[name], tmp_path, with_xet)
    (tmp_path / "w.bin").write_bytes(CONTENT)

    found = client.script(
        """
        import hashlib, pathlib
        from huggingface_hub import HfFileSystem
        api.create_repo(repo, private=True)
        api.upload_file(path_or_fileobj="w.bin", path_in_repo="w.bin", repo_id=repo)
        data = pathlib.Path(api.hf_hub_download(repo, "w.bin")).read_bytes()
        attributes = pathlib.Path(api.hf_hub_download(repo, ".gitattributes")).read_bytes()
        with HfFileSystem().open(f"{repo}/w.bin", "rb") as file:
            file.seek(100)
            part = file.read(50).hex()
        answer([hashlib.sha256(data).hexdigest(), len(attributes), part])
        """,
        repo=f"{name}/stored",
    )

    assert found[0] == hashlib.sha256(CONTENT).hexdigest()
    assert found[1] > 100
    assert bytes.fromhex(found[2]) == CONTENT[100:150]


def test_the_redirect_tells_what_the_file_is(s3_hub, tmp_path):
    client = HubClient(s3_hub.url, s3_hub.people("eve")["eve"], tmp_path, with_xet=False)
    client.script(
        "api.create_repo('eve/m'); api.upload_file(path_or_fileobj=b'\\0abc', path_in_repo='w.bin', repo_id='eve/m')\n"
        "answer(None)"
    )

    response = httpx.head(f"{s3_hub.url}/eve/m/resolve/main/w.bin", trust_env=False)

    assert response.status_code == 302
    assert response.headers["X-Linked-Size"] == "4"
    assert response.headers["X-Linked-Etag"] == f'"{hashlib.sha256(bytes([0]) + b"abc").hexdigest()}"'
    assert len(response.headers["X-Repo-Commit"]) == 40
    assert httpx.get(response.headers["Location"], trust_env=False).content == b"\0abc"
