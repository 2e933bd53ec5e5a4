"""Walls around a model: bubblewrap, else namespaces made by hand, else none; each level proves itself at start."""

import json
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Level = Literal["bubblewrap", "namespaces", "none"]
LEVELS: tuple[Level, ...] = ("bubblewrap", "namespaces", "none")  # strongest first
PROBE_SECONDS = 60
SCRATCH_BYTES = 2 * 1024**3  # of /tmp, which is memory

CODE = Path(__file__).resolve().parents[2]  # the folder that holds the package `evaluation`
JAIL = Path(__file__).with_name("jail.py")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Folders that hold the answers of built-in benchmarks, below any package folder (evaluation-notes 8).
GOLD = ("django", "sklearn/datasets/data", "pydoc_data")

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 (a private tmpfs inside)
    "TMPDIR": "/tmp",  # noqa: S108
    "LANG": "C.UTF-8",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Threads that wait must sleep, not spin: on a busy 2-core machine this made runs 2 to 5 times faster.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
}


@dataclass(frozen=True)
class Confined:
    """A command and all it may see. Paths are the same inside and outside."""

    command: Sequence[str]
    read_only: Sequence[Path] = ()
    writable: Sequence[Path] = ()
    environment: dict[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))


def gold_folders() -> list[Path]:
    """Where the answers of built-in benchmarks lie in this environment and in the system's own Python."""
    roots = {Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))}
    for pattern in ("lib/python3*", "lib/python3*/dist-packages", "local/lib/python3*/*-packages"):
        roots |= set(Path("/usr").glob(pattern))
    found = {root / name for root in roots for name in GOLD}
    # Themselves, not links to them: what is laid over a link would lie outside the walls.
    return sorted({path.resolve() for path in found if path.is_dir()})


