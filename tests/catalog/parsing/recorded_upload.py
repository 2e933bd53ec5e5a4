"""What the real Xet client sends, recorded by the smallest server it accepts.

Run as a program, so that the client's Rust runtime and its caches live and die in a process of their own:
`python recorded_upload.py OUT FILE…` writes `OUT/xorbs/<hash>` and `OUT/shards/<n>` and prints the client's
own hashes of the files as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import hf_xet


class Recorder(BaseHTTPRequestHandler):
    """Knows nothing, takes everything."""

    protocol_version = "HTTP/1.1"
    out: Path

    def do_GET(self) -> None:
        if self.path == "/token":
            host = self.headers["Host"]
            self._answer({"casUrl": f"http://{host}", "accessToken": "t", "exp": int(time.time()) + 3600})
        else:
            self._answer({}, status=404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/v1/xorbs/"):
            (self.out / "xorbs" / self.path.rpartition("/")[2]).write_bytes(body)
            self._answer({"was_inserted": True})
        elif self.path == "/v1/shards":
            folder = self.out / "shards"
            (folder / str(len(list(folder.iterdir())))).write_bytes(body)
            self._answer({"result": 1})
        else:
            self._answer({}, status=404)

    def _answer(self, value: object, *, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Quiet."""


def main(out: Path, files: list[str]) -> None:
    for folder in ("xorbs", "shards"):
        (out / folder).mkdir()
    Recorder.out = out
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session = hf_xet.XetSession()
    url = f"http://127.0.0.1:{server.server_port}/token"
    with session.new_upload_commit(token_refresh_url=url, token_refresh_headers={}, custom_headers={}) as commit:
        for file in files:
            commit.start_upload_file(file, sha256=hf_xet.COMPUTE_SHA256)
    server.shutdown()
    print(json.dumps({file: info.hash for file, info in zip(files, hf_xet.hash_files(files), strict=True)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
