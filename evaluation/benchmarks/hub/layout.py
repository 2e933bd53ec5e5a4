"""Which files make up one split of one config: by `configs:` in the card, else by the Hub's conventions for names.

Source: https://huggingface.co/docs/hub/datasets-data-files-configuration, …-file-names-and-splits
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from catalog.errors import BadMetadata
from catalog.parsing.globs import compile_glob
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.files import DataFile, DatasetFiles

FORMATS: Final = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")  # the first that a split has is read
NO_DATA: Final = ("dataset_infos.json", "dataset_info.json", "package.json", "config.json", "statistics.json")
ALIASES: Final = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
NAMED: Final = 6  # files or configs that a sentence lists


def split_files(found: DatasetFiles, config: str, split: str) -> list[DataFile]:
    """The data files of this split, by path.

    Raises:
        DataUnavailable: there is no such config or split; says what there is.
    """
    configs = _configs_of_card(found)
    if configs:
        paths = _by_card(found, configs, config, split)
    else:
        paths = _by_names(_below(_data_paths(found), _folder_of(found, config)), split)
    if not paths:
        raise DataUnavailable(
            f"{found.name} has no split {split!r}{_of_config(config)}; its data files are "
            f"{_some(_data_paths(found)) or 'none that can be read (parquet, jsonl, json, csv)'}."
        )
    return [found.files[path] for path in _one_format(paths)]


def format_of(path: str) -> str:
    """`.parquet`, `.jsonl`, …, also when compressed; "" for what is no table."""
    name = path.lower().removesuffix(".gz")
    return next((ending for ending in FORMATS if name.endswith(ending)), "")


def _configs_of_card(found: DatasetFiles) -> list[dict[str, Any]]:
    """`configs:` alone is read: what surrounds it may be far longer than a card's metadata should be."""
    from catalog.parsing.front_matter import read_yaml, split_card  # its sentences are Django's to translate

    matter, _body = split_card(found.card)
    lines = (matter or "").splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if re.match(r"configs:\s*(#.*)?$", line)), None)
    if start is None:
        return []
    after = lines[start + 1 :]
    length = next((at for at, line in enumerate(after) if re.match(r"[^\s#-]", line)), len(after))
    try:
        value, _problems = read_yaml("".join(lines[start : start + 1 + length]))
    except BadMetadata as error:
        raise DataUnavailable(f"The configs in the card of {found.name} cannot be read: {error.message}") from error
    listed = value.get("configs") if isinstance(value, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _by_card(found: DatasetFiles, configs: list[dict[str, Any]], config: str, split: str) -> list[str]:
    chosen = [one for one in configs if str(one.get("config_name", "default")) == config]
    if not chosen and config == "default":
        chosen = [one for one in configs if one.get("default")] or (configs if len(configs) == 1 else [])
    if not chosen:
        names = [str(one.get("config_name", "default")) for one in configs]
        raise DataUnavailable(f"{found.name} has no config {config!r}; it has {_some(names)}.")
    one = chosen[0]
    folder = str(one.get("data_dir") or "").strip("/")
    files = one.get("data_files")
    paths = _below(_data_paths(found), folder)
    if files is None:
        return _by_names(paths, split)
    patterns = list(_patterns(files, split))
    if patterns:
        return [path for path in paths if any(_matches(pattern, path, folder) for pattern in patterns)]
    if all(isinstance(item, str) for item in ([files] if isinstance(files, str) else files)):
        whole = [path for path in paths if any(_matches(str(one), path, folder) for one in _listed(files))]
        return _by_names(whole, split)
    return []


def _patterns(files: object, split: str) -> Iterator[str]:
    """The patterns that `data_files` gives for one split."""
    for item in _listed(files):
        if isinstance(item, dict) and str(item.get("split", "train")) == split:
            yield from (str(path) for path in _listed(item.get("path")))


def _matches(pattern: str, path: str, folder: str) -> bool:
    whole = f"{folder}/{pattern}" if folder else pattern
    whole = whole.removeprefix("./")
    # A pattern without a slash means the top folder here; git's would mean any.
    return ("/" in whole or "/" not in path) and compile_glob(whole).matches(path)


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _data_paths(found: DatasetFiles) -> list[str]:
    paths = sorted(found.files)
    return [path for path in paths if format_of(path) and path.rpartition("/")[2] not in NO_DATA]


def _folder_of(found: DatasetFiles, config: str) -> str:
    """Without `configs:`, a config other than the default one is a folder."""
    if config == "default":
        return ""
    for folder in (config, f"data/{config}"):
        if any(path.startswith(f"{folder}/") for path in found.files):
            return folder
    raise DataUnavailable(f"{found.name} has no config {config!r}: neither its card nor a folder names it.")


def _below(paths: list[str], folder: str) -> list[str]:
    return [path for path in paths if path.startswith(f"{folder}/")] if folder else paths


def _by_names(paths: list[str], split: str) -> list[str]:
    """By the name of the split, else by its customary other names; what names no split at all is `train`."""
    exact = [path for path in paths if _names(path, (split,))]
    if exact:
        return exact
    if split in ALIASES and (customary := [path for path in paths if _names(path, ALIASES[split])]):
        return customary
    every = tuple(word for words in ALIASES.values() for word in words)
    nameless = [path for path in paths if not _names(path, every)]
    return nameless if split == "train" and len(nameless) == len(paths) else []


def _names(path: str, words: Iterable[str]) -> bool:
    """Whether a folder or the file's name has one of these words between `.`, `_`, `-`, digits and its ends."""
    pattern = "|".join(re.escape(word) for word in words)
    return re.search(rf"(?:^|[/._\- 0-9])(?:{pattern})(?:[/._\- 0-9]|$)", path) is not None


def _one_format(paths: list[str]) -> list[str]:
    first = min((format_of(path) for path in paths), key=FORMATS.index)
    return sorted(path for path in paths if format_of(path) == first)


def _of_config(config: str) -> str:
    return "" if config == "default" else f" of config {config!r}"


def _some(names: list[str]) -> str:
    more = f" … ({len(names)} in all)" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
