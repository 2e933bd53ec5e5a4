"""What kind of file something is: by its first bytes where they tell, else by its name."""

from __future__ import annotations

from typing import Final

SAFETENSORS: Final = "safetensors"
GGUF: Final = "gguf"
ONNX: Final = "onnx"
PICKLE: Final = "pickle"  # loading it runs whatever it says
HEAD_BYTES: Final = 64  # how much of a file `format_of` wants to see

_BY_SUFFIX: Final[dict[str, str]] = {
    ".safetensors": SAFETENSORS, ".gguf": GGUF, ".onnx": ONNX,
    ".bin": PICKLE, ".pt": PICKLE, ".pth": PICKLE, ".ckpt": PICKLE, ".pkl": PICKLE, ".pickle": PICKLE,
    ".joblib": PICKLE, ".dill": PICKLE,
    ".h5": "hdf5", ".hdf5": "hdf5", ".keras": "keras", ".pb": "tensorflow", ".tflite": "tflite", ".msgpack": "flax",
    ".mlmodel": "coreml", ".mlpackage": "coreml", ".pte": "executorch", ".pt2": "torch-export", ".skops": "skops",
    ".npy": "numpy", ".npz": "numpy", ".parquet": "parquet", ".arrow": "arrow",
}  # fmt: skip
WEIGHT_SUFFIXES: Final[tuple[str, ...]] = tuple(
    suffix for suffix, kind in _BY_SUFFIX.items() if kind not in {"numpy", "parquet", "arrow"}
)
# Formats whose loading can run code of the file's author.
UNSAFE_FORMATS: Final = frozenset({PICKLE, "keras", "hdf5", "tensorflow"})

_MAGIC = {
    b"GGUF": GGUF,
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"\x93NUMPY": "numpy",
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
}
# What training leaves behind: in a weights' format, yet nothing one loads as a model.
_NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler", "tokenizer", "vocab", "merges")


def format_of(path: str, head: bytes = b"") -> str:
    """The format of a file, "" for anything that is neither weights nor tables.

    Args:
        head: the first `HEAD_BYTES` bytes, when they are at hand; they outrank the name.
    """
    named = _BY_SUFFIX.get(_suffix(path), "")
    return _seen(head, named) or named


def is_weights(path: str) -> bool:
    """Whether the name is that of a file with a model's weights."""
    name = path.rpartition("/")[2].lower()
    return _suffix(path) in WEIGHT_SUFFIXES and not name.startswith(_NO_WEIGHTS)


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    return f".{name.rpartition('.')[2]}" if "." in name else ""


def _seen(head: bytes, named: str) -> str:
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[4:8] == b"TFL3":
        return "tflite"
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= 100_000_000:
        return SAFETENSORS
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return PICKLE
    if head.startswith(b"PK\x03\x04") and named in {"", SAFETENSORS, GGUF, ONNX}:
        return PICKLE if b"data.pkl" in head else "zip"
    return ""
