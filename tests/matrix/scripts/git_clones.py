"""git with git-lfs: clone, fetch, push, beside the commit API."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from features import ENDPOINT, OTHER, TOKENS, expect, feature, folder, repo_id, run
from huggingface_hub import HfApi

api = HfApi()


def git(*words: object, cwd: Path, fails: bool = False) -> str:
    """What git printed; it never asks for a password."""
    done = subprocess.run(
        ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if bool(done.returncode) != fails:
        raise AssertionError(f"git {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout + done.stderr


def address(repo: str, who: str = "ann") -> str:
    return f"{ENDPOINT.replace('://', f'://user:{TOKENS[who]}@')}/{repo}"


def new_repo(name: str, **options: object) -> str:
    repo = repo_id(name)
    api.create_repo(repo, **options)
    api.upload_file(path_or_fileobj=b"text\n", path_in_repo="a.txt", repo_id=repo)
    api.upload_file(path_or_fileobj=b"\0" * 5000, path_in_repo="w.bin", repo_id=repo)
    return repo


@feature("git clone with LFS files; fsck is clean, ids are the API's")
def clone() -> None:
    repo = new_repo("git-clone")
    with folder() as here:
        git("clone", f"{ENDPOINT}/{repo}", "there", cwd=here)
        there = here / "there"
        expect((there / "a.txt").read_text(), "text\n")
        expect((there / "w.bin").read_bytes(), b"\0" * 5000)
        expect(git("rev-parse", "HEAD", cwd=there).strip(), api.model_info(repo).sha)
        git("fsck", "--full", "--strict", cwd=there)
        expect(git("status", "--porcelain", cwd=there), "")


@feature("git clone --depth 1, of a branch, of a dataset")
def kinds_of_clone() -> None:
    repo = new_repo("git-kinds")
    api.create_branch(repo, branch="next")
    api.create_repo(repo, repo_type="dataset")
    with folder() as here:
        git("clone", "--depth", 1, "--branch", "next", f"{ENDPOINT}/{repo}.git", "shallow", cwd=here)
        expect(git("rev-list", "--count", "HEAD", cwd=here / "shallow").strip(), "1")
        git("clone", f"{ENDPOINT}/datasets/{repo}", "data", cwd=here)
        expect((here / "data" / ".gitattributes").exists(), True)


@feature("git push: text, LFS, a branch, a tag; the API sees them")
def push() -> None:
    repo = new_repo("git-push")
    with folder() as here:
        git("clone", address(repo), "there", cwd=here)
        there = here / "there"
        git("lfs", "install", "--local", cwd=there)
        (there / "b.txt").write_text("b\n")
        (there / "v.bin").write_bytes(os.urandom(200_000))
        git("add", ".", cwd=there)
        git("commit", "-m", "By git", cwd=there)
        git("tag", "v1", cwd=there)
        git("push", "origin", "main", "v1", "main:feature/x", cwd=there)
        head = git("rev-parse", "HEAD", cwd=there).strip()
        expect(api.model_info(repo).sha, head)
        expect(Path(api.hf_hub_download(repo, "v.bin")).read_bytes(), (there / "v.bin").read_bytes())
    refs = api.list_repo_refs(repo)
    expect(([b.name for b in refs.branches], [t.name for t in refs.tags]), (["feature/x", "main"], ["v1"]))
    expect(next(iter(api.list_repo_commits(repo))).title, "By git")


@feature("git fetch after the API committed; a stale push is refused, then rebased")
def interleaved() -> None:
    repo = new_repo("git-mixed")
    with folder() as here:
        git("clone", address(repo), "there", cwd=here)
        there = here / "there"
        api.upload_file(path_or_fileobj=b"api", path_in_repo="api.txt", repo_id=repo)
        (there / "git.txt").write_text("git")
        git("add", ".", cwd=there)
        git("commit", "-m", "By git", cwd=there)
        git("push", cwd=there, fails=True)
        git("pull", "--rebase", cwd=there)
        git("push", cwd=there)
    expect(api.list_repo_files(repo), [".gitattributes", "a.txt", "api.txt", "git.txt", "w.bin"])


@feature("private repos by token alone; others may not push")
def rights() -> None:
    private, public = new_repo("git-private", private=True), new_repo("git-public")
    with folder() as here:
        git("clone", f"{ENDPOINT}/{private}", "none", cwd=here, fails=True)
        git("clone", address(private, "bob"), "none", cwd=here, fails=True)
        git("clone", address(private), "mine", cwd=here)
        git("clone", address(public, "bob"), "public", cwd=here)
        git("commit", "--allow-empty", "-m", f"By {OTHER}", cwd=here / "public")
        git("push", cwd=here / "public", fails=True)


git("lfs", "install", "--skip-repo", cwd=Path.home())
run()