def start(
    level: Level, confined: Confined, *, stderr: int, entering: Callable[[Sequence[str]], list[str]] = list
) -> subprocess.Popen[bytes]:
    """The command behind the walls of `level`, leading a session and group of its own.

    Args:
        entering: puts a step before the whole command, such as entering a cgroup.
    """
    wrapped = {"bubblewrap": _bubblewrap, "namespaces": _namespaces}
    return subprocess.Popen(
        entering(wrapped[level](confined) if level in wrapped else list(confined.command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=confined.environment,
        cwd="/",
        start_new_session=True,
        close_fds=True,
    )


def strongest_level(folder: Path) -> Level:
    """The strongest level whose walls hold here; tried, not assumed. Takes a second or two."""
    for level in LEVELS[:-1]:
        if tool_of(level) is not None and not leaks(level, folder):
            return level
    return "none"


def tool_of(level: Level) -> str | None:
    return shutil.which({"bubblewrap": "bwrap", "namespaces": "unshare", "none": "true"}[level])


def leaks(level: Level, folder: Path) -> list[str]:
    """What a probe behind the walls could do that it must not; "start" when it could not even run."""
    with tempfile.TemporaryDirectory(dir=folder) as made, socket.create_server(("127.0.0.1", 0)) as server:
        outside, output = Path(made), Path(made) / "output"
        output.mkdir()
        (outside / "secret").write_text("secret")
        facts = {
            "port": server.getsockname()[1],
            "secret": str(outside / "secret"),
            "outside": str(outside / "written"),
            "gold": [str(path) for path in gold_folders()],
            "output": str(output / "written"),
            "home": str(Path.home()),
        }
        confined = Confined([sys.executable, "-I", "-B", "-c", PROBE, json.dumps(facts)], runtime(), [output])
        try:
            with start(level, confined, stderr=subprocess.DEVNULL) as child:
                said, _ = child.communicate(timeout=PROBE_SECONDS)
            found: list[str] = json.loads(said)
        except (OSError, ValueError, subprocess.SubprocessError):
            return ["start"]
        # Seen from outside: a write into the private /tmp of the sandbox harms nobody.
        found += ["writing"] if (outside / "written").exists() else []
        return found if (output / "written").exists() else [*found, "output"]


def runtime() -> list[Path]:
    """What any Python program of this environment needs to see: the interpreter, its packages, the system."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix)}
    prefixes |= {path.resolve() for path in prefixes}  # behind the walls a link needs what it leads to
    # Outer folders first, so that a folder mounted later does not hide one inside it.
    return sorted(path for path in prefixes if not path.is_relative_to("/usr"))


def runner_code() -> list[Path]:
    """The runner and nothing else of this program."""
    return [CODE / "evaluation" / "__init__.py", CODE / "evaluation" / "runner"]


def _bubblewrap(confined: Confined) -> list[str]:
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--clearenv"]
    for name, value in confined.environment.items():
        command += ["--setenv", name, value]
    for name in SYSTEM:
        if Path(name).is_symlink():
            command += ["--symlink", str(Path(name).readlink()), name]
        else:
            command += ["--ro-bind-try", name, name]
    command += ["--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/sys", "/sys"]
    command += ["--size", str(SCRATCH_BYTES), "--tmpfs", "/tmp"]  # noqa: S108
    for device in _accelerators():
        command += ["--dev-bind-try", device, device]
    # Else /dev and its shm take half of the machine's memory, which no process is seen to hold.
    command += ["--size", str(SCRATCH_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
    for path in confined.read_only:
        command += ["--ro-bind", str(path), str(path)]
    for path in _masked(confined):
        command += ["--tmpfs", str(path), "--remount-ro", str(path)]
    for path in confined.writable:
        command += ["--bind", str(path), str(path)]
    command += ["--remount-ro", "/"]
    return [*command, "--chdir", "/tmp", "--", *confined.command]  # noqa: S108


def _namespaces(confined: Confined) -> list[str]:
    view = {
        "read_only": [*(path for path in SYSTEM if Path(path).exists()), *map(str, confined.read_only)],
        "masked": [str(path) for path in _masked(confined)],
        "writable": [str(path) for path in confined.writable],
        "devices": [*DEVICES, *_accelerators()],
        "command": list(confined.command),
        "environment": confined.environment,
        "scratch_bytes": SCRATCH_BYTES,
    }
    spaces = ["--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    # unshare alone would outlive a killed agent, and the model with it.
    return [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        *spaces,
        sys.executable,
        "-I",
        "-S",
        "-B",
        str(JAIL),
        json.dumps(view),
    ]


def _masked(confined: Confined) -> list[Path]:
    """Gold folders that would be visible."""
    visible = [Path("/usr"), *confined.read_only]
    return [path for path in gold_folders() if any(path.is_relative_to(root) for root in visible)]


def _accelerators() -> list[str]:
    named = [Path("/dev/nvidiactl"), Path("/dev/nvidia-uvm")]
    return [str(path) for path in [*sorted(Path("/dev").glob("nvidia[0-9]*")), *named] if path.exists()]


# Tries what no model may do, and says what worked. Runs behind the walls, so it imports nothing of ours.
PROBE = """
import json, os, socket, sys
facts, found = json.loads(sys.argv[1]), []
def attempt(name, action):
    try:
        if action():
            found.append(name)
    except OSError:
        pass
def write(path):
    with open(path, "w") as stream:
        return bool(stream.write("x"))
attempt("network", lambda: socket.create_connection(("127.0.0.1", facts["port"]), 2))
attempt("secrets", lambda: open(facts["secret"]).read())
attempt("nothing", lambda: not write(facts["outside"]))
attempt("system", lambda: os.access("/usr", os.W_OK))
attempt("labels", lambda: any(os.path.isdir(path) and os.listdir(path) for path in facts["gold"]))
attempt("processes", lambda: len([name for name in os.listdir("/proc") if name.isdigit()]) > 8)
attempt("nothing", lambda: not write(facts["output"]))
print(json.dumps(found))
"""
