"""A dataset as a folder for a harness: rows and what tells of them, nothing that could lead elsewhere."""

import json

import pytest
import yaml

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.harnesses import laid_out
from tests.evaluation.benchmarks.data import dataset


def head_of(folder):
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


def test_tables_become_files_that_the_card_names(tmp_path):
    laid_out.write_tables({"corpus": {"all": [{"_id": "ä"}]}, "default": {"test": [{"a": 1}, {"a": 2}]}}, tmp_path)

    rows = (tmp_path / "default" / "test.jsonl").read_text().splitlines()
    assert [json.loads(row) for row in rows] == [{"a": 1}, {"a": 2}]
    assert head_of(tmp_path)["configs"][0] == {
        "config_name": "corpus",
        "data_files": [{"split": "all", "path": "corpus/all.jsonl"}],
    }


def test_scripts_pickles_and_archives_stay_behind(tmp_path):
    kept = {"data/test.parquet": b"1", "x.jsonl.gz": b"2", "y.csv": b"3"}
    left = {
        "load.py": b"4",
        "rows.pkl": b"5",
        "all.zip": b"6",
        "all.tar": b"7",
        "x.yaml": b"8",
        ".huggingface.yaml": b"9",
    }

    laid_out.write_files(dataset(kept | left), tmp_path)

    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(kept) | {"README.md"}


def test_of_the_card_only_configs_and_columns_are_kept(tmp_path):
    card = b"---\nlicense: mit\nconfigs:\n- config_name: en\n  data_files: en/*.jsonl\n---\nSee /etc.\n"

    laid_out.write_files(dataset({"README.md": card}), tmp_path)

    assert head_of(tmp_path) == {"configs": [{"config_name": "en", "data_files": "en/*.jsonl"}]}


@pytest.mark.parametrize("path", ["/etc/passwd", "../secrets.txt", "https://elsewhere.example/x.csv", "~/x.txt"])
def test_a_card_that_names_files_elsewhere_is_refused(path, tmp_path):
    card = f"---\nconfigs:\n- config_name: default\n  data_files:\n  - {{split: test, path: '{path}'}}\n---\n".encode()

    with pytest.raises(DataUnavailable, match="names a file that is not its own"):
        laid_out.write_files(dataset({"README.md": card}), tmp_path)


def test_a_file_outside_the_folder_is_not_written(tmp_path):
    with pytest.raises(DataUnavailable, match="outside itself"):
        laid_out.write_files(dataset({"../up.csv": b"a"}), tmp_path)


def test_a_dataset_beyond_all_measure_is_refused_before_it_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(laid_out, "LARGEST", 3)

    with pytest.raises(DataUnavailable, match="too large"):
        laid_out.write_files(dataset({"a.csv": b"12", "b.csv": b"34"}), tmp_path)

    assert list(tmp_path.iterdir()) == []
