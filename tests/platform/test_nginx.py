"""docker/nginx.conf in front of a real gunicorn: paths stay encoded, bytes leave by X-Accel."""

import base64
import json
import shutil
import urllib.error
import urllib.request

import pytest

from marketplace.embedded import children
from tests.processes import ROOT, Hub, free_port, wait_for

CONTENT = b"0123456789" * 1000


@pytest.fixture(scope="module")
def site():
    """A site that hands files to nginx, and the address of that nginx."""
    port = free_port()
    with Hub.started(
        "nginx", SENDFILE="x-accel", TRUSTED_PROXIES="127.0.0.1", PUBLIC_URL=f"http://127.0.0.1:{port}"
    ) as hub:
        configuration = hub.home / "nginx.conf"
        configuration.write_text(adapted((ROOT / "docker" / "nginx.conf").read_text(), hub, port))
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
        hub.running.append(
            children.start(
                "nginx", [nginx, "-c", configuration, "-e", "stderr", "-g", "daemon off; user root;"], data_dir=hub.home
            )
        )
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}", hub.people("ann")["ann"]


def adapted(text, hub, port):
    """The shipped file with this machine's addresses and folders."""
    for shipped, here in {
        "server web:8000;": f"server 127.0.0.1:{hub.port};",
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "alias /data/storage/blobs/;": f"alias {hub.home}/blobs/blobs/;",
        "/tmp/nginx": f"{hub.home}/nginx",
    }.items():
        assert shipped in text
        text = text.replace(shipped, here)
    return text


def call(url, token, data=None, content_type="application/json", method=None, **headers):
    headers = {"Authorization": f"Bearer {token}", **headers}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    if data is not None:
        request.add_header("Content-Type", content_type)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.status, refusal.headers, refusal.read()


def test_a_private_file_leaves_through_nginx_with_the_sites_own_headers(site):
    url, token = site
    create = json.dumps({"name": "tool", "private": True}).encode()
    assert call(f"{url}/api/repos/create", token, create)[0] == 200
    lines = [
        {"key": "header", "value": {"summary": "a file"}},
        {
            "key": "file",
            "value": {"path": "a b.txt", "content": base64.b64encode(CONTENT).decode(), "encoding": "base64"},
        },
    ]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    status, _, answer = call(f"{url}/api/models/ann/tool/commit/main", token, body, "application/x-ndjson")
    assert status == 200, answer

    status, headers, part = call(f"{url}/ann/tool/resolve/main/a%20b.txt", token, Range="bytes=5-14")
    resumed = call(
        f"{url}/ann/tool/resolve/main/a%20b.txt", token, **{"Range": "bytes=9990-", "If-Range": headers["ETag"]}
    )
    asked_only = call(f"{url}/ann/tool/resolve/main/a%20b.txt", token, method="HEAD")[1]
    stranger = call(f"{url}/ann/tool/resolve/main/a%20b.txt", "hf_wrong")[0]

    assert (status, part) == (206, CONTENT[5:15])
    assert headers["Content-Range"] == f"bytes 5-14/{len(CONTENT)}"
    assert len(headers["X-Repo-Commit"]) == 40
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("private, no-store", "nosniff")
    assert set(asked_only) - set(headers) == set()  # nginx passes HEAD through: nothing got lost for GET
    assert {"X-Accel-Redirect", "Last-Modified"}.isdisjoint(headers)
    assert (resumed[0], resumed[2]) == (206, CONTENT[9990:])
    assert stranger == 401


def test_an_encoded_slash_reaches_the_site_as_sent(site):
    url, token = site

    status, headers, _ = call(f"{url}/api/models/ann/tool/tree/refs%2Fpr%2F1", token)

    assert status == 404
    assert headers["X-Error-Code"] == "RevisionNotFound"


def test_the_folder_of_the_blobs_cannot_be_asked_for(site):
    url, token = site

    assert call(f"{url}/-/blobs/sha256/", token)[0] == 404
