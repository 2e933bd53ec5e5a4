"""A virtual environment for each set of packages, made once below build/matrix."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.matrix.clients import TORCH_NEEDS, Client
from tests.processes import ROOT

PLACE = ROOT / "build" / "matrix"


def python_of(client: Client) -> Path:
    """The interpreter that has this client; its packages are installed at the first call."""
    if not client.packages:
        return Path(sys.executable)
    packages = (*client.packages, *(TORCH_NEEDS if client.with_torch else ()))
    name = hashlib.sha256(" ".join((sys.version, *packages)).encode()).hexdigest()[:12]
    folder = PLACE / "venvs" / f"{client.packages[0].replace('==', '-')}-{name}"
    python, finished = folder / "bin" / "python", folder / "finished"
    if not finished.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = (str(python), "-m", "pip", "--disable-pip-version-check", "install", "-qq")
        subprocess.run([*pip, *packages], check=True)
        if client.with_torch:
            _lend_torch(folder)
        finished.touch()
    return python


def _lend_torch(folder: Path) -> None:
    """Let the environment see this checkout's torch, and nothing else of it."""
    own = Path(sysconfig.get_path("purelib"))
    theirs = next(folder.glob("lib/python*/site-packages"))
    for name in ("torch", "torchgen", *(found.name for found in own.glob("torch-*.dist-info"))):
        (theirs / name).symlink_to(own / name)
