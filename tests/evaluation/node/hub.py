"""A small hub on a real socket that speaks the contract of node_api, and can be told to misbehave."""

import hashlib
import json
import re
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOKEN = "node-token"
LEASE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Run:
    """One run and all that a node did with it."""

    run_id: int
    spec: dict
    model: dict[str, Path]
    inputs: dict[str, Path]
    state: str = "queued"
    cancel: bool = False
    lease_lost: bool = False
    heartbeats: list[dict] = field(default_factory=list)
    outputs: dict[str, bytes] = field(default_factory=dict)
    failure: dict | None = None
    claims: int = 0
    completed: dict | None = None
    beside: int | None = None  # the run in whose process it may be
    handed_back: int = 0

    def wait_for(self, *states, seconds=120):
        until = time.monotonic() + seconds
        while self.state not in states:
            assert time.monotonic() < until, f"still {self.state}: {self.heartbeats[-3:]}"
            time.sleep(0.02)

    def wait_for_phase(self, phase, seconds=120):
        until = time.monotonic() + seconds
        while not any(beat["phase"] == phase for beat in self.heartbeats):
            assert time.monotonic() < until, f"{self.state}: {self.heartbeats[-3:]} {self.failure}"
            time.sleep(0.02)


class HubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[int, Run] = {}
        self.nodes: list[dict] = []
        self.requests: list[tuple[str, str, dict]] = []
        self.downloads: dict[str, list[int]] = defaultdict(list)  # path → offsets asked for
        self.cut_after: dict[str, int] = {}  # path → bytes after which the next download breaks off
        self.corrupt: set[str] = set()  # paths of which the next download has a changed byte
        self.away = False
        self.slow_piece_seconds = 0.0
        self.work = threading.Condition()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        """A node that was killed or stopped leaves its connection open; everything else is worth reading."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def queue(self, run):
        with self.work:
            self.runs[run.run_id] = run
            self.work.notify_all()
        return run

    def next_run(self, wait, run_id):
        until = time.monotonic() + wait
        with self.work:
            while True:
                for run in self.runs.values():
                    if run.state == "queued" and run.beside is None and run_id in (None, run.run_id):
                        run.state, run.claims = "claimed", run.claims + 1
                        return run
                if not self.work.wait(max(until - time.monotonic(), 0)):
                    return None

    def companion(self, first):
        with self.work:
            for _, run in sorted(self.runs.items()):
                if run.state == "queued" and run.beside == first.run_id:
                    run.state, run.claims = "claimed", run.claims + 1
                    return run
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self._body() or b"{}")
        if self._admitted():
            self._act(self.path, body)

    def _act(self, path, body):
        if path == "/node_api/register":
            self.server.nodes.append(body)
            return self._json(200, {"node_id": 1})
        if claim := re.fullmatch(r"/node_api/claim\?wait=([\d.]+)", path):
            run = self.server.next_run(float(claim[1]), body.get("run_id"))
            return self._json(200, self._order(run)) if run else self._answer(204)
        run = self._run()
        return self._act_on(run, path, body) if run else None

    def _act_on(self, run, path, body):
        answer = {}
        if path.endswith("/companion"):
            found = self.server.companion(run)
            return self._json(200, self._order(found)) if found else self._answer(204)
        if path.endswith("/hand_back"):
            run.handed_back, run.state = run.handed_back + 1, "queued"
        elif path.endswith("/heartbeat"):
            run.heartbeats.append(body)
            if run.state == "claimed" and body["phase"] in ("running", "uploading"):
                run.state = "running"
            answer = {"cancel": run.cancel, "lease_seconds": 90}
        elif path.endswith("/complete"):
            run.completed, run.state = body, "scoring"
        else:
            run.failure, run.state = body, "failed"
        return self._json(200, answer)

    def do_GET(self):
        if not self._admitted():
            return
        run = self._run()
        if run is None:
            return
        group, name = re.fullmatch(r"/node_api/runs/\d+/(files|inputs)/(.+)", self.path).groups()
        content = (run.model if group == "files" else run.inputs)[name].read_bytes()
        ranged = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(ranged[1]) if ranged else 0
        self.server.downloads[name].append(start)
        if name in self.server.corrupt:
            self.server.corrupt.discard(name)
            content = bytes([content[0] ^ 1]) + content[1:]
        part = content[start:]
        self.send_response(206 if ranged else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        cut = self.server.cut_after.pop(name, None)
        for begin in range(0, len(part), 65536):
            if cut is not None and begin >= cut:
                self.close_connection = True
                return
            self.wfile.write(part[begin : begin + 65536])
            if self.server.slow_piece_seconds:
                time.sleep(self.server.slow_piece_seconds)

    def do_PUT(self):
        body = self._body()
        if not self._admitted():
            return None
        run = self._run()
        if run is None:
            return None
        if hashlib.sha256(body).hexdigest() != self.headers["X-Content-SHA256"]:
            return self._json(422, {"error": "sha256 differs"})
        run.outputs[self.path.rpartition("/")[2]] = body
        return self._json(200, {})

    def _admitted(self):
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        if self.server.away:
            self._json(503, {"error": "away"})
            return False
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._json(401, {"error": "no such node"})
            return False
        return True

    def _run(self):
        run = self.server.runs[int(self.path.split("/")[3])]
        if self.headers["X-Run-Lease"] != LEASE or run.lease_lost:
            self._json(409, {"error": "lease lost"})
            return None
        return run

    def _order(self, run):
        return {
            "run_id": run.run_id,
            "lease_token": LEASE,
            "lease_seconds": 90,
            "spec": run.spec,
            "companions": any(one.beside == run.run_id for one in self.server.runs.values()),
            "model": {"repo": "a/b", "commit": "0" * 40, "files": self._files(run, "files", run.model)},
            "inputs": {"files": self._files(run, "inputs", run.inputs)},
        }

    def _files(self, run, group, files):
        return [
            {
                "path": name,
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                # Relative for inputs, absolute for models: both are allowed.
                "url": ("" if group == "inputs" else self.server.url) + f"/node_api/runs/{run.run_id}/{group}/{name}",
            }
            for name, path in files.items()
        ]

    def _body(self):
        if self.headers.get("Transfer-Encoding"):
            raise AssertionError("a size is announced with every body")
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, status, body):
        self._answer(status, json.dumps(body).encode())

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
