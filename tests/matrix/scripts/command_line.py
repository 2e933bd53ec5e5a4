"""The `hf` command, as a person types it. 0.36 has fewer commands, and some under other names."""

from __future__ import annotations

import json
import os
import subprocess
import time

import huggingface_hub
from features import OTHER, TOKENS, NotOffered, expect, feature, folder, repo_id, run
from huggingface_hub import HfApi

api = HfApi()
VERSION = tuple(int(part) for part in huggingface_hub.__version__.split(".")[:2])
OLD = VERSION < (1, 0)
CARD = "---\nlicense: mit\n---\n# By hand\n"


def hf(*words: object, status: int = 0, stdin: str = "", **environment: str) -> str:
    """What `hf` printed; given no token in `environment`, it acts as ann."""
    done = subprocess.run(
        [os.environ["MATRIX_HF"], *map(str, words)],
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != status:
        told = (done.stdout + done.stderr)[-350:]
        raise AssertionError(f"hf {' '.join(map(str, words))} ended with {done.returncode}: {told}")
    return done.stdout + done.stderr


def as_json(*words: object) -> object:
    """What `hf … --format json` printed."""
    text = hf(*words, "--format", "json")
    return json.loads(text[min(text.find(sign) for sign in "[{" if sign in text) :])


def new_repo(name: str, *files: str) -> str:
    repo = repo_id(name)
    api.create_repo(repo)
    for file in files:
        text = CARD if file == "README.md" else "text"
        api.upload_file(path_or_fileobj=text.encode(), path_in_repo=file, repo_id=repo)
    return repo


def since_one() -> None:
    if OLD:
        raise NotOffered("since 1.x")


@feature("hf auth login --token, whoami, list, token, switch, logout")
def auth() -> None:
    with folder() as here:
        home = {"HF_HOME": str(here), "HF_TOKEN": ""}
        hf("auth", "login", "--token", TOKENS["bob"], **home)
        expect(OTHER in hf("auth", "whoami", **home), True)
        expect("acme" in hf("auth", "whoami"), True)
        hf("auth", "list", **home)
        if not OLD:
            expect(TOKENS["bob"] in hf("auth", "token", **home), True)
        hf("auth", "logout", **home)
        expect("Not logged in" in hf("auth", "whoami", status=0 if OLD else 1, **home), True)
        hf("auth", "login", "--token", "hf_" + "a" * 40, status=1, **home)


@feature("hf repo create, delete")
def repos() -> None:
    repo = repo_id("hf-made")
    kind = "--repo-type" if OLD else "--type"
    word = "repo" if VERSION < (2, 0) else "repos"
    hf(word, "create", repo)
    hf(word, "create", repo, "--exist-ok")
    hf(word, "create", repo, status=1)
    hf(word, "create", repo, kind, "dataset", "--private")
    expect(api.dataset_info(repo).private, True)
    if not OLD:
        hf("repos", "delete", repo, "--yes")
        expect(api.repo_exists(repo), False)


@feature("hf upload: file, folder, a new branch, private; hf download")
def upload_and_download() -> None:
    repo = repo_id("hf-up")
    with folder() as here:
        (here / "in" / "sub").mkdir(parents=True)
        (here / "in" / "README.md").write_text(CARD)
        (here / "in" / "sub" / "w.bin").write_bytes(os.urandom(300_000))
        hf("upload", repo, here / "in", ".", "--private")
        hf("upload", repo, here / "in" / "README.md", "copy.md", "--revision", "next", "--commit-message", "Copy")
        hf("download", repo, "--local-dir", here / "out", "--revision", "next")
        hf("download", repo, "sub/w.bin", "--local-dir", here / "one")
        expect((here / "out" / "copy.md").read_text(), CARD)
        expect((here / "one" / "sub" / "w.bin").read_bytes(), (here / "in" / "sub" / "w.bin").read_bytes())
    expect(api.model_info(repo).private, True)
    expect("not found" in hf("download", repo_id("none"), status=1).lower(), True)


@feature("hf upload --create-pr")
def upload_as_pull_request() -> None:
    repo = new_repo("hf-pr", "README.md")
    with folder() as here:
        (here / "b.txt").write_text("b")
        hf("upload", repo, here / "b.txt", "--create-pr", HF_TOKEN=TOKENS["bob"])
    expect(api.list_repo_files(repo, revision="refs/pr/1"), [".gitattributes", "README.md", "b.txt"])


@feature("hf upload-large-folder")
def upload_large_folder() -> None:
    if VERSION >= (2, 0):
        raise NotOffered("gone since 2.0: hf upload takes its place")
    repo = new_repo("hf-large")
    with folder() as here:
        for number in range(5):
            (here / f"{number}.bin").write_bytes(os.urandom(10_000))
        hf("upload-large-folder", repo, here, "--repo-type" if OLD else "--type", "model")
    expect(len(api.list_repo_files(repo)), 6)


@feature("hf repo tag create, list, delete")
def tags() -> None:
    repo = new_repo("hf-tags", "README.md")
    word = "repo" if VERSION < (2, 0) else "repos"
    hf(word, "tag", "create", repo, "v1", "-m", "first")
    expect("v1" in hf(word, "tag", "list", repo), True)
    hf(word, "tag", "delete", repo, "v1", "-y")
    expect(api.list_repo_refs(repo).tags, [])


@feature("hf repos branch create, delete")
def branches() -> None:
    since_one()
    repo = new_repo("hf-branches", "README.md")
    hf("repos", "branch", "create", repo, "dev")
    expect([b.name for b in api.list_repo_refs(repo).branches], ["dev", "main"])
    hf("repos", "branch", "delete", repo, "dev")


@feature("hf repos delete-files, settings")
def settings() -> None:
    repo = new_repo("hf-settings", "README.md", "a.log")
    if OLD:
        hf("repo-files", "delete", repo, "*.log")
    else:
        hf("repos", "delete-files", repo, "*.log")
        hf("repos", "settings", repo, "--private")
        expect(api.model_info(repo).private, True)
    expect(api.list_repo_files(repo), [".gitattributes", "README.md"])


@feature("hf repos move")
def move() -> None:
    since_one()
    repo = new_repo("hf-mover", "README.md")
    hf("repos", "move", repo, repo_id("hf-moved"))
    expect(api.model_info(repo_id("hf-moved")).id, repo_id("hf-moved"))


@feature("hf repos duplicate")
def duplicate() -> None:
    since_one()
    repo = new_repo("hf-original", "README.md")
    hf("repos", "duplicate", repo, repo_id("hf-duplicate"))
    expect(api.list_repo_files(repo_id("hf-duplicate")), [".gitattributes", "README.md"])


@feature("hf repos ls: one's own repos with their storage")
def own_repos() -> None:
    since_one()
    repo = new_repo("hf-owned", "README.md")
    expect(repo in [one["id"] for one in as_json("repos", "ls", "--limit", 1000)], True)


@feature("hf models ls, info, card; hf datasets ls, info, card")
def lists() -> None:
    since_one()
    repo = new_repo("hf-listed", "README.md", "sub/a.txt")
    api.create_repo(repo, repo_type="dataset")
    api.upload_file(path_or_fileobj=CARD.encode(), path_in_repo="README.md", repo_id=repo, repo_type="dataset")
    listed = as_json("models", "ls", "--author", "ann", "--sort", "last_modified", "--limit", 1)
    expect([one["id"] for one in listed], [repo])
    files = ["models", "ls", repo, "-R"] if VERSION >= (1, 20) else ["models", "ls", repo]
    expect("sub/a.txt" in [file["path"] for file in as_json(*files)], True)
    expect(as_json("models", "info", repo)["id"], repo)
    expect("# By hand" in hf("models", "card", repo), True)
    found = lambda: [one["id"] for one in as_json("datasets", "ls", "--author", "ann", "--search", repo[4:])]  # noqa: E731
    deadline = time.monotonic() + 60  # what is written is found a little later (decision 21)
    while not found() and time.monotonic() < deadline:
        time.sleep(0.5)
    expect(found(), [repo])
    expect(as_json("datasets", "info", repo)["id"], repo)
    expect("# By hand" in hf("datasets", "card", repo), True)


@feature("hf cp: up, down, between repos")
def copy() -> None:
    since_one()
    repo, other = new_repo("hf-cp", "a.txt"), new_repo("hf-cp-to")
    api.upload_file(path_or_fileobj=b"\0" * 3000, path_in_repo="w.bin", repo_id=repo)
    with folder() as here:
        hf("cp", f"hf://{repo}/a.txt", here / "a.txt")
        expect((here / "a.txt").read_text(), "text")
        hf("cp", here / "a.txt", f"hf://{repo}/b.txt")
    hf("cp", f"hf://{repo}/w.bin", f"hf://{other}/w.bin")
    expect(api.list_repo_files(repo), [".gitattributes", "a.txt", "b.txt", "w.bin"])
    expect(api.list_repo_files(other), [".gitattributes", "w.bin"])


@feature("hf cache ls, verify, rm")
def cache() -> None:
    repo = new_repo("hf-cache", "README.md", "a.txt")
    hf("download", repo)
    if OLD:
        expect(repo in hf("cache", "scan"), True)
        return
    expect(repo in hf("cache", "ls"), True)
    hf("cache", "verify", repo)
    hf("cache", "rm", f"model/{repo}", "--yes")
    expect(repo in hf("cache", "ls"), False)


@feature("hf discussions: create, comment, rename, close, reopen, list, info")
def discussions() -> None:
    since_one()
    repo = new_repo("hf-talk", "README.md")
    hf("discussions", "create", repo, "--title", "A question", "--body", "Why?", HF_TOKEN=TOKENS["bob"])
    hf("discussions", "comment", repo, 1, "--body", "Because")
    hf("discussions", "rename", repo, 1, "An answer")
    hf("discussions", "close", repo, 1, "--yes")
    expect(api.get_discussion_details(repo, 1).status, "closed")
    hf("discussions", "reopen", repo, 1, "--yes")
    expect("An answer" in hf("discussions", "list", repo), True)
    expect("An answer" in hf("discussions", "info", repo, 1), True)


@feature("hf discussions: diff, merge")
def merge() -> None:
    since_one()
    repo = new_repo("hf-merge", "README.md")
    api.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo, create_pr=True)
    expect("b.txt" in hf("discussions", "diff", repo, 1), True)
    hf("discussions", "merge", repo, 1, "--yes")
    expect(api.list_repo_files(repo), [".gitattributes", "README.md", "b.txt"])


@feature("hf collections")
def collections() -> None:
    since_one()
    repo = new_repo("hf-collected", "README.md")
    title = f"By hand {repo[4:]}"
    hf("collections", "create", title)
    slug = next(c.slug for c in api.list_collections(owner="ann", limit=1000) if c.title == title)
    hf("collections", "add-item", slug, repo, "model", "--note", "Mine")
    expect(repo in hf("collections", "info", slug), True)
    hf("collections", "update", slug, "--description", "Some")
    hf("collections", "delete", slug, *(["--yes"] if "--yes" in hf("collections", "delete", "--help") else []))


@feature("hf webhooks")
def webhooks() -> None:
    since_one()
    hf("webhooks", "create", "--url", f"https://example.com/{repo_id('hook')}", "--watch", "user:ann")
    made = next(hook for hook in api.list_webhooks() if hook.url.endswith(repo_id("hook")))
    hf("webhooks", "disable", made.id)
    expect(api.get_webhook(made.id).disabled, True)
    expect(made.id in hf("webhooks", "ls"), True)
    hf("webhooks", "delete", made.id, *(["--yes"] if "--yes" in hf("webhooks", "delete", "--help") else []))


run()
