"""`expand`: every name the client knows is answered with what is true, or left out on purpose."""

from __future__ import annotations

import json
import struct
from typing import get_args

import pytest
from django.core.cache import cache
from huggingface_hub import hf_api

from catalog.hub_api import info
from tests.factories import OrganisationFactory, RepoFactory, commit_content

RESULTS = b"""
- dataset: {id: ann/bench, task_id: default, revision: abc}
  value: 0.412
  date: 2026-01-15
  source: {url: "https://example.org/run", name: Eval Logs}
- dataset: {id: ann/other, task_id: t}
  value: 12
"""


def safetensors(**tensors):
    header, at = {}, 0
    for name, size in tensors.items():
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + b"\0" * at


@pytest.fixture
def model(ann):
    repo = RepoFactory(actor=ann, name="model")
    commit_content(
        repo,
        {
            "README.md": b"---\nlibrary_name: transformers\npipeline_tag: fill-mask\nmask_token: '[MASK]'\n---\n",
            "config.json": b'{"architectures": ["BertForMaskedLM"], "model_type": "bert"}',
            ".eval_results/bench.yaml": RESULTS,
            ".eval_results/broken.yaml": b"value: 1",
        },
    )
    return repo


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_every_name_the_client_may_ask_for_is_known(kind):
    names = set(get_args(getattr(hf_api, f"Expand{kind.title()}Property_T")))

    assert names <= {*info.FIELDS[kind], *info.NOT_KEPT[kind]}


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_all_of_them_at_once_are_answered_and_parsed(kind, ann, stranger, model):
    if kind != "model":
        RepoFactory(actor=ann, name="model", kind=kind)
    names = get_args(getattr(hf_api, f"Expand{kind.title()}Property_T"))
    query = "&".join(f"expand={name}" for name in names)

    answer = stranger.get(f"/api/{kind}s/ann/model?{query}").json()
    listed = stranger.get(f"/api/{kind}s?{query}").json()

    parsed = getattr(hf_api, f"{kind.title()}Info")(**answer)
    assert parsed.id == "ann/model"
    assert listed[0]["id"] == "ann/model"
    assert set(answer) <= {*names, "id", "_id"}
    assert answer["usedStorage"] > 0


def test_stated_results_are_claims_and_nothing_more(model, stranger):
    answer = stranger.get("/api/models/ann/model?expand=evalResults").json()

    parsed = hf_api.ModelInfo(**answer).eval_results
    assert [(one.dataset_id, one.value, one.source_name) for one in parsed] == [
        ("ann/bench", 0.412, "Eval Logs"), ("ann/other", 12, None),
    ]  # fmt: skip
    assert any("error" in one for one in answer["evalResults"])
    model.facts.refresh_from_db()
    assert [(claim["dataset"], claim["value"]) for claim in model.facts.claims] == [
        ("ann/bench", 0.412), ("ann/other", 12.0),
    ]  # fmt: skip


def test_what_is_known_of_a_model_is_said(model, ann, stranger):
    child = RepoFactory(actor=ann, name="child")
    commit_content(child, {"README.md": b"---\nbase_model: ann/model\n---\n"})
    space = RepoFactory(actor=ann, name="demo", kind="space")
    commit_content(space, {"README.md": b"---\nsdk: gradio\nmodels: [ann/model]\n---\n"})
    query = "expand=childrenModelCount&expand=spaces&expand=transformersInfo&expand=mask_token"

    answer = stranger.get(f"/api/models/ann/model?{query}").json()

    assert (answer["childrenModelCount"], answer["spaces"], answer["mask_token"]) == (1, ["ann/demo"], "[MASK]")
    assert answer["transformersInfo"] == {"auto_model": "AutoModelForMaskedLM", "pipeline_tag": "fill-mask"}
    space_info = stranger.get("/api/spaces/ann/demo").json()
    assert (space_info["sdk"], space_info["models"]) == ("gradio", ["ann/model"])


def test_spaces_are_found_by_the_models_and_datasets_they_use(ann, stranger):
    for name, card in (("both", b"models: [a/m]\ndatasets: [a/d]"), ("one", b"models: [a/m, a/n]"), ("none", b"a: 1")):
        commit_content(RepoFactory(actor=ann, name=name, kind="space"), {"README.md": b"---\n" + card + b"\n---\n"})

    def found(query):
        return sorted(one["id"] for one in stranger.get(f"/api/spaces?{query}").json())

    assert found("models=a/m") == ["ann/both", "ann/one"]
    assert found("models=a/m&models=a/n") == ["ann/one"]
    assert found("models=a/m&datasets=a/d") == ["ann/both"]
    assert found("datasets=a/m") == []
    assert found("models=a") == []


