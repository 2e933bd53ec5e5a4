"""What the files of a repo say: sizes, formats, parameters, architecture.

Headers are read from the store by range and remembered with the blob, so that a commit reads only what
it brought. A file that lies about itself is a problem to show, never a reason to refuse the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata, BlobUnavailable
from catalog.models import Blob, Commit, RepoFacts, TreeEntry
from catalog.parsing import config, formats, gguf, safetensors
from catalog.parsing.paths import find_collisions
from catalog.stores import blob_store

LONGEST_READ_BYTES: Final = 32 * 1024**2  # of one header
MOST_HEADERS: Final = 500  # files with weights that are looked into
MOST_PROBLEMS: Final = 100
LARGEST_COUNT: Final = 2**63 - 1
WITH_HEADERS: Final = (formats.SAFETENSORS, formats.GGUF)
CONFIG: Final = "config.json"
SHARD_INDEX: Final = "model.safetensors.index.json"
WHOLE_MODELS: Final = ("model.safetensors", "adapter_model.safetensors")


@dataclass
class Files:
    """The files of one commit, and what was found out about them."""

    sizes: dict[str, int]
    blob_ids: dict[str, int | None]
    problems: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, commit: Commit) -> Files:
        rows = TreeEntry.objects.at(commit).files().order_by("path").values_list("path", "size", "blob_id")
        sizes: dict[str, int] = {}
        blob_ids: dict[str, int | None] = {}
        for path, size, blob_id in rows:
            sizes[path], blob_ids[path] = size, blob_id
        return cls(sizes, blob_ids)

    def content(self, path: str, longest: int) -> bytes | None:
        """The first `longest` bytes of a file; None when there is none to read."""
        blob = Blob.objects.filter(pk=self.blob_ids.get(path) or 0).first()
        if blob is None:
            return None
        try:
            return blob_store().read_range(blob.sha256, 0, longest)
        except BlobUnavailable as problem:
            self.note(path, problem.message)
            return None

    def note_collisions(self) -> None:
        """Mark names that some file systems cannot hold together; only history made elsewhere has them."""
        for first, second in find_collisions(self.sizes):
            self.note(second, f"On some file systems it cannot lie beside {first}.")

    def note(self, path: str, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"path": path, "message": message})


def content_at(commit: Commit, path: str, longest: int) -> bytes:
    """The first `longest` bytes of a file of this commit; nothing when there is none to read."""
    entry = TreeEntry.objects.at(commit).files().filter(path=path).first()
    files = Files({path: entry.size}, {path: entry.blob_id}) if entry else Files({}, {})
    return files.content(path, longest) or b""


def apply(facts: RepoFacts, files: Files) -> config.ModelConfig | None:
    """Fill in what the files say; returns the config of the model, where there is one."""
    model = _config_of(files)
    headers = _headers_of(files)
    facts.config = _summary_of(model) if model else None
    facts.total_bytes, facts.file_count = sum(files.sizes.values()), len(files.sizes)
    facts.formats = _formats_of(files, headers)
    facts.parameters_by_dtype = _parameters_of(files, headers)
    facts.parameters = sum(facts.parameters_by_dtype.values()) or None
    facts.gguf = _gguf_of(files, headers)
    facts.file_problems = files.problems
    return model


def _config_of(files: Files) -> config.ModelConfig | None:
    raw = files.content(CONFIG, config.LONGEST_CONFIG_BYTES + 1)
    if raw is None:
        return None
    try:
        return config.read_config(raw)
    except BadMetadata as problem:
        files.note(CONFIG, problem.message)
        return None


def _summary_of(model: config.ModelConfig) -> dict[str, object]:
    return {
        "architectures": list(model.architectures),
        "model_type": model.model_type,
        "auto_model": model.auto_model,
        "num_labels": model.num_labels,
        "has_custom_code": model.has_custom_code,
    }


def _headers_of(files: Files) -> dict[str, dict[str, object]]:
    """By path, what each file with weights says of itself (see `Blob.header`)."""
    likely = [path for path in files.sizes if path.lower().endswith(formats.WEIGHT_SUFFIXES)]
    paths = [path for path in likely if formats.is_weights(path)][:MOST_HEADERS]
    blobs = Blob.objects.in_bulk({files.blob_ids[path] for path in paths} - {None})
    headers: dict[str, dict[str, object]] = {}
    for path in paths:
        blob = blobs.get(files.blob_ids[path] or 0)
        if blob is None:
            continue
        try:
            headers[path] = _header_of(blob, path)
        except BlobUnavailable as problem:
            files.note(path, problem.message)
            continue
        if "problem" in headers[path]:
            files.note(path, str(headers[path]["problem"]))
    return headers


def _header_of(blob: Blob, path: str) -> dict[str, object]:
    """Read once and remembered with the blob, for each format that a name gave it."""
    named = formats.format_of(path)
    known: dict[str, dict[str, object]] = blob.header or {}
    if named not in known:
        blob.header = known = {**known, named: _read_header(blob, path, named)}
        blob.save(update_fields=["header"])
    return known[named]


def _read_header(blob: Blob, path: str, named: str) -> dict[str, object]:
    seen = formats.format_of(path, _read_at(blob, 0, formats.HEAD_BYTES))
    if named in WITH_HEADERS and seen != named:
        return {"format": seen, "problem": f"It is named {named}, but its content is not."}
    if seen not in WITH_HEADERS:
        return {"format": seen}
    read = safetensors.read_header if seen == formats.SAFETENSORS else gguf.read_gguf_header
    try:
        header = read(lambda offset, length: _read_at(blob, offset, length), blob.size)
    except BadMetadata as problem:
        return {"format": seen, "problem": problem.message}
    if header.total > LARGEST_COUNT:
        return {"format": seen, "problem": "It claims more parameters than any file can hold."}
    found: dict[str, object] = {"format": seen, "parameters": header.parameters}
    return found | ({"gguf": _said_by_gguf(header)} if isinstance(header, gguf.GgufHeader) else {})


def _said_by_gguf(header: gguf.GgufHeader) -> dict[str, object]:
    said = {"architecture": header.architecture, "context_length": header.context_length}
    template = header.metadata.get("tokenizer.chat_template")
    known: dict[str, object] = {name: value for name, value in said.items() if value}
    return known | ({"chat_template": template} if isinstance(template, str) else {})


def _gguf_of(files: Files, headers: dict[str, dict[str, object]]) -> dict[str, object] | None:
    """What the model's GGUF file says of itself; of several precisions the largest speaks."""
    said = {path: header for path, header in headers.items() if isinstance(header.get("gguf"), dict)}
    if not said:
        return None
    path = max(sorted(said), key=lambda one: files.sizes[one])
    counts, own = said[path].get("parameters"), said[path]["gguf"]
    total = sum(counts.values()) if isinstance(counts, dict) else 0
    return {"total": total, **(own if isinstance(own, dict) else {})}


