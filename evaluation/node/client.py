"""The hub as a node sees it: nine calls over HTTP, with a node token and the lease of one run."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from evaluation.node.errors import HubRefused, HubUnavailable, LeaseLost

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
PIECE = 1024 * 1024
MOST_REDIRECTS = 3


@dataclass(frozen=True)
class RemoteFile:
    """A file that a lease lets us fetch."""

    path: str
    size: int
    sha256: str
    url: str


@dataclass(frozen=True)
class Order:
    """One claimed run."""

    run_id: int
    lease_token: str
    lease_seconds: float
    spec: dict[str, Any]
    model: tuple[RemoteFile, ...]
    inputs: tuple[RemoteFile, ...]
    companions: bool = False  # whether runs wait that may share its process

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Order":
        return cls(
            run_id=int(body["run_id"]),
            lease_token=str(body["lease_token"]),
            lease_seconds=float(body["lease_seconds"]),
            spec=dict(body["spec"]),
            model=tuple(_file(entry) for entry in body["model"]["files"]),
            inputs=tuple(_file(entry) for entry in body["inputs"]["files"]),
            companions=bool(body.get("companions", False)),
        )


class Hub:
    """A connection to one hub. Safe to use from several threads."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/") + "/"
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "evaluation-node"},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,  # a proxy variable must not send our token elsewhere
        )

    def close(self) -> None:
        self._http.close()

    def register(self, *, name: str, hardware: dict[str, Any], sandbox: str, versions: dict[str, str]) -> None:
        body = {"name": name, "hardware": hardware, "sandbox": sandbox, "versions": versions}
        self._post("node_api/register", body)

    def claim(self, *, wait_seconds: float, run_id: int | None = None) -> Order | None:
        """The next run, waiting on the hub's side until there is one; None when there was none."""
        timeout = httpx.Timeout(wait_seconds + READ_SECONDS, connect=CONNECT_SECONDS)
        url = f"node_api/claim?wait={wait_seconds:g}"
        return _order(self._send("POST", url, json={"run_id": run_id}, timeout=timeout))

    def companion(self, order: Order) -> Order | None:
        """One more run for the process of this one; None when there is none."""
        return _order(self._post(f"node_api/runs/{order.run_id}/companion", {}, order))

    def hand_back(self, order: Order) -> None:
        """A companion that has not begun goes back to the queue."""
        self._post(f"node_api/runs/{order.run_id}/hand_back", {}, order)

    def heartbeat(self, order: Order, report: dict[str, Any]) -> dict[str, Any]:
        """What the hub says of the run: {"cancel", "lease_seconds"}. Raises `LeaseLost`."""
        answer: dict[str, Any] = self._post(f"node_api/runs/{order.run_id}/heartbeat", report, order).json()
        return answer

    def send_output(self, order: Order, name: str, stream: BinaryIO, size: int) -> None:
        digest = hashlib.sha256()
        for piece in _pieces(stream):
            digest.update(piece)
        stream.seek(0)
        headers = _lease(order) | {"X-Content-SHA256": digest.hexdigest(), "Content-Length": str(size)}
        self._send("PUT", f"node_api/runs/{order.run_id}/outputs/{name}", content=_pieces(stream), headers=headers)

    def complete(self, order: Order, *, converted: dict[str, object]) -> None:
        """All is handed in. `converted`: weights that the run used and that are not in the repository as such."""
        self._post(f"node_api/runs/{order.run_id}/complete", {"converted": converted}, order)

    def fail(self, order: Order, *, reason: str, message: str, log_tail: list[str]) -> None:
        body = {"reason": reason, "message": message, "log_tail": log_tail}
        self._post(f"node_api/runs/{order.run_id}/fail", body, order)

    @contextmanager
    def fetch(self, order: Order, file: RemoteFile, *, offset: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes of a file from `offset` on, or from 0 where the server ignores ranges: (start, pieces)."""
        url = urljoin(self.url, file.url)
        ranged = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            with self._following(order, url, ranged) as response:
                if response.status_code not in (200, 206):
                    response.read()
                    _check(response)
                    raise HubUnavailable(f"The hub answered {response.status_code} to a download.")
                yield (
                    offset if response.status_code == 206 else 0,
                    response.iter_raw(),
                )  # as they come: a break must lose none
        except httpx.HTTPError as error:
            raise HubUnavailable(f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _following(self, order: Order, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """One GET with redirects followed by hand: our secrets go to the hub's own origin only."""
        for _ in range(MOST_REDIRECTS + 1):
            ours = _origin(url) == _origin(self.url)
            request = self._http.build_request("GET", url, headers=headers | {"Accept-Encoding": "identity"})
            if ours:
                request.headers.update(_lease(order))
            else:
                del request.headers["Authorization"]
            response = self._http.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                url = urljoin(url, response.headers["Location"])
            finally:
                response.close()
        raise HubUnavailable("The hub redirected a download too often.")

    def _post(self, url: str, body: dict[str, Any], order: Order | None = None) -> httpx.Response:
        return self._send("POST", url, json=body, headers=_lease(order) if order else {})

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (httpx's own options)
        try:
            response = self._http.request(method, url, **options)
        except httpx.HTTPError as error:
            raise HubUnavailable(f"{type(error).__name__}: {error}") from error
        _check(response)
        return response


def _order(response: httpx.Response) -> Order | None:
    if response.status_code == 204:
        return None
    try:
        return Order.of(response.json())
    except (ValueError, KeyError, TypeError) as error:
        raise HubUnavailable(f"The hub answered a claim with something else: {error!r}") from error


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status < 400:
        return
    try:
        said = str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        said = response.reason_phrase
    if status == 409:
        raise LeaseLost(status, said)
    if status >= 500 or status in (408, 425, 429):
        raise HubUnavailable(f"{status}: {said}")
    raise HubRefused(status, said)


def _file(entry: dict[str, Any]) -> RemoteFile:
    path = str(entry["path"])
    if path.startswith("/") or not all(part not in ("", ".", "..") for part in path.split("/")) or "\0" in path:
        raise ValueError(f"unsafe path {path!r}")
    sha256 = str(entry["sha256"])
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"no sha256: {sha256!r}")
    return RemoteFile(path=path, size=int(entry["size"]), sha256=sha256, url=str(entry["url"]))


def _lease(order: Order) -> dict[str, str]:
    return {"X-Run-Lease": order.lease_token}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece
