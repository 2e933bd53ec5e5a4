"""Energy of a GPU's whole board, by NVIDIA's management library where the driver brings it."""

import ctypes
import time
from dataclasses import dataclass

import torch

from evaluation.runner.efficiency.figures import Figures

NAMES = ("energy_joules_per_item", "mean_power_watts")
LEAST_SECONDS = 10.0  # the counter moves in steps
FOREIGN_BYTES = 1_500_000_000  # beyond what torch reserved: more than one process's own context takes
LIBRARY = "libnvidia-ml.so.1"


class NotMeasurable(Exception):
    """Says why."""


@dataclass
class Meter:
    """A device whose energy counter can be read, or the reason why not."""

    device: torch.device
    handle: ctypes.c_void_p | None = None
    library: ctypes.CDLL | None = None
    reason: str = ""
    is_shared: bool | None = None  # somebody else computes on it; None where that is not known

    @classmethod
    def of(cls, device: torch.device) -> "Meter":
        if device.type != "cuda":
            return cls(device, reason="Only the energy of an NVIDIA GPU is measured; this ran on a CPU.")
        try:
            library, handle = _opened(device)
            meter = cls(device, handle, library)
            meter.is_shared = meter._foreign_bytes() > FOREIGN_BYTES
            meter.millijoules()
        except (NotMeasurable, OSError, AttributeError, RuntimeError) as problem:
            return cls(device, reason=f"The energy of this GPU cannot be read: {problem}")
        if meter.is_shared:
            meter.reason = "Another process held memory of the GPU, so its energy is not this run's alone."
        return meter

    def millijoules(self) -> int:
        """Raises NotMeasurable."""
        assert self.library is not None
        found = ctypes.c_ulonglong()
        _check(self.library.nvmlDeviceGetTotalEnergyConsumption(self.handle, ctypes.byref(found)))
        return found.value

    def _foreign_bytes(self) -> int:
        free, total = torch.cuda.mem_get_info(self.device)
        return total - free - torch.cuda.memory_reserved(self.device)

    def start(self) -> "Watch":
        before = None
        if not self.reason:
            try:
                before = self.millijoules()
            except NotMeasurable as problem:  # it could be read a while ago
                self.reason = f"The energy of this GPU cannot be read: {problem}"
        return Watch(self, before, time.monotonic())


@dataclass(frozen=True)
class Watch:
    meter: Meter
    before: int | None
    started: float

    def stop(self, figures: Figures, *, items: int, seconds: float) -> None:
        """The energy since the start, shared among the items done."""
        if self.before is None:
            figures.lack(self.meter.reason, *NAMES)
            return
        if seconds < LEAST_SECONDS:
            figures.lack(f"Energy is measured over {LEAST_SECONDS:g} s at least; this took {seconds:.1f} s.", *NAMES)
            return
        try:
            joules = (self.meter.millijoules() - self.before) / 1000
        except NotMeasurable as problem:
            figures.lack(f"The energy of this GPU cannot be read: {problem}", *NAMES)
            return
        took = time.monotonic() - self.started
        detail = f"whole board, {took:.1f} s at the best budget"
        figures.add("energy_joules_per_item", round(joules / items, 6), n=items, detail=detail)
        figures.add("mean_power_watts", round(joules / took, 3), n=1, detail=detail)


def _opened(device: torch.device) -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    library = ctypes.CDLL(LIBRARY)
    _check(library.nvmlInit_v2())
    handle = ctypes.c_void_p()
    name = f"GPU-{torch.cuda.get_device_properties(device).uuid}"  # its number may be another one here
    _check(library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)))
    return library, handle


def _check(code: int) -> None:
    if code != 0:
        raise NotMeasurable(f"NVML answered with error {code}.")
