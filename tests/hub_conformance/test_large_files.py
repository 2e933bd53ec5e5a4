"""What the real client does with large files: reads through Xet, uploads of a shard alone, LFS in parts.

The limits are small here, so that megabytes behave like 50 GB.
"""

from __future__ import annotations

import hashlib
import random
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.hub_conformance.conftest import HubClient
from tests.processes import Hub
from tests.stores import S3_KEYS, make_bucket

LIMITS = {"XET_READS_ABOVE_BYTES": "1000000", "LFS_MULTIPART_ABOVE_BYTES": "3000000", "LFS_PART_BYTES": "1000000"}


ON_LOCAL_DISK = pytest.mark.parametrize("hub", ["local"], indirect=True)  # S3 has its part in tests/storage


@pytest.fixture(scope="module", params=["local", "s3"])
def hub(request):
    extra = dict(LIMITS)
    if request.param == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        make_bucket(endpoint, "large")
        extra |= {**S3_KEYS, "STORAGE_URL": f"s3://large/files?endpoint={quote(endpoint, safe='')}"}
    with Hub.started(f"large-{request.param}", **extra) as site:
        site.extra["TOKEN"] = site.people("ann")["ann"]
        yield site


def client_of(hub: Hub, home: Path, *, with_xet: bool = True) -> HubClient:
    home.mkdir(exist_ok=True)
    return HubClient(hub.url, hub.extra["TOKEN"], home, with_xet)


def new_file(home: Path, seed: object, size: int = 5_000_000) -> str:
    home.mkdir(exist_ok=True)
    content = random.Random(str(seed)).randbytes(size // 2) * 2
    (home / "w.bin").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


UPLOAD = """
api.create_repo(repo, exist_ok=True)
api.upload_file(path_or_fileobj="w.bin", path_in_repo="w.bin", repo_id=repo)
"""
DOWNLOAD = """
import hashlib, pathlib
path = api.hf_hub_download(repo, "w.bin")
answer(hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest())
"""


def test_large_files_are_read_through_xet(hub, tmp_path):
    sha256 = new_file(tmp_path / "ann", "read")
    client = client_of(hub, tmp_path / "ann")

    found = client.script(
        f"""
        {UPLOAD.replace(chr(10), chr(10) + " " * 8)}
        import hashlib, pathlib
        from huggingface_hub import HfFileSystem, file_download, get_hf_file_metadata, hf_hub_url
        def refuse(*_, **__):
            raise AssertionError("plain HTTP")
        small = pathlib.Path(api.hf_hub_download(repo, ".gitattributes")).stat().st_size
        file_download.http_get = refuse
        metadata = get_hf_file_metadata(hf_hub_url(repo, "w.bin"))
        one = pathlib.Path(api.hf_hub_download(repo, "w.bin", local_dir="one"))
        many = pathlib.Path(api.snapshot_download(repo, allow_patterns="*.bin", cache_dir="many")) / "w.bin"
        HfFileSystem().get_file(f"{{repo}}/w.bin", "third")
        read = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, many, pathlib.Path("third"))]
        answer([small > 0, metadata.xet_file_data.file_hash, metadata.size, *read])
        """,
        repo="ann/read",
    )

    assert found == [True, sha256, 5_000_000, sha256, sha256, sha256]


@ON_LOCAL_DISK
def test_the_same_bytes_go_to_another_repo_by_a_shard_alone(hub, tmp_path):
    sha256 = new_file(tmp_path / "ann", "again")
    client = client_of(hub, tmp_path / "ann")
    client.script(f"{UPLOAD}\nanswer(1)", repo="ann/first")
    left = hub.command("shell", "-v", "0", "-c", STAGED).strip()
    for child in [one for one in hub.running if one.name.startswith("web-")]:
        child.stop(timeout_seconds=10)
        hub.running.remove(child)
    hub.start_web()

    read = client.script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/second")

    assert left == "0 staged"
    assert read == sha256
    assert hub.command("shell", "-v", "0", "-c", STAGED).strip() == "0 staged"


@ON_LOCAL_DISK
def test_what_the_server_forgot_names_the_clients_cache(hub, tmp_path):
    new_file(tmp_path / "ann", "forgotten")
    client = client_of(hub, tmp_path / "ann")
    client.script(f"{UPLOAD}\nanswer(1)", repo="ann/known")
    hub.command("shell", "-v", "0", "-c", FORGET)

    told = client.script(
        f"try:\n    {UPLOAD.strip().replace(chr(10), chr(10) + '    ')}\nexcept Exception as e:\n    answer(repr(e))",
        repo="ann/unknown",
    )
    fresh = client_of(hub, tmp_path / "fresh")
    (tmp_path / "fresh" / "w.bin").write_bytes((tmp_path / "ann" / "w.bin").read_bytes())

    assert "400" in told
    assert fresh.script(f"{UPLOAD}\nanswer(1)", repo="ann/unknown") == 1


@ON_LOCAL_DISK
def test_two_processes_send_the_same_file_at_the_same_time(hub, tmp_path):
    clients = [client_of(hub, tmp_path / name) for name in ("one", "two")]
    (sha256,) = {new_file(client.home, "twice", 30_000_000) for client in clients}
    clients[0].script("api.create_repo(repo); answer(1)", repo="ann/twice")
    done = []

    def send(client: HubClient) -> None:
        done.append(client.script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/twice"))

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert done == [sha256, sha256]


def test_without_xet_a_large_file_goes_in_parts(hub, tmp_path):
    sha256 = new_file(tmp_path / "ann", "parts")
    client = client_of(hub, tmp_path / "ann", with_xet=False)

    read = client.script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/parts")

    assert read == sha256
    assert hub.command("shell", "-v", "0", "-c", PARTS).strip() == "5 parts, 0 kept"


STAGED = "from catalog.models import StagedXorb as X; print(X.objects.filter(is_staged=True).count(), 'staged')"
FORGET = "from catalog.models import StagedXorb as X; X.objects.all().delete()"
PARTS = (
    "from catalog.models import UploadPart as P; from django.db import connection as c; k = c.cursor(); "
    'k.execute("select last_value from catalog_uploadpart_id_seq"); '
    "print(k.fetchone()[0], 'parts,', P.objects.count(), 'kept')"
)
