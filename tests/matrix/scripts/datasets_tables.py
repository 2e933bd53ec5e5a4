"""datasets: tables, pushed, loaded and streamed."""

from __future__ import annotations

from datasets import Dataset, DatasetDict, get_dataset_config_names, get_dataset_split_names, load_dataset
from features import OTHER, TOKENS, expect, expect_error, feature, repo_id, run
from huggingface_hub import HfApi

api = HfApi()
ROWS = {"text": [f"row {number}" for number in range(200)], "label": [number % 3 for number in range(200)]}


@feature("push_to_hub and load_dataset, twice")
def round_trip() -> None:
    repo = repo_id("ds-round")
    Dataset.from_dict(ROWS).push_to_hub(repo)
    expect(load_dataset(repo, split="train").to_dict(), ROWS)
    Dataset.from_dict({"text": ["new"], "label": [1]}).push_to_hub(repo)
    expect(load_dataset(repo, split="train", download_mode="force_redownload").to_dict()["text"], ["new"])


@feature("splits, configurations, shards")
def splits() -> None:
    repo = repo_id("ds-splits")
    both = DatasetDict({"train": Dataset.from_dict(ROWS), "test": Dataset.from_dict({"text": ["t"], "label": [0]})})
    both.push_to_hub(repo, num_shards={"train": 3, "test": 1})
    both.push_to_hub(repo, config_name="other")
    expect(get_dataset_config_names(repo), ["default", "other"])
    expect(sorted(get_dataset_split_names(repo, "other")), ["test", "train"])
    expect(load_dataset(repo, "other", split="test")["text"][0], "t")
    expect(len([name for name in api.list_repo_files(repo, repo_type="dataset") if "train-0000" in name]), 4)


@feature("streaming")
def streaming() -> None:
    repo = repo_id("ds-stream")
    Dataset.from_dict(ROWS).push_to_hub(repo)
    stream = load_dataset(repo, split="train", streaming=True)
    expect([row["text"] for row in stream.take(3)], ROWS["text"][:3])
    expect(sum(1 for _ in stream), 200)


@feature("CSV and JSON lines, by data_files and by folder")
def plain_files() -> None:
    repo = repo_id("ds-files")
    api.create_repo(repo, repo_type="dataset")
    for path, text in (("data/train.csv", "a,b\n1,x\n2,y\n"), ("more/test.jsonl", '{"a": 3}\n{"a": 4}\n')):
        api.upload_file(path_or_fileobj=text.encode(), path_in_repo=path, repo_id=repo, repo_type="dataset")
    expect(load_dataset(repo, data_files="data/*.csv", split="train")["b"][:], ["x", "y"])
    expect(load_dataset(repo, data_dir="more", split="test")["a"][:], [3, 4])
    expect(load_dataset("csv", data_files=f"hf://datasets/{repo}/data/train.csv", split="train")["a"][:], [1, 2])


@feature("revision= branch, tag, sha")
def revisions() -> None:
    repo = repo_id("ds-rev")
    Dataset.from_dict({"n": [1]}).push_to_hub(repo)
    sha = api.dataset_info(repo).sha
    api.create_tag(repo, tag="v1", repo_type="dataset")
    Dataset.from_dict({"n": [2]}).push_to_hub(repo, revision="feature/x")
    Dataset.from_dict({"n": [3]}).push_to_hub(repo)
    found = [load_dataset(repo, split="train", revision=rev)["n"][0] for rev in ("v1", sha, "feature/x", "main")]
    expect(found, [1, 1, 2, 3])


@feature("private datasets")
def private() -> None:
    repo = repo_id("ds-private")
    Dataset.from_dict(ROWS).push_to_hub(repo, private=True)
    for token in (TOKENS["bob"], False):
        with expect_error(FileNotFoundError, "doesn't exist on the Hub or cannot be accessed"):
            load_dataset(repo, token=token)
    expect(load_dataset(repo, split="train").num_rows, 200)


@feature("gated datasets")
def gated() -> None:
    repo = repo_id("ds-gated")
    Dataset.from_dict(ROWS).push_to_hub(repo)
    api.update_repo_settings(repo, gated="manual", repo_type="dataset")
    with expect_error(FileNotFoundError, "gated"):
        load_dataset(repo, token=TOKENS["bob"])
    api.grant_access(repo, OTHER, repo_type="dataset")
    expect(load_dataset(repo, split="train", token=TOKENS["bob"]).num_rows, 200)


@feature("load_dataset of nothing")
def missing() -> None:
    with expect_error(FileNotFoundError, "doesn't exist on the Hub"):
        load_dataset(repo_id("ds-none"))


run()
