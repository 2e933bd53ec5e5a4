"""One leased run: fetch, confine, compute, hand in."""

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
from evaluation.node.client import Hub, Order
from evaluation.node.errors import HubRefused, LeaseLost, RunFailed, RunStopped
from evaluation.node.lease import Lease
from evaluation.node.sandbox import Confined, Level
from evaluation.node.supervision import GIGABYTE, Limits, most_tasks, supervise
from evaluation.runner import PROTOCOL
from evaluation.runner.snapshot import pickled_weights

MEGABYTE = 2**20
OUTPUTS = ("predictions.jsonl", "embeddings.npy", "ids.json")
MEASUREMENTS, LOG = "measurements.json", "log.txt"
LONGEST_LOG = MEGABYTE
IDLE_SECONDS = 600.0
MEASURING = "measuring"  # the runner's last phase
PHASES = ("loading", "running", MEASURING)

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
class Work:
    """What it takes to do a run."""

    hub: Hub
    order: Order
    lease: Lease
    cache: Cache
    place: Place
    level: Level
    device: str
    tasks_by_rlimit: bool  # RLIMIT_NPROC is what holds here
    stopped: Callable[[], bool]

    def do(self) -> None:
        """From the first byte fetched to the last byte handed in.

        Raises:
            RunFailed, RunStopped, HubUnavailable
        """
        self._fetch()
        self._convert()
        self._compute()
        self._hand_in()

    def _fetch(self) -> None:
        files = {"model": self.order.model, "inputs": self.order.inputs}
        total = sum(file.size for group in files.values() for file in group)
        fetch = Fetch(self.hub, self.order, self.stopped, lambda done: self.lease.progress("fetching", done, total))
        try:
            found = self.cache.require(fetch, [file for group in files.values() for file in group])
        except LeaseLost as error:
            raise RunStopped("The lease was lost while files were fetched.") from error
        except HubRefused as error:
            raise RunFailed("node_error", f"The hub refused a file of this run: {error}") from error
        for group, folder in (("model", self.place.model), ("inputs", self.place.inputs)):
            shutil.rmtree(folder, ignore_errors=True)
            for file in files[group]:
                _show(found[file.path], folder / file.path)

    def _convert(self) -> None:
        """Weights that are pickled become safetensors, behind the walls, before anything looks at them."""
        self.place.conversion.unlink(missing_ok=True)
        if not pickled_weights(self.place.model):
            return
        if self.level == "none":
            raise RunFailed("node_error", "Pickled weights are read behind walls only, and this node has none.")
        shutil.rmtree(self.place.converted, ignore_errors=True)
        self.place.converted.mkdir()
        most = conversion.most_bytes(self.place.model)
        if shutil.disk_usage(self.place.folder).free < most + SPARE_BYTES:
            raise RunFailed("node_error", "The disk of this node is too full to convert the pickled weights.")
        arguments = ["--convert", str(self.place.model), "--output", str(self.place.converted)]
        confined = self._confined(arguments, most + MEGABYTE, [self.place.model], self.place.converted)
        self._supervise(confined, most + MEGABYTE, lambda _, done, total: self.lease.progress("loading", done, total))
        facts = conversion.take_over(self.place.model, self.place.converted)
        shutil.rmtree(self.place.converted, ignore_errors=True)
        self.place.conversion.write_text(json.dumps(facts), encoding="utf-8")

    def _compute(self) -> None:
        self.place.output.mkdir(exist_ok=True)
        self.place.spec.write_text(json.dumps(self._spec()), encoding="utf-8")
        file_bytes = int(2.5 * self._output_bytes()) + MEGABYTE
        arguments = ["--spec", str(self.place.spec), "--output", str(self.place.output)]
        shown = [self.place.model, self.place.inputs, self.place.spec]
        confined = self._confined(arguments, file_bytes, shown, self.place.output)
        seen: set[str] = set()

        def progress(phase: str, done: int, total: int) -> None:
            seen.add(phase)
            self.lease.progress(phase if phase in PHASES else "running", done, total)

        try:
            self._supervise(confined, 2 * file_bytes, progress)
        except RunFailed as failure:
            # Answers are complete before the cost is measured; a failure there takes only the figures.
            if MEASURING not in seen or failure.reason == "sandbox_violation":
                raise

    def _confined(self, arguments: list[str], file_bytes: int, shown: list[Path], writable: Path) -> Confined:
        command = [sys.executable, "-I", "-B", "-c", START, str(sandbox.CODE), str(file_bytes)]
        command += [str(most_tasks() if self.tasks_by_rlimit else 0), *arguments]
        return Confined(command, read_only=[*sandbox.runtime(), *sandbox.runner_code(), *shown], writable=[writable])

    def _supervise(self, confined: Confined, disk_bytes: int, progress: Callable[[str, int, int], None]) -> None:
        limits = self.order.spec.get("limits") or {}
        supervise(
            self.level,
            confined,
            limits=Limits(
                wall_seconds=60 * float(limits.get("minutes", 60)),
                idle_seconds=IDLE_SECONDS,
                ram_bytes=GIGABYTE * float(limits.get("ram_gb", 32)),
                disk_bytes=disk_bytes,
            ),
            log=self.place.log,
            stopped=self.stopped,
            progress=progress,
        )

    def _spec(self) -> dict[str, object]:
        run = self.order.spec | {
            "run_id": str(self.order.run_id),
            "model_dir": str(self.place.model),
            "inputs": str(self.place.inputs / "inputs.jsonl"),
            "output": ".",
        }
        return {"protocol": PROTOCOL, "device": self.device, "runs": [run]}

    def _hand_in(self) -> None:
        """Uploads what the run left. Everything there was written by a stranger."""
        names = [name for name in (*OUTPUTS, MEASUREMENTS) if (self.place.output / name).is_file()]
        if MEASUREMENTS not in names or len(names) < 2:
            raise RunFailed("bad_output", "The runner ended without results.")
        sizes = {name: _size(self.place.output / name) for name in names}
        if sum(sizes.values()) > self._output_bytes():
            raise RunFailed(
                "bad_output", f"The results have more than the {self._output_bytes() // MEGABYTE} MB allowed."
            )
        for number, name in enumerate(names):
            self.lease.progress("uploading", number, len(names) + 1)
            self._send(self.place.output / name, name, sizes[name])
        if size := min(_size(self.place.log), LONGEST_LOG):
            self._send(self.place.log, LOG, size)

    def _send(self, path: Path, name: str, size: int) -> None:
        try:
            with _opened(path) as stream:
                self.hub.send_output(self.order, name, stream, size)
        except LeaseLost as error:
            raise RunStopped("The lease was lost while results were handed in.") from error
        except HubRefused as error:
            raise RunFailed("bad_output", f"The hub refused {name}: {error}") from error

    def _output_bytes(self) -> int:
        return int(MEGABYTE * float((self.order.spec.get("limits") or {}).get("output_mb", 512)))


def converted_weights(place: Place) -> dict[str, object]:
    """Files that were converted for this run; none where nothing was pickled."""
    try:
        found: dict[str, object] = json.loads(place.conversion.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def log_tail(place: Place, lines: int = 50) -> list[str]:
    """The last lines of the runner's standard error."""
    try:
        with place.log.open("rb") as stream:
            stream.seek(max(0, place.log.stat().st_size - 64 * 1024))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


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
