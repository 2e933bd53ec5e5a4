"""Zip files of labelled images: a folder for each label, or a table beside the images that names both."""

import io
import json
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from PIL import Image

from evaluation.benchmarks.hub.checking import MOST_FAULTS, Checked, table_file
from evaluation.benchmarks.hub.tables import BadTable, places_of

IMAGES: Final = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp"}
ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
TABLES: Final = ("metadata.jsonl", "metadata.csv")
MOST_IMAGES: Final = 5_000
LARGEST_UNPACKED: Final = 200 * 1024 * 1024  # bytes, all files together
MOST_PIXELS: Final = 50_000_000  # of one image
DAMAGES: Final = (  # how zipfile and what it unpacks with say that something is wrong
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, UnicodeDecodeError, NotImplementedError, RuntimeError, EOFError,
    OSError,
)  # fmt: skip


@dataclass(frozen=True)
class LabelledImages:
    """Files as they are committed: the images under numbers, and a table with `file_name` and `label`."""

    files: dict[str, bytes]
    checked: Checked


def read_zip(content: bytes) -> LabelledImages:
    """Raises BadTable: no zip, or one that unpacks to too much; faults of single images are in `checked`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = dict(_unpacked(archive))
    except DAMAGES as error:
        raise BadTable(f"The zip file cannot be read: {error}.") from error
    labels = _labels(unpacked)
    faults: list[str] = []
    files: dict[str, bytes] = {}
    lines = []
    for number, (name, label) in enumerate(labels.items(), start=1):
        image = unpacked.get(name)
        fault = _fault(image) if label else "it has no label: put it into a folder named like its label."
        if fault or image is None:
            faults.append(f"{name}: {fault}")
            if len(faults) >= MOST_FAULTS:
                break
            continue
        own = f"{number:05}{PurePosixPath(name).suffix.lower()}"
        files[own] = image
        lines.append(json.dumps({"file_name": own, "label": label}, ensure_ascii=False) + "\n")
    if not labels:
        faults.append(f"There is no image in it ({', '.join(ENDINGS)}).")
    files["metadata.jsonl"] = "".join(lines).encode()
    names = tuple(sorted(set(labels.values()) - {""}))
    return LabelledImages(files, Checked(len(lines), ("file_name", "label"), names, tuple(faults)))


def _unpacked(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    left = LARGEST_UNPACKED
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_debris(entry.filename)]
    if len(entries) > MOST_IMAGES + len(TABLES):
        raise BadTable(f"There are {len(entries)} files in the zip; at most {MOST_IMAGES} images are taken.")
    for entry in entries:
        with archive.open(entry) as stream:  # sizes in the header may lie: what comes is counted
            content = stream.read(left + 1)
        left -= len(content)
        if left < 0:
            raise BadTable(f"The zip unpacks to more than {LARGEST_UNPACKED >> 20} MiB.")
        yield entry.filename, content


def _is_debris(name: str) -> bool:
    """What packers leave: resource forks, thumbnails."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _labels(unpacked: dict[str, bytes]) -> dict[str, str]:
    """Image → label, by name of the image; the label is "" where nothing says it."""
    for path, content in unpacked.items():
        if PurePosixPath(path).name in TABLES:
            return _labels_of_table(path, content)
    images = [path for path in sorted(unpacked) if path.lower().endswith(ENDINGS)]
    return {path: PurePosixPath(path).parent.name for path in images}


def _labels_of_table(path: str, content: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for place in places_of(table_file(path, content)):
        name, label = place.row.get("file_name"), place.row.get("label")
        if not isinstance(name, str) or label in (None, ""):
            raise BadTable(f"{place.where} needs file_name and label.")
        found[str(PurePosixPath(path).parent / name)] = str(label)
    return found


def _fault(content: bytes | None) -> str:
    """ "" for an image that can be decoded in full."""
    if content is None:
        return "the table names it, but it is not in the zip."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.format not in IMAGES:
                    return f"it is no image of these formats: {', '.join(IMAGES)}."
                if image.width * image.height > MOST_PIXELS:
                    return f"it has more than {MOST_PIXELS} pixels."
                image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "it is damaged, or no image."
    return ""
