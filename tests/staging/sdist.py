"""Their test files: the pinned source distribution from PyPI, unpacked below build/staging. None of it is kept here."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.matrix.clients import Client
from tests.matrix.venvs import python_of
from tests.processes import ROOT

VERSION = "2.4.0"
SHA256 = "13a6158b9e3393d9d3f248ce99074d50c2a0a1449fb9d8e2f710751e2084c188"
PLACE = ROOT / "build" / "staging"
SUPPLIED = Path(__file__).with_name("supplied.py")
# What their test modules import; torch is lent by this checkout.
PACKAGES = (
    f"huggingface_hub=={VERSION}",
    "authlib==1.9.10",
    "duckdb==2.0.1",
    "fastapi==0.165.0",
    "itsdangerous==2.2.0",
    "jedi==0.20.1",
    "Jinja2==3.1.6",
    "numpy==2.4.6",
    "pillow==12.3.0",
    "pytest==9.2.0",
    "pytest-asyncio==1.5.0",
    "pytest-mock==3.17.0",
    "pytest-timeout==2.4.0",
    "pytest-xdist==3.8.0",
    "safetensors==0.8.0",
    "soundfile==0.14.0",
)


def python() -> Path:
    """The interpreter of an environment with the client and what its tests import; made at the first call."""
    return python_of(Client("huggingface_hub", VERSION, (), PACKAGES, with_torch=True))


def unpacked() -> Path:
    """The folder that holds their `tests`, with the package file and the fixtures that the distribution lacks."""
    folder = PLACE / f"huggingface_hub-{VERSION}"
    if not (folder / "finished").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with (
            tempfile.TemporaryDirectory(prefix="mm-sdist-") as place,
            tarfile.open(_downloaded(Path(place))) as archive,
        ):
            archive.extractall(PLACE, filter="data")
        (folder / "finished").touch()
    tests = folder / "tests"
    (tests / "__init__.py").touch()
    shutil.copyfile(SUPPLIED, tests / "conftest.py")
    return folder


def _downloaded(place: Path) -> Path:
    # Through a requirements file, because only there pip compares a hash.
    (place / "wanted.txt").write_text(f"huggingface_hub=={VERSION} --hash=sha256:{SHA256}\n")
    options = ("--no-deps", "--no-binary", ":all:", "--require-hashes")
    pip = (str(python()), "-m", "pip", "--disable-pip-version-check")
    subprocess.run([*pip, "download", "-qq", *options, "-r", "wanted.txt"], check=True, cwd=place)
    return place / f"huggingface_hub-{VERSION}.tar.gz"
