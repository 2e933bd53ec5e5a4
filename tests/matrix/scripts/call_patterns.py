"""Programs that cannot run here: the order of requests that `other-hubs.md` 4 and 6 describes, as plain HTTP where the
notes name each request (llama.cpp), otherwise through huggingface_hub as those programs use it (vLLM, keras_hub).

A pass says that the server answers these requests as the notes say the program expects, not that the program ran.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

from features import ENDPOINT, TOKENS, expect, feature, repo_id, run
from huggingface_hub import HfApi

api = HfApi()
GGUF = b"GGUF" + os.urandom(3_000_000)


def call(method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, body."""
    url = path if path.startswith("http") else f"{ENDPOINT}/{path}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, method=method, headers=named)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


@feature("llama.cpp -hf: refs, tree at the commit, HEAD, ranged GET")
def llama_cpp() -> None:
    repo = repo_id("llama")
    api.create_repo(repo, private=True)
    for name in ("tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf"):
        api.upload_file(path_or_fileobj=GGUF, path_in_repo=name, repo_id=repo)
    bearer = {"Authorization": f"Bearer {TOKENS['ann']}", "User_Agent": "llama-cpp"}
    _, _, body = call("GET", f"api/models/{repo}/refs", **bearer)
    commit = next(b["targetCommit"] for b in json.loads(body)["branches"] if b["name"] == "main")
    status, headers, body = call("GET", f"api/models/{repo}/tree/{commit}?recursive=true", **bearer)
    expect((status, "link" in headers), (200, False))  # it follows no cursor
    files = {file["path"]: file for file in json.loads(body) if file["type"] == "file"}
    expect(len(files["tiny-Q4_K_M.gguf"]["lfs"]["oid"]), 64)
    url = f"{repo}/resolve/{commit}/tiny-Q4_K_M.gguf"
    status, headers, _ = call("HEAD", url, **bearer)
    expect((status, headers["content-length"], headers["accept-ranges"]), (200, str(len(GGUF)), "bytes"))
    expect("etag" in headers, True)
    status, headers, body = call("GET", url, Range="bytes=1000000-", **bearer)
    expect((status, body == GGUF[1_000_000:]), (206, True))
    status, _, body = call("GET", f"api/models/{repo}/refs", User_Agent="llama-cpp")
    expect((status, "error" in json.loads(body)), (401, True))


@feature("llama.cpp: a repo of 2000 files is one page of tree")
def llama_cpp_large_tree() -> None:
    from huggingface_hub import CommitOperationAdd

    repo = repo_id("llama-many")
    api.create_repo(repo)
    many = [CommitOperationAdd(f"many/{number:04}.txt", b"x") for number in range(2000)]
    api.create_commit(repo, [*many, CommitOperationAdd("zz.gguf", GGUF)], commit_message="Many")
    commit = api.model_info(repo).sha
    status, headers, body = call("GET", f"api/models/{repo}/tree/{commit}?recursive=true", User_Agent="llama-cpp")
    expect((status, "zz.gguf" in [file["path"] for file in json.loads(body)], "link" in headers), (200, True, False))


@feature("vLLM: model_info, listing, weights by pattern (through huggingface_hub, in its order)")
def vllm() -> None:
    repo = repo_id("vllm")
    api.create_repo(repo)
    for name, data in (
        ("config.json", b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}'),
        ("model.safetensors", b"\0" * 3000),
        ("original/consolidated.00.pth", b"\0" * 3000),
    ):
        api.upload_file(path_or_fileobj=data, path_in_repo=name, repo_id=repo)
    expect(api.file_exists(repo, "config.json"), True)
    expect(api.file_exists(repo, "params.json"), False)
    files = api.list_repo_files(repo)
    patterns = [p for p in ("*.safetensors", "*.bin") if any(name.endswith(p[1:]) for name in files)]
    root = api.snapshot_download(repo, allow_patterns=patterns, ignore_patterns=["original/**/*"])
    expect(sorted(os.listdir(root)), ["model.safetensors"])
    status, headers, _ = call("HEAD", f"{repo}/resolve/main/model.safetensors.index.json")
    expect((status, headers["x-error-code"]), (404, "EntryNotFound"))


@feature("keras_hub hf://: presets probed file by file")
def keras_hub() -> None:
    repo = repo_id("keras")
    api.create_repo(repo)
    config = b'{"module": "keras_hub.src.models.bert.bert_backbone", "class_name": "BertBackbone"}'
    for name, data in (
        ("config.json", config),
        ("metadata.json", b"{}"),
        ("model.weights.h5", b"\x89HDF" + bytes(3000)),
    ):
        api.upload_file(path_or_fileobj=data, path_in_repo=name, repo_id=repo)
    from huggingface_hub.errors import EntryNotFoundError

    found = []
    for name in (
        "config.json",
        "metadata.json",
        "task.json",
        "preprocessor.json",
        "tokenizer.json",
        "model.weights.h5",
    ):
        try:
            found.append(os.path.basename(api.hf_hub_download(repo, name)))
        except EntryNotFoundError as error:
            expect("404 Client Error" in str(error), True)
    expect(found, ["config.json", "metadata.json", "model.weights.h5"])


@feature("torch.hub.load_state_dict_from_url, pip, curl: a plain file by its address")
def plain_addresses() -> None:
    repo = repo_id("plain")
    api.create_repo(repo)
    api.upload_file(path_or_fileobj=GGUF, path_in_repo="toy.pth", repo_id=repo)
    status, headers, body = call("GET", f"{repo}/resolve/main/toy.pth", User_Agent="torch.hub")
    expect((status, headers["content-length"], body == GGUF), (200, str(len(GGUF)), True))


run()
