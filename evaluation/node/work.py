"""One leased run on this node: what it needs before it computes, and what it hands in."""

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from evaluation.node import conversion, sandbox
from evaluation.node.cache import SPARE_BYTES, Cache, Fetch
from evaluation.node.client import Hub, Order, RemoteFile
from evaluation.node.errors import HubRefused, LeaseLost, RunFailed, RunStopped
from evaluation.node.lease import FETCHING, Lease
from evaluation.node.sandbox import LEVELS, Confined, Level
from evaluation.node.supervision import GIGABYTE, Limits, most_tasks, supervise
from evaluation.runner.interpreting import FILE as ATTRIBUTIONS
from evaluation.runner.snapshot import pickled_weights

MEGABYTE = 2**20
OUTPUTS = ("predictions.jsonl", "embeddings.npy", "ids.json")
MEASUREMENTS, LOG = "measurements.json", "log.txt"
LONGEST_LOG = MEGABYTE
IDLE_SECONDS = 600.0
LARGEST_ATTRIBUTIONS = 2 * MEGABYTE  # the hub takes no more

# Runs before anything of a model: limits, no new privileges, death with the supervisor. Then the runner takes over.
START = """
import ctypes, resource, runpy, sys
libc = ctypes.CDLL(None)
libc.prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
root, file_bytes, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_NOFILE, 1024)]
for kind, most in limits + [(resource.RLIMIT_NPROC, tasks)] * bool(tasks):
    resource.setrlimit(kind, (most, most))
with open("/proc/self/oom_score_adj", "w") as stream:
    stream.write("1000")  # without memory the system ends the model, and not the node
sys.path.insert(0, root)
sys.argv[1:4] = []
runpy.run_module("evaluation.runner", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Place:
    """The folder of one run on this node; it outlives a killed agent, so that the run can be resumed."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def converted(self) -> Path:
        return self.folder / "converted"

    @property
    def conversion(self) -> Path:
        """What was converted, written by the node alone."""
        return self.folder / "conversion.json"

    @property
    def spec(self) -> Path:
        return self.folder / "spec.json"

    @property
    def log(self) -> Path:
        return self.folder / LOG


@dataclass(frozen=True)
class Station:
    """What all runs on this node share."""

    hub: Hub
    cache: Cache
    runs: Path  # one folder for each run
    level: Level
    sandbox_min: Level
    device: str
    tasks_by_rlimit: bool  # RLIMIT_NPROC is what holds here
    heartbeat_seconds: float

    def confined(self, arguments: list[str], file_bytes: int, shown: list[Path], writable: list[Path]) -> Confined:
        """The runner behind these walls."""
        command = [sys.executable, "-I", "-B", "-c", START, str(sandbox.CODE), str(file_bytes)]
        command += [str(most_tasks() if self.tasks_by_rlimit else 0), *arguments]
        return Confined(command, read_only=[*sandbox.runtime(), *sandbox.runner_code(), *shown], writable=writable)


