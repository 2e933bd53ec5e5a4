"""What this machine is, as it tells the hub. Read from the system, without torch."""

import csv
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from evaluation.runner import PROTOCOL, RUNNER_VERSION

GPU_FIELDS = ("name", "uuid", "memory.total", "driver_version", "compute_cap", "power.limit")


def describe(device: str = "auto") -> dict[str, Any]:
    """What decides the class of this node.

    Args:
        device: what its runs compute on: auto, cpu or cuda:N.
    """
    return {
        "device": device,
        "cpu": _cpu_name(),
        "cores": len(psutil.Process().cpu_affinity() or [0]),
        "ram_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "gpus": gpus(),
    }


def versions() -> dict[str, str]:
    """Versions of what decides a number; read from package metadata, nothing is imported."""
    found = {"runner": RUNNER_VERSION, "protocol": str(PROTOCOL), "python": platform.python_version()}
    for name in ("torch", "transformers", "tokenizers", "safetensors", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def gpus() -> list[dict[str, str]]:
    """One entry per NVIDIA device, as nvidia-smi says; none where there is no such program."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [
        dict(zip(GPU_FIELDS, (value.strip() for value in row), strict=True))
        for row in csv.reader(done.stdout.splitlines())
        if len(row) == len(GPU_FIELDS)
    ]


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
