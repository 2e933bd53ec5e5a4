"""Which clients the matrix runs, at which versions, and what it takes to install them.

A client without `packages` runs in this checkout's .venv, whose versions are pinned in requirements/. To try a newer
release of another one, raise its pin here and run `make matrix MATRIX_ARGS="--only NAME"`.
"""

from __future__ import annotations

from dataclasses import dataclass

# What torch needs beside itself; it is taken from this checkout's .venv, because a second copy is 700 MB.
TORCH_NEEDS = ("sympy", "networkx", "jinja2", "fsspec", "filelock", "typing_extensions", "mpmath", "setuptools")


@dataclass(frozen=True)
class Client:
    """One client at one version.

    `scripts` are files below tests/matrix/scripts; `environment` is added to that of its processes.
    """

    name: str
    version: str
    scripts: tuple[str, ...]
    packages: tuple[str, ...] = ()
    with_torch: bool = False
    is_newest: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"


NO_XET = (("HF_HUB_DISABLE_XET", "1"),)
HUB = ("hub", "filesystem", "command_line")

CLIENTS = (
    Client("huggingface_hub", "2.4.0 with Xet", HUB, is_newest=True),
    Client("huggingface_hub", "2.4.0 without Xet", HUB, is_newest=True, environment=NO_XET),
    Client("huggingface_hub", "1.33.0 with Xet", HUB, ("huggingface_hub==1.33.0", "jinja2")),
    Client("huggingface_hub", "1.33.0 without Xet", HUB, ("huggingface_hub==1.33.0", "jinja2"), environment=NO_XET),
    Client("huggingface_hub", "0.36.2 with Xet", HUB, ("huggingface_hub==0.36.2", "jinja2")),
    Client("huggingface_hub", "0.36.2 without Xet", HUB, ("huggingface_hub==0.36.2", "jinja2"), environment=NO_XET),
    Client("transformers", "5.23.0 (hub 2.4.0)", ("transformers_models",), is_newest=True),
    Client(
        "transformers",
        "4.57.6 (hub 0.36.2)",
        ("transformers_models",),
        ("transformers==4.57.6", "huggingface_hub==0.36.2"),
        with_torch=True,
    ),
    Client("datasets", "5.2.0 (hub 2.4.0)", ("datasets_tables",), is_newest=True),
    Client("datasets", "4.8.5 (hub 1.33.0)", ("datasets_tables",), ("datasets==4.8.5", "huggingface_hub==1.33.0")),
    Client("sentence-transformers", "6.2.0 (hub 2.4.0)", ("sentences",), is_newest=True),
    Client("git", "2.39 with git-lfs 3.3", ("git_clones",), is_newest=True),
    Client("call patterns", "of llama.cpp, vLLM, keras_hub; not the programs", ("call_patterns",), is_newest=True),
)