@dataclass(frozen=True)
class Work:
    """The parts of a run that are its own; what it computes it may compute in company (`company`)."""

    station: Station
    order: Order
    lease: Lease
    place: Place
    stopped: Callable[[], bool]

    def prepare(self) -> None:
        """Model and inputs as the runner will see them.

        Raises:
            RunFailed, RunStopped, HubUnavailable
        """
        self._check_walls()
        self._fetch({"model": self.order.model, "inputs": self.order.inputs})
        self._convert()

    def prepare_beside(self, first: "Work") -> None:
        """Inputs alone, for the model of another run.

        Raises:
            RunFailed, RunStopped, HubUnavailable
        """
        if _contents(self.order) != _contents(first.order):
            raise RunFailed("node_error", "The hub sent runs of different files as runs of one model.")
        self._fetch({"inputs": self.order.inputs})

    def spec(self, model: Path) -> dict[str, object]:
        """What the runner is told; its folder lies below the one that is common to all runs."""
        return self.order.spec | {
            "run_id": str(self.order.run_id),
            "model_dir": str(model),
            "inputs": str(self.place.inputs / "inputs.jsonl"),
            "output": str(self.place.output.relative_to(self.station.runs)),
        }

    def limits(self, disk_bytes: int) -> Limits:
        stated = self.order.spec.get("limits") or {}
        return Limits(
            wall_seconds=60 * float(stated.get("minutes", 60)),
            idle_seconds=IDLE_SECONDS,
            ram_bytes=GIGABYTE * float(stated.get("ram_gb", 32)),
            disk_bytes=disk_bytes,
        )

    @property
    def file_bytes(self) -> int:
        """The largest file that the runner may write for it."""
        return int(2.5 * self._output_bytes()) + MEGABYTE

    def _check_walls(self) -> None:
        level, least = self.station.level, self.station.sandbox_min
        if LEVELS.index(level) > LEVELS.index(least):
            raise RunFailed(
                "node_error",
                f"This node cannot isolate models as its operator requires: {least} is the minimum, "
                f"{level} is what works here.",
            )

    def _fetch(self, groups: dict[str, tuple[RemoteFile, ...]]) -> None:
        total = sum(file.size for files in groups.values() for file in files)
        fetch = Fetch(self.station.hub, self.order, self.stopped, lambda done: self._fetched(done, total))
        try:
            found = self.station.cache.require(fetch, [file for files in groups.values() for file in files])
        except LeaseLost as error:
            raise RunStopped("The lease was lost while files were fetched.") from error
        except HubRefused as error:
            raise RunFailed("node_error", f"The hub refused a file of this run: {error}") from error
        for group, files in groups.items():
            folder = self.place.folder / group
            shutil.rmtree(folder, ignore_errors=True)
            for file in files:
                _show(found[file.path], folder / file.path)

    def _fetched(self, done: int, total: int) -> None:
        if self.lease.phase == FETCHING:
            self.lease.progress(FETCHING, done, total)

    def _convert(self) -> None:
        """Weights that are pickled become safetensors, behind the walls, before anything looks at them."""
        self.place.conversion.unlink(missing_ok=True)
        if not pickled_weights(self.place.model):
            return
        if self.station.level == "none":
            raise RunFailed("node_error", "Pickled weights are read behind walls only, and this node has none.")
        shutil.rmtree(self.place.converted, ignore_errors=True)
        self.place.converted.mkdir()
        most = conversion.most_bytes(self.place.model)
        if shutil.disk_usage(self.place.folder).free < most + SPARE_BYTES:
            raise RunFailed("node_error", "The disk of this node is too full to convert the pickled weights.")
        arguments = ["--convert", str(self.place.model), "--output", str(self.place.converted)]
        supervise(
            self.station.level,
            self.station.confined(arguments, most + MEGABYTE, [self.place.model], [self.place.converted]),
            limits=self.limits(most + MEGABYTE),
            log=self.place.log,
            stopped=self.stopped,
            progress=lambda _, done, total: self.lease.progress("loading", done, total),
        )
        facts = conversion.take_over(self.place.model, self.place.converted)
        shutil.rmtree(self.place.converted, ignore_errors=True)
        self.place.conversion.write_text(json.dumps(facts), encoding="utf-8")

    def hand_in(self) -> None:
        """Uploads what the run left. Everything there was written by a stranger.

        Raises:
            RunFailed, RunStopped, HubUnavailable
        """
        names = [name for name in (*OUTPUTS, MEASUREMENTS) if (self.place.output / name).is_file()]
        if MEASUREMENTS not in names or len(names) < 2:
            raise RunFailed("bad_output", "The runner ended without results.")
        sizes = {name: _size(self.place.output / name) for name in names}
        if self._explains(sum(sizes.values())):
            names.append(ATTRIBUTIONS)
            sizes[ATTRIBUTIONS] = _size(self.place.output / ATTRIBUTIONS)
        if sum(sizes.values()) > self._output_bytes():
            raise RunFailed(
                "bad_output", f"The results have more than the {self._output_bytes() // MEGABYTE} MB allowed."
            )
        for number, name in enumerate(names):
            self.lease.progress("uploading", number, len(names) + 1)
            self._send(self.place.output / name, name, sizes[name])
        if size := min(_size(self.place.log), LONGEST_LOG):
            self._send(self.place.log, LOG, size)

    def _explains(self, answers: int) -> bool:
        """Whether there are attributions small enough to send beside so many bytes; they never cost a run its score."""
        path = self.place.output / ATTRIBUTIONS
        return path.is_file() and _size(path) <= min(LARGEST_ATTRIBUTIONS, self._output_bytes() - answers)

    def _send(self, path: Path, name: str, size: int) -> None:
        try:
            with _opened(path) as stream:
                if os.fstat(stream.fileno()).st_size != size:
                    raise RunFailed("bad_output", f"{name} was changed when it was complete.")
                self.station.hub.send_output(self.order, name, stream, size)
        except LeaseLost as error:
            raise RunStopped("The lease was lost while results were handed in.") from error
        except HubRefused as error:
            raise RunFailed("bad_output", f"The hub refused {name}: {error}") from error

    def _output_bytes(self) -> int:
        return int(MEGABYTE * float((self.order.spec.get("limits") or {}).get("output_mb", 512)))


def _contents(order: Order) -> set[tuple[str, str]]:
    return {(file.path, file.sha256) for file in order.model}


def _show(source: Path, target: Path) -> None:
    """A cached file under its own name; a link where the disk allows, so that nothing is copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _opened(path: Path) -> BinaryIO:
    """A regular file, opened without following a link that leads elsewhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.fdopen(descriptor, "rb")


def _size(path: Path) -> int:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise RunFailed("sandbox_violation", f"{path.name} is not a plain file.")
    return found.st_size
