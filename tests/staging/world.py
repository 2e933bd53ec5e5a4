"""What their tests expect to find on the public Hub, as far as it can be made anew: run by the client's own Python.

`python world.py` reads {"endpoint", "token"} and writes the constants that name commits of this world. The contents are
ours; only ids, file names and the facts that tests look at are theirs.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.utils import get_session, hf_raise_for_status

DUMMY = "julien-c/dummy-unknown"
LARGE = b"\0\1" * 700
MANY = 101  # more than one page of a list
CARD_OF_ALL_TAGS = """\
---
license: apache-2.0
language: [en, fr]
language_creators: [crowdsourced]
multilinguality: [multilingual]
size_categories: [100K<n<1M]
task_categories: [audio-classification]
task_ids: [natural-language-inference]
---
# Every tag that is looked for
"""
# (kind, id, files): one commit each.
SIMPLE: tuple[tuple[str, str, dict[str, str | bytes]], ...] = (
    ("dataset", "lhoestq/custom_squad", {"README.md": CARD_OF_ALL_TAGS, "train.bin": LARGE}),
    ("dataset", "huggingface/DataMeasurementsFiles", {"README.md": "# Files\n"}),
    ("dataset", "HuggingFaceH4/no_robots", {}),
    ("dataset", "openai/gsm8k", {}),
    ("dataset", "rajpurkar/squad", {"README.md": "# Questions\n"}),
    ("dataset", "HuggingFaceFW/fineweb", {"README.md": "---\nlicense: odc-by\n---\n# 🍷 FineWeb\n"}),
    ("dataset", "allenai/math_qa", {"math_qa.py": "class MathQa:\n    pass\n"}),
    ("model", "celinah/dummy-xet-testing", {"dummy.safetensors": LARGE}),
    ("model", "hf-internal-testing/dummy-will-be-renamed", {"config.json": "{}"}),
    ("model", "hf-internal-testing/hfh_ci_scan_repo_a", {"README.md": "# A\n", "file.txt": "A"}),
    ("model", "muellerzr/testing", {}),
    ("model", "facebook/bart-base", {}),
    ("model", "microsoft/wavlm-base-sd", {"pytorch_model.bin": LARGE}),
    ("model", "albert/albert-base-v2", {"README.md": "---\npipeline_tag: fill-mask\n---\n"}),
    ("model", "HuggingFaceBR4/logged", {"README.md": "---\ntags: [tensorboard]\nco2_eq_emissions: 10\n---\n"}),
    ("model", "HuggingFaceH4/zephyr-7b-beta", {"README.md": "---\nwidget:\n- text: Who are you?\n---\n# Zephyr\n"}),
    ("model", "Qwen/Qwen3-0.6B", {"README.md": "---\nlibrary_name: transformers\n---\n# Qwen3-0.6B\n"}),
    ("model", "openai-community/gpt2", {"README.md": "# GPT-2\n"}),
    ("model", "zai-org/GLM-5.2", {}),
    ("model", "teknium/OpenHermes-2.5-Mistral-7B", {}),
    ("model", "openchat/openchat_3.5", {}),
    ("space", "HuggingFaceH4/zephyr-chat", {}),
    (
        "space",
        "black-forest-labs/FLUX.1-dev",
        {"README.md": "---\nsdk: static\nmodels: [bert-base-uncased]\ndatasets: [wikipedia]\n---\n"},
    ),
    ("space", "mteb/leaderboard", {"README.md": "---\nlicense: mit\nsdk: static\n---\n# MTEB Leaderboard\n"}),
    ("space", "gradio/theme_builder", {"README.md": "# Themes\n", "run.py": "print()\n"}),
    (
        "space",
        "multimodalart/dreambooth-training",
        {"README.md": "---\ntitle: Dreambooth Training\nsdk: static\n---\n"},
    ),
    ("space", "open-llm-leaderboard/open_llm_leaderboard", {}),
)


def build(api: HfApi) -> dict[str, str]:
    for kind, repo, files in SIMPLE:
        create(api, kind, repo)
        if files:
            commit(api, kind, repo, files)
    api.move_repo("hf-internal-testing/dummy-will-be-renamed", "hf-internal-testing/dummy-renamed")
    _branches(api)
    _pull_requests(api)
    _weights(api)
    _lists(api)
    _talk(api)
    _leaderboards(api)
    return _dummy_model(api) | _dummy_dataset(api)


def create(api: HfApi, kind: str, repo: str) -> None:
    api.create_repo(repo, repo_type=kind, **({"space_sdk": "static"} if kind == "space" else {}))


def commit(api: HfApi, kind: str, repo: str, files: dict[str, str | bytes], **options: object) -> str:
    adds = [
        CommitOperationAdd(path, content.encode() if isinstance(content, str) else content)
        for path, content in files.items()
    ]
    done = api.create_commit(repo, adds, commit_message="Files", repo_type=kind, **options)
    return done.oid


def _dummy_model(api: HfApi) -> dict[str, str]:
    create(api, "model", DUMMY)
    # Their tests compare this size, and want another one at the head of main.
    first = commit(api, "model", DUMMY, {"config.json": "{" + " " * 849 + "}", "pytorch_model.bin": LARGE})
    names = ("merges.txt", "vocab.json", "README.md", "config.json")
    large = ("flax_model.msgpack", "tf_model.h5")
    texts: dict[str, str | bytes] = dict.fromkeys(names, "{}\n")
    commit(api, "model", DUMMY, texts | {name: name.encode() + LARGE for name in large})
    commit(api, "model", DUMMY, {"on_pr.txt": "1"}, create_pr=True)
    return {"DUMMY_MODEL_ID_REVISION_ONE_SPECIFIC_COMMIT": first}


def _dummy_dataset(api: HfApi) -> dict[str, str]:
    repo = "gaia-benchmark/GAIA"
    create(api, "dataset", repo)
    first = commit(api, "dataset", repo, {"README.md": "---\nlanguage: en\n---\n# Assistants\n"})
    commit(api, "dataset", repo, {"test.csv": "a,b\n"})
    return {"DUMMY_DATASET_ID_REVISION_ONE_SPECIFIC_COMMIT": first}


def _branches(api: HfApi) -> None:
    repo = "hf-internal-testing/hfh-cache-layout"
    create(api, "model", repo)
    commit(api, "model", repo, {"file_0.txt": "File 0", "file_1.txt": "File 1"})
    for number in (2, 3):
        api.create_branch(repo, branch=f"file-{number}")
        commit(api, "model", repo, {f"file_{number}.txt": f"File {number}"}, revision=f"file-{number}")


def _pull_requests(api: HfApi) -> None:
    for number in range(2):
        commit(api, "model", "openchat/openchat_3.5", {f"{number}.txt": "1"}, create_pr=True)
    repo = "huggingface-hub-ci/test_safetensors_metadata"
    create(api, "model", repo)
    commit(api, "model", repo, {"model.safetensors": header({"a": ("F32", [1])}) + b"\0" * 4}, create_pr=True)


def header(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """The beginning of a safetensors file, which is all that the client reads."""
    described: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, (dtype, shape) in tensors.items():
        end = start + math.prod(shape) * {"F32": 4, "F16": 2, "BF16": 2}[dtype]
        described[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(described).encode()
    return len(text).to_bytes(8, "little") + text


def _weights(api: HfApi) -> None:
    """Names, numbers and shapes as their tests count them, of weights that are not there."""
    norm, third, whole = 4_096, 989_888_512, 7_241_732_096
    shards = {number: header({f"rest.{number}": ("BF16", [1_000])}) for number in range(1, 8)}
    shards[3] = header({"model.layers.10.input_layernorm.weight": ("BF16", [norm]), "rest.3": ("BF16", [third - norm])})
    shards[8] = header({"rest.8": ("BF16", [whole - third - 6_000])})
    names = {number: f"model-{number:05}-of-00008.safetensors" for number in shards}
    places = {f"rest.{number}": name for number, name in names.items()}
    places["model.layers.10.input_layernorm.weight"] = names[3]
    index = {"metadata": {"total_size": 2 * whole}, "weight_map": places}
    files: dict[str, str | bytes] = {names[number]: shard for number, shard in shards.items()}
    files |= {"model.safetensors.index.json": json.dumps(index), "pytorch_model-00001-of-00008.bin": LARGE}
    commit(api, "model", "HuggingFaceH4/zephyr-7b-beta", files)
    create(api, "model", "bigscience/bloomz-560m")
    bias, others = "h.0.input_layernorm.bias", {f"rest.{number}": ("F16", [1]) for number in range(291)}
    single = header({bias: ("F16", [1_024]), **others, "last": ("F16", [559_214_592 - 1_024 - 291])})
    commit(api, "model", "bigscience/bloomz-560m", {"model.safetensors": single})


def _lists(api: HfApi) -> None:
    for number in range(12):
        repo = f"google/bert-{number}"
        create(api, "model", repo)
        if number < 2:
            commit(api, "model", repo, {"README.md": "---\ntags: [bert, jax]\n---\n"})
    for repo, gate in (("google/gated-1", "auto"), ("google/gated-2", "manual")):
        for kind in ("model", "dataset"):
            create(api, kind, repo)
            api.update_repo_settings(repo, gated=gate, repo_type=kind)
    for kind, repo in _fillers():
        create(api, kind, repo)


def _fillers() -> Iterator[tuple[str, str]]:
    for number in range(MANY):
        yield "model", f"google/filler-{number}"
        yield "dataset", f"google/wikipedia-{number}"
        yield "space", f"julien-c/wikipedia-{number}"


def _talk(api: HfApi) -> None:
    space = "open-llm-leaderboard/open_llm_leaderboard"
    for number in range(51):
        api.create_discussion(space, f"Question {number}", repo_type="space")
    liked = get_session().post(f"{api.endpoint}/api/spaces/{space}/like", headers=api._build_hf_headers())
    hf_raise_for_status(liked)
    for number in range(3):
        found = api.create_collection(f"Chats {number}", namespace="teknium")
        api.add_collection_item(found.slug, "teknium/OpenHermes-2.5-Mistral-7B", "model")


def _leaderboards(api: HfApi) -> None:
    """Two results on each dataset; on the second one, that of a model which was made from another."""
    for dataset, derived in (("allenai/olmOCR-bench", ""), ("LiquidAI/ifstruct-v1.0", "google/bert-0")):
        create(api, "dataset", dataset)
        name = dataset.split("/")[1]
        result = f"- dataset:\n    id: {dataset}\n    task_id: default\n  value: 0.5\n"
        for repo, card in ((f"google/on-{name}", ""), (f"google/on-{name}-again", derived)):
            create(api, "model", repo)
            files: dict[str, str | bytes] = {".eval_results/result.yaml": result}
            if card:
                files["README.md"] = f"---\nbase_model: {card}\n---\n"
            commit(api, "model", repo, files)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    print(json.dumps(build(HfApi(endpoint=told["endpoint"], token=told["token"]))))
