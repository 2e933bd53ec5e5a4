"""What a run leaves behind. Results are appended batch by batch, so that a killed run goes on where it stopped."""

import base64
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

FSYNC_EVERY_SECONDS = 10.0
PART = "results.part.jsonl"

Form = Literal["lines", "table"]
Result = dict[str, Any]  # one JSON object: what a task says about one item


class PartialResults:
    """An append-only file of results by item id. Its first line says which run, inputs and settings it belongs to."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / PART
        self.results: dict[str, Result] = {}
        head = json.dumps({"fingerprint": fingerprint})
        kept = self._read(head)
        self._stream = self.path.open("r+b" if kept else "wb")
        if kept:
            # A line torn by a kill is cut off; its item is computed again.
            self._stream.truncate(kept)
            self._stream.seek(kept)
        else:
            self._stream.write(head.encode() + b"\n")
        self._synced_at = time.monotonic()

    def append(self, ids: Sequence[str], results: Sequence[Result]) -> None:
        """Keeps the results of one batch; at most ten seconds of work are lost by a power cut."""
        fresh = {key: result for key, result in zip(ids, results, strict=True) if key not in self.results}
        lines = "".join(json.dumps({"id": key} | result, ensure_ascii=False) + "\n" for key, result in fresh.items())
        self._stream.write(lines.encode())
        self._stream.flush()
        self.results.update(fresh)
        if time.monotonic() - self._synced_at >= FSYNC_EVERY_SECONDS:
            os.fsync(self._stream.fileno())
            self._synced_at = time.monotonic()

    def _read(self, head: str) -> int:
        """Takes over the complete lines of an earlier attempt; returns how many bytes they fill, 0 for none."""
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return 0
        if not lines or lines[0] != head.encode() + b"\n":
            return 0
        size = len(lines[0])
        for line in lines[1:]:
            try:
                result = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                result = None
            if not isinstance(result, dict):
                break
            self.results[result.pop("id")] = result
            size += len(line)
        return size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()


def write_results(folder: Path, form: Form, ids: Sequence[str], results: dict[str, Result]) -> None:
    """All results in the order of the inputs: predictions.jsonl, or embeddings.npy with ids.json."""
    (_write_table if form == "table" else _write_lines)(folder, ids, results)


def _write_lines(folder: Path, ids: Sequence[str], results: dict[str, Result]) -> None:
    """predictions.jsonl in the order of the inputs."""
    lines = (json.dumps({"id": key} | results[key], ensure_ascii=False) + "\n" for key in ids)
    _replace(folder / "predictions.jsonl", "".join(lines).encode())


def _write_table(folder: Path, ids: Sequence[str], results: dict[str, Result]) -> None:
    """embeddings.npy (items, dimensions) float32, and ids.json naming its rows, in the order of the inputs."""
    table = np.stack([unpack(results[key]["embedding"]) for key in ids])
    temporary = folder / "embeddings.tmp.npy"
    np.save(temporary, table, allow_pickle=False)
    temporary.replace(folder / "embeddings.npy")
    _replace(folder / "ids.json", json.dumps(list(ids)).encode())


def write_json(path: Path, body: dict[str, Any]) -> None:
    _replace(path, (json.dumps(body, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())


def pack(vector: "np.ndarray[Any, np.dtype[np.float32]]") -> str:
    """A vector as text, bit for bit."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def unpack(text: str) -> "np.ndarray[Any, np.dtype[np.float32]]":
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
