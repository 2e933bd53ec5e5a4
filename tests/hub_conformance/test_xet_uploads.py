"""Xet uploads by the real client, in processes of their own: on a second machine, killed, by two accounts at once."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.hub_conformance.conftest import HubClient
from tests.hub_conformance.test_large_files import DOWNLOAD, UPLOAD
from tests.processes import Hub

pytestmark = pytest.mark.slow

MB = 1_000_000


@pytest.fixture(scope="module")
def hub():
    with Hub.started("xet") as site:
        site.extra |= site.people("ann", "bob")
        yield site


def machine(hub: Hub, home: Path, person: str, content: bytes) -> HubClient:
    """A client that never was here, with one file to send."""
    home.mkdir()
    (home / "w.bin").write_bytes(content)
    return HubClient(hub.url, hub.extra[person], home, with_xet=True)


def random_bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sent_bytes(hub: Hub, person: str) -> int:
    """What this account ever sent as xorbs."""
    code = "from catalog.models import StagedXorb as X; from django.db.models import Sum; "
    code += f"print(X.objects.filter(account__namespace__name='{person}').aggregate(all=Sum('size', default=0))['all'])"
    return int(hub.command("shell", "-v", "0", "-c", code))


def stored_bytes(hub: Hub) -> int:
    return sum(file.stat().st_size for file in (hub.home / "blobs").rglob("*") if file.is_file())


def test_a_second_machine_sends_what_is_new_and_another_account_everything(hub, tmp_path):
    first = random_bytes(1, 20 * MB)
    second = first[: 10 * MB] + random_bytes(2, MB) + first[11 * MB :]
    before = stored_bytes(hub)

    read = [machine(hub, tmp_path / "one", "ann", first).script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/first")]
    sent = [sent_bytes(hub, "ann")]
    read += [machine(hub, tmp_path / "two", "ann", second).script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/second")]
    sent += [sent_bytes(hub, "ann")]
    read += [machine(hub, tmp_path / "three", "ann", second).script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/third")]
    sent += [sent_bytes(hub, "ann")]
    read += [machine(hub, tmp_path / "bobs", "bob", first).script(f"{UPLOAD}\n{DOWNLOAD}", repo="bob/first")]

    assert read == [sha256_of(one) for one in (first, second, second, first)]
    assert sent[0] > 20 * MB
    assert MB < sent[1] - sent[0] < 2 * MB
    assert sent[2] == sent[1]
    assert sent_bytes(hub, "bob") == sent[0]
    assert stored_bytes(hub) - before < 1.05 * 40 * MB


def test_an_upload_killed_midway_is_repeated(hub, tmp_path):
    content = random_bytes(3, 150 * MB)
    one = machine(hub, tmp_path / "one", "ann", content)
    one.script("api.create_repo(repo); answer(1)", repo="ann/killed")
    staged = hub.home / "blobs" / "staged"
    code = f"from huggingface_hub import HfApi; api = HfApi(); repo = 'ann/killed'{UPLOAD}"
    sender = subprocess.Popen([sys.executable, "-c", code], env=one.environment, cwd=one.home)
    while sender.poll() is None and not any(path.is_file() for path in staged.rglob("*")):
        time.sleep(0.01)
    sender.kill()
    ended = sender.wait()
    committed = one.script("answer(api.file_exists(repo, 'w.bin'))", repo="ann/killed")

    read = one.script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/killed")
    sent = sent_bytes(hub, "ann")
    (tmp_path / "two").mkdir()
    elsewhere = HubClient(hub.url, hub.extra["ann"], tmp_path / "two", with_xet=True)
    (elsewhere.home / "w.bin").hardlink_to(one.home / "w.bin")
    read_again = elsewhere.script(f"{UPLOAD}\n{DOWNLOAD}", repo="ann/repeated")

    assert (ended, committed) == (-9, False)
    assert read == read_again == sha256_of(content)
    assert sent_bytes(hub, "ann") == sent


def test_two_accounts_send_the_same_file_at_the_same_time(hub, tmp_path):
    content = random_bytes(4, 20 * MB)
    before = stored_bytes(hub)
    clients = {name: machine(hub, tmp_path / name, name, content) for name in ("ann", "bob")}
    read = {}

    def send(name: str) -> None:
        read[name] = clients[name].script(f"{UPLOAD}\n{DOWNLOAD}", repo=f"{name}/same")

    threads = [threading.Thread(target=send, args=(name,)) for name in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read == dict.fromkeys(clients, sha256_of(content))
    assert stored_bytes(hub) - before < 1.05 * 20 * MB
