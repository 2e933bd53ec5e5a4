"""What a run costs: which figures there are, and how a node's are read. The runner measures (`runner.efficiency`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

Better = Literal["lower", "higher", ""]
Unit = Literal["", "bytes", "FLOP", "s", "ms", "1/s", "x", "J", "W", "ratio"]
LARGEST: Final = 1e18
LONGEST_TEXT: Final = 300


@dataclass(frozen=True)
class CostKind:
    """One figure and how to read it."""

    name: str
    title: StrPromise
    unit: Unit
    better: Better
    description: StrPromise


COSTS: Final[dict[str, CostKind]] = {
    kind.name: kind
    for kind in (
        CostKind("parameters", _("Parameters"), "", "", _("Numbers in the weight files, by their headers.")),
        CostKind("weight_bytes", _("Size of the weights"), "bytes", "lower", _("As stored, by the headers.")),
        CostKind(
            "flops", _("Operations"), "FLOP", "lower",
            _("Floating point operations of one item, or of a prompt and its first token; a multiply-add counts 2."),
        ),
        CostKind(
            "load_seconds", _("Load time"), "s", "lower", _("From the start of the process to the first answer.")
        ),
        CostKind("latency_p50_ms", _("Latency, median"), "ms", "lower", _("One item at a time, input to answer.")),
        CostKind("latency_p90_ms", _("Latency, 90 %"), "ms", "lower", _("90 of 100 items are answered within this.")),
        CostKind("latency_p95_ms", _("Latency, 95 %"), "ms", "lower", _("95 of 100 items are answered within this.")),
        CostKind("latency_p99_ms", _("Latency, 99 %"), "ms", "lower", _("99 of 100 items are answered within this.")),
        CostKind("ttft_p50_ms", _("Time to first token, median"), "ms", "lower", _("Reading the prompt included.")),
        CostKind("ttft_p90_ms", _("Time to first token, 90 %"), "ms", "lower", _("Reading the prompt included.")),
        CostKind("tpot_p50_ms", _("Time per output token, median"), "ms", "lower", _("Of each after the first.")),
        CostKind("tpot_p90_ms", _("Time per output token, 90 %"), "ms", "lower", _("Of each after the first.")),
        CostKind(
            "items_per_second", _("Throughput"), "1/s", "higher",
            _("Items a second in batches, twice as large ones gaining less than 3 %."),
        ),
        CostKind("input_tokens_per_second", _("Tokens read a second"), "1/s", "higher", _("In these batches.")),
        CostKind("output_tokens_per_second", _("Tokens written a second"), "1/s", "higher", _("In these batches.")),
        CostKind("rtfx", _("Speed against real time"), "x", "higher", _("Seconds of sound per second of work.")),
        CostKind(
            "peak_rss_bytes", _("Memory, at most"), "bytes", "lower", _("Of the process, looked at every 20 ms.")
        ),
        CostKind("peak_vram_bytes", _("GPU memory, at most"), "bytes", "lower", _("Reserved by torch.")),
        CostKind("peak_vram_allocated_bytes", _("GPU memory in use, at most"), "bytes", "lower", _("By tensors.")),
        CostKind("energy_joules_per_item", _("Energy of an item"), "J", "lower", _("Of the GPU's whole board.")),
        CostKind("mean_power_watts", _("Mean power"), "W", "lower", _("Of the GPU's whole board.")),
        CostKind(
            "fit_estimate_bytes", _("Memory, estimated"), "bytes", "",
            _("From headers and configuration alone: weights, cache, activations, and 0.6 GB for libraries."),
        ),
        CostKind("fit_error", _("Error of the estimate"), "ratio", "", _("Estimate over measured peak, minus one.")),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One figure of a run; `value` is None where it could not be had, and `reason` says why."""

    name: str
    value: float | None
    n: int = 0
    detail: str = ""
    reason: str = ""


def read_figures(measured: Mapping[str, Any]) -> list[Reading]:
    """The figures among a node's measurements, in the order of the table; what is no figure is left out.

    A node states them and nobody proves them, so each is a finite number of sensible size or absent.
    """
    stated = _mapping(measured.get("efficiency"))
    values, absent = _mapping(stated.get("values")), _mapping(stated.get("absent"))
    found = []
    for name in COSTS:
        if name in values:
            found.append(_reading(name, _mapping(values[name])))
        elif name in absent:
            found.append(Reading(name, None, reason=_text(absent[name])))
    return found


def hardware_class(stated: object, measured: Mapping[str, Any], backend: str) -> str:
    """What must be equal for two figures to be compared: machine, power limit, number format, engine, compilation.

    Args:
        stated: the hardware as the node describes it.
    """
    hardware = _mapping(stated)
    device = _text(measured.get("device"))
    parts = [_processor(hardware) if device in ("", "cpu") else _gpu(hardware, device)]
    parts += [_text(measured.get("dtype")), backend, "compiled" if measured.get("compiled") is True else ""]
    return " · ".join(part for part in parts if part)[:200]


def protocol_of(measured: Mapping[str, Any]) -> int:
    """The version of the protocol that made the figures; 0 where none did."""
    stated = _mapping(measured.get("efficiency")).get("protocol")
    return stated if type(stated) is int and 0 < stated < 1000 else 0


def _processor(hardware: Mapping[str, Any]) -> str:
    cores = hardware.get("cores")
    named = _text(hardware.get("cpu")) or "CPU"
    return f"{named}, {cores} cores" if type(cores) is int else named


def _gpu(hardware: Mapping[str, Any], device: str) -> str:
    stated = hardware.get("gpus")
    known = [one for one in stated if isinstance(one, dict)] if isinstance(stated, list) else []
    limit = next((_text(one.get("power.limit")) for one in known if one.get("name") == device), "")
    return f"{device}, {limit} W" if limit else device


def _reading(name: str, stated: Mapping[str, Any]) -> Reading:
    value, count = stated.get("value"), stated.get("n")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
        return Reading(name, None, reason="The node sent no sensible number.")
    n = count if type(count) is int and 0 < count < 2**31 else 1
    return Reading(name, float(value), n=n, detail=_text(stated.get("detail")))


def _text(value: object) -> str:
    """What a stranger wrote, short and in one line."""
    if not isinstance(value, str):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in value)[:LONGEST_TEXT].strip()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