def _read_at(blob: Blob, offset: int, length: int) -> bytes:
    if length > LONGEST_READ_BYTES:
        raise BadMetadata(_("Its header is too long to be read here."))
    return blob_store().read_range(blob.sha256, offset, length)


def _formats_of(files: Files, headers: dict[str, dict[str, object]]) -> list[str]:
    by_suffix = {path.rpartition(".")[2]: path for path in files.sizes if path not in headers}
    named = {formats.format_of(path) for path in by_suffix.values() if not formats.is_weights(path)}
    return sorted((named | {str(header["format"]) for header in headers.values()}) - {""})


def _parameters_of(files: Files, headers: dict[str, dict[str, object]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in _files_of_one_model(files, headers):
        found = headers.get(path, {}).get("parameters", {})
        for dtype, count in found.items() if isinstance(found, dict) else ():
            counts[dtype] = counts.get(dtype, 0) + count
    return counts


def _files_of_one_model(files: Files, headers: dict[str, dict[str, object]]) -> Iterable[str]:
    """Those whose tensors add up to the model: all shards, but not each of several precisions."""
    for path in WHOLE_MODELS:
        if path in headers:
            return [path]
    if SHARD_INDEX in files.sizes:
        return _shards_of(files)
    tensors = [path for path, header in headers.items() if header["format"] == formats.SAFETENSORS]
    if tensors:
        return [path for path in tensors if "/" not in path] or [path for path in tensors if ".fp16." not in path]
    quantised = [path for path, header in headers.items() if header["format"] == formats.GGUF]
    return sorted(quantised, key=lambda path: files.sizes[path])[-1:]  # one of several precisions


def _shards_of(files: Files) -> list[str]:
    raw = files.content(SHARD_INDEX, LONGEST_READ_BYTES)
    try:
        shards = safetensors.shards_of(raw or b"")
    except BadMetadata as problem:
        files.note(SHARD_INDEX, problem.message)
        return []
    missing = [name for name in shards if name not in files.sizes]
    if missing:
        files.note(SHARD_INDEX, f"It names {missing[0]}, which is not there.")
    return [name for name in shards if name in files.sizes]