@pytest.mark.parametrize("query", ["linked=true", "full=true", "models=a/m"])
def test_lists_of_spaces_name_what_they_use_when_asked(ann, stranger, query):
    commit_content(RepoFactory(actor=ann, name="app", kind="space"), {"README.md": b"---\nmodels: [a/m]\n---\n"})

    (plain,) = stranger.get("/api/spaces").json()
    (told,) = stranger.get(f"/api/spaces?{query}").json()

    assert "models" not in plain
    assert told["models"] == ["a/m"]
    assert ("cardData" in told) is (query == "full=true")


def test_a_list_sorted_by_trend_says_the_trend(model, stranger):
    (trending,) = stranger.get("/api/models?sort=trendingScore").json()
    (plain,) = stranger.get("/api/models").json()

    assert trending["trendingScore"] == 0
    assert "trendingScore" not in plain


def test_headers_of_all_shards_come_in_one_answer(ann, stranger):
    repo = RepoFactory(actor=ann, name="sharded")
    index = {"metadata": {"total_size": 5}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}
    files = {
        "model.safetensors.index.json": json.dumps(index).encode(),
        "1.safetensors": safetensors(a=2),
        "2.safetensors": safetensors(b=3),
    }
    commit_content(repo, files, lfs=("1.safetensors", "2.safetensors"))
    path = "/api/models/ann/sharded/safetensors-metadata"

    answer = stranger.get(f"{path}/model.safetensors.index.json").json()

    assert answer["index"] == {"metadata": {"total_size": 5}}
    assert answer["headers"]["2.safetensors"]["b"]["shape"] == [3]
    assert stranger.get(f"{path}/nothing.json")["X-Error-Code"] == "EntryNotFound"
    assert stranger.get("/api/models/ann/no/safetensors-metadata/x.json")["X-Error-Code"] == "RepoNotFound"


def test_tags_by_type_are_what_public_repos_have(model, ann, stranger):
    cache.clear()
    secret = RepoFactory(actor=ann, name="secret", visibility="private")
    commit_content(secret, {"README.md": b"---\nlibrary_name: secretlib\n---\n"})

    models, datasets = (stranger.get(f"/api/{kind}-tags-by-type").json() for kind in ("models", "datasets"))

    assert {"id": "transformers", "label": "transformers", "type": "library"} in models["library"]
    assert [tag["id"] for tag in models["pipeline_tag"]] == ["fill-mask"]
    assert "secretlib" not in json.dumps(models)
    assert "task_categories" in datasets


def test_a_dataset_lists_who_states_what_on_it(model, ann, stranger, owner):
    RepoFactory(actor=ann, name="bench", kind="dataset")
    team = OrganisationFactory(name="acme", admin=ann)
    better = RepoFactory(actor=ann, namespace=team.namespace, name="better")
    commit_content(better, {".eval_results/a.yaml": RESULTS.replace(b"0.412", b"0.5")})
    tuned = RepoFactory(actor=ann, name="tuned")
    card = b"---\nbase_model: ann/model\n---\n"
    commit_content(tuned, {"README.md": card, ".eval_results/a.yaml": RESULTS.replace(b"0.412", b"0.9")})
    secret = RepoFactory(actor=ann, name="secret", visibility="private")
    commit_content(secret, {".eval_results/a.yaml": RESULTS})
    path = "/api/datasets/ann/bench/leaderboard"

    entries = [hf_api.DatasetLeaderboardEntry(**one) for one in stranger.get(f"{path}?base_model=true").json()]

    assert [(one.rank, one.model_id, one.value, one.verified) for one in entries] == [
        (1, "acme/better", 0.5, False), (2, "ann/model", 0.412, False),
    ]  # fmt: skip
    assert [type(one.author).__name__ for one in entries] == ["Organization", "User"]
    assert len(stranger.get(f"{path}?base_model=false").json()) == 3
    assert len(owner.get(path).json()) == 3
    assert stranger.get("/api/datasets/ann/no/leaderboard")["X-Error-Code"] == "RepoNotFound"


def test_sizes_of_a_whole_list_are_summed_at_once(ann, stranger, django_assert_max_num_queries):
    for number in range(4):
        RepoFactory(actor=ann, name=f"m{number}")

    with django_assert_max_num_queries(4):
        listed = stranger.get("/api/models?expand=usedStorage").json()

    assert len(listed) == 4
    assert all(one["usedStorage"] > 0 for one in listed)
