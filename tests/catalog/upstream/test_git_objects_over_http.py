"""The true commit object, fetched from git's own HTTP server."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from catalog.upstream.addresses import AllowList
from catalog.upstream.git_objects_over_http import commit_and_trees
from catalog.upstream.http import UpstreamClient


class GitServer(ThreadingHTTPServer):
    root: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """A CGI gateway to `git http-backend`."""

    server: GitServer

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length", 0))
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=self.rfile.read(length), env=environment, capture_output=True, check=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  # named by the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base class
        """Keep the test output quiet."""


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{field}": "x@y" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env={**os.environ, **who}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """Serves `repo` with a history of two commits, folders and an executable file; `bare` refuses filters."""
    work = tmp_path / "repo"
    (work / "sub").mkdir(parents=True)
    git(work, "init", "--quiet")
    (work / "big.txt").write_text("content\n" * 1000)
    (work / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (work / "sub" / "run.sh").chmod(0o755)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "First")
    for number in range(60):
        (work / "sub" / f"{number}.txt").write_text(str(number))
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "Second\n\nwith words")
    git(tmp_path, "clone", "--quiet", "--bare", "repo", "bare")
    git(work, "config", "uploadpack.allowFilter", "true")
    served = GitServer(("127.0.0.1", 0), Handler)
    served.root = tmp_path
    thread = Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def client(server: GitServer) -> Iterator[UpstreamClient]:
    opened = UpstreamClient(allowed=AllowList.of([f"127.0.0.1:{server.server_port}"]))
    yield opened
    opened.close()


@pytest.mark.parametrize("revision", ["HEAD", "HEAD^"])
def test_the_object_hashes_to_its_id_and_modes_are_known(server, client, revision):
    oid = git(server.root / "repo", "rev-parse", revision)

    found = commit_and_trees(client, f"{server.url}/repo/.git", oid)

    assert found is not None
    assert hashlib.sha1(b"commit %d\0" % len(found.commit) + found.commit).hexdigest() == oid
    assert found.modes["sub/run.sh"] == 0o100755
    assert found.modes["big.txt"] == 0o100644
    listed = git(server.root / "repo", "ls-tree", "-r", "--name-only", oid).split("\n")
    assert sorted(found.modes) == sorted(listed)


@pytest.mark.parametrize("path", ["bare", "nothing-here"])
def test_a_server_that_does_not_offer_it_is_no_error(server, client, path):
    oid = git(server.root / "repo", "rev-parse", "HEAD")

    found = commit_and_trees(client, f"{server.url}/{path}", oid)

    assert found is None
