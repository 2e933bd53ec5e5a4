"""huggingface_hub: the calls of its Python API, as far as a self-hosted hub can answer them."""

from __future__ import annotations

import hashlib
import io
import os
import random
import time

import huggingface_hub
from features import OTHER, TOKENS, NotOffered, expect, expect_error, feature, folder, repo_id, run, text_of
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

api, bob, stranger = HfApi(), HfApi(token=TOKENS["bob"]), HfApi(token=False)
VERSION = tuple(int(part) for part in huggingface_hub.__version__.split(".")[:2])
CARD = b"---\nlicense: mit\ntags: [from-the-matrix]\npipeline_tag: text-classification\n---\n# Card\n"


def new_repo(name: str, *files: tuple[str, bytes], **options: object) -> str:
    repo = repo_id(name)
    api.create_repo(repo, **options)
    if files:
        kind = options.get("repo_type", "model")
        api.create_commit(repo, [CommitOperationAdd(*file) for file in files], commit_message="Files", repo_type=kind)
    return repo


def random_bytes(size: int, seed: str) -> bytes:
    return random.Random(seed).randbytes(size)


@feature("whoami names person, teams and token")
def whoami() -> None:
    me = api.whoami()
    expect((me["name"], me["fullname"], [org["name"] for org in me["orgs"]]), ("ann", "Ann", ["acme"]))
    expect(me["auth"]["accessToken"]["role"], "write")


@feature("login stores a token, logout forgets it")
def login() -> None:
    from huggingface_hub.constants import HF_TOKEN_PATH

    del os.environ["HF_TOKEN"]
    huggingface_hub.login(TOKENS["bob"])
    expect(text_of(HF_TOKEN_PATH).strip(), TOKENS["bob"])
    huggingface_hub.logout()
    with expect_error(FileNotFoundError):
        text_of(HF_TOKEN_PATH)
    os.environ["HF_TOKEN"] = TOKENS["ann"]


@feature("a wrong token is refused in words")
def wrong_token() -> None:
    before_one = HfHubHTTPError.__bases__[0]  # whoami of 0.x raises what requests raised
    with expect_error(before_one if VERSION < (1, 0) else HfHubHTTPError, "token", status=401):
        HfApi(token="hf_" + "a" * 40).whoami()
    with expect_error(HfHubHTTPError, status=401):
        HfApi(token="hf_" + "a" * 40).create_repo(repo_id("never"))


@feature("a read token reads and does not write")
def read_token() -> None:
    repo = new_repo("read-token", ("a.txt", b"a"), private=True)
    reader = HfApi(token=TOKENS["reader"])
    expect(reader.list_repo_files(repo), [".gitattributes", "a.txt"])
    with expect_error(HfHubHTTPError, status=403):
        reader.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo)


@feature("create_repo, exist_ok, private, datasets; delete_repo")
def create_and_delete() -> None:
    repo = repo_id("made")
    expect(api.create_repo(repo).repo_id, repo)
    expect(api.create_repo(repo, exist_ok=True).repo_id, repo)
    with expect_error(HfHubHTTPError, "already", status=409):
        api.create_repo(repo)
    with expect_error(HfHubHTTPError, status=403):
        api.create_repo(repo_id("made", OTHER))
    api.create_repo(repo, repo_type="dataset", private=True)
    expect(api.dataset_info(repo).private, True)
    api.create_repo(repo_id("made", "acme"))
    for kind in ("model", "dataset"):
        api.delete_repo(repo, repo_type=kind)
        expect(api.repo_exists(repo, repo_type=kind), False)
    api.delete_repo(repo, missing_ok=True)
    with expect_error(RepositoryNotFoundError):
        api.delete_repo(repo)


@feature("upload_file: text, bytes, file object; nothing new makes no commit")
def upload_file() -> None:
    repo = new_repo("upload-file")
    api.upload_file(path_or_fileobj=b"one", path_in_repo="a/one.txt", repo_id=repo)
    api.upload_file(path_or_fileobj=io.BytesIO(b"\0" * 3000), path_in_repo="two.bin", repo_id=repo)
    commit = api.upload_file(path_or_fileobj=b"one", path_in_repo="a/one.txt", repo_id=repo)
    expect(len(api.list_repo_commits(repo)), 3)
    expect(commit.oid, api.model_info(repo).sha)


@feature("a large file goes up and comes down the same, twice")
def large_file() -> None:
    repo = new_repo("large")
    data = random_bytes(12_000_000, repo) + bytes(3_000_000)
    with folder() as here:
        (here / "w.bin").write_bytes(data)
        for name in ("w.bin", "again.bin"):
            api.upload_file(path_or_fileobj=here / "w.bin", path_in_repo=name, repo_id=repo)
            with open(api.hf_hub_download(repo, name), "rb") as file:
                expect(hashlib.file_digest(file, "sha256").hexdigest(), hashlib.sha256(data).hexdigest())
    found = api.get_paths_info(repo, ["w.bin"])[0]
    expect((found.size, found.lfs.sha256), (len(data), hashlib.sha256(data).hexdigest()))


@feature("upload_folder with patterns and deletions")
def upload_folder() -> None:
    repo = new_repo("folder", ("old.txt", b"old"))
    with folder() as here:
        (here / "sub").mkdir()
        for name in ("README.md", "sub/w.safetensors", "sub/skip.log"):
            (here / name).write_bytes(CARD if name == "README.md" else b"\0" * 200)
        api.upload_folder(
            folder_path=here, repo_id=repo, ignore_patterns="*.log", delete_patterns="*.txt", path_in_repo="."
        )
    expect(api.list_repo_files(repo), [".gitattributes", "README.md", "sub/w.safetensors"])


@feature("upload_large_folder")
def upload_large_folder() -> None:
    if not hasattr(api, "upload_large_folder"):
        raise NotOffered("gone since 2.0: upload_folder takes its place")
    repo = new_repo("large-folder")
    with folder() as here:
        for number in range(30):
            (here / f"{number}.bin").write_bytes(random_bytes(20_000, f"{repo}{number}"))
        (here / "notes.txt").write_text("notes")
        api.upload_large_folder(repo_id=repo, repo_type="model", folder_path=here, print_report=False)
    expect(len(api.list_repo_files(repo)), 32)


@feature("hf_hub_download: cache, offline, local_dir, sub-folder, revision")
def download() -> None:
    repo = new_repo("download", ("sub/a.txt", b"old"))
    old = api.model_info(repo).sha
    api.upload_file(path_or_fileobj=b"new", path_in_repo="sub/a.txt", repo_id=repo)
    paths = [
        api.hf_hub_download(repo, "sub/a.txt"),
        api.hf_hub_download(repo, "a.txt", subfolder="sub", revision=old),
        api.hf_hub_download(repo, "sub/a.txt", local_files_only=True),
        api.hf_hub_download(repo, "sub/a.txt", force_download=True),
    ]
    expect([text_of(path) for path in paths], ["new", "old", "new", "new"])
    with folder() as here:
        for _ in range(2):
            expect(text_of(api.hf_hub_download(repo, "sub/a.txt", local_dir=here)), "new")


@feature("a download that broke off is taken up")
def resumed_download() -> None:
    from huggingface_hub import file_download

    repo = new_repo("resumed")
    data = random_bytes(2_000_000, repo)
    api.upload_file(path_or_fileobj=data, path_in_repo="w.bin", repo_id=repo)
    url = huggingface_hub.hf_hub_url(repo, "w.bin")
    with folder() as here, open(here / "w.bin", "w+b") as file:
        file.write(data[:1_234_567])
        headers = huggingface_hub.utils.build_hf_headers()
        file_download.http_get(url, file, resume_size=1_234_567, headers=headers, expected_size=len(data))
        file.seek(0)
        expect(file.read() == data, True)


@feature("snapshot_download: patterns, revision, local_dir, offline")
def snapshot() -> None:
    repo = new_repo("snapshot", ("README.md", CARD), ("a/b/c.txt", b"c"), ("w.bin", b"\0" * 2000))
    api.create_tag(repo, tag="v1")
    api.delete_file("a/b/c.txt", repo)
    names = lambda root: sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())  # noqa: E731
    with folder() as here:
        api.snapshot_download(repo, local_dir=here / "new", ignore_patterns=[".git*"])
        api.snapshot_download(repo, local_dir=here / "old", allow_patterns=["a/*"], revision="v1")
        new = [name for name in names(here / "new") if not name.startswith(".cache")]
        old = [name for name in names(here / "old") if not name.startswith(".cache")]
    expect((new, old), (["README.md", "w.bin"], ["a/b/c.txt"]))
    expect(api.snapshot_download(repo), api.snapshot_download(repo, local_files_only=True))


@feature("safetensors headers are read by range, one file and shards")
def safetensors_headers() -> None:
    import json
    import struct

    def tensors(**shapes: list[int]) -> bytes:
        entries, end = {}, 0
        for name, shape in shapes.items():
            size = 2 * shape[0] * shape[1]
            entries[name] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(entries).encode()
        return struct.pack("<Q", len(text)) + text + bytes(end)

    one = new_repo("header", ("model.safetensors", tensors(a=[10, 20], b=[3, 4])))
    index = {"metadata": {"total_size": 424}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    many = new_repo(
        "headers",
        ("model.safetensors.index.json", json.dumps(index).encode()),
        ("model-1.safetensors", tensors(a=[10, 20])),
        ("model-2.safetensors", tensors(b=[3, 4])),
    )
    expect(api.get_safetensors_metadata(one).parameter_count, {"F16": 212})
    expect(api.get_safetensors_metadata(many).sharded, True)
    expect(api.get_safetensors_metadata(many).parameter_count, {"F16": 212})
    expect(api.parse_safetensors_file_metadata(many, "model-2.safetensors").tensors["b"].shape, [3, 4])
    expect(api.model_info(one).safetensors.total, 212)


@feature("model_info, dataset_info, repo_info; blobs, expand, revision")
def info() -> None:
    repo = new_repo("info", ("README.md", CARD), ("w.bin", b"\0" * 2000))
    found = api.model_info(repo, files_metadata=True)
    expect((found.id, found.author, found.private, found.pipeline_tag), (repo, "ann", False, "text-classification"))
    expect({s.rfilename: s.size for s in found.siblings}["w.bin"], 2000)
    expect(found.card_data.license, "mit")
    expect(api.model_info(repo, revision=found.sha).sha, found.sha)
    some = api.model_info(repo, expand=["sha", "tags", "downloads", "likes"])
    expect((some.sha, "from-the-matrix" in some.tags, some.siblings), (found.sha, True, None))
    data = new_repo("info", ("data.csv", b"a,b\n"), repo_type="dataset")
    expect(api.repo_info(data, repo_type="dataset").id, data)
    expect([s.rfilename for s in api.dataset_info(data).siblings], [".gitattributes", "data.csv"])


@feature("list_models and list_datasets: author, search, filter, sort, limit, full")
def lists() -> None:
    names = [new_repo(f"listed-{number}", ("README.md", CARD)) for number in range(3)]
    new_repo("listed", repo_type="dataset")
    mine = lambda **options: [m.id for m in api.list_models(author="ann", **options) if m.id in names]  # noqa: E731
    said = names[0].partition("/")[2][:-2]
    data = lambda: [d.id for d in api.list_datasets(author="ann", search=said)]  # noqa: E731
    deadline = time.monotonic() + 60  # what is written is found a little later, each by its own job (decision 21)
    while (sorted(mine(search=said)) != names or not data()) and time.monotonic() < deadline:
        time.sleep(0.5)
    expect(sorted(mine(search=said)), names)
    expect(sorted(mine(filter="from-the-matrix")), names)
    expect(mine(filter=["from-the-matrix", "nothing-has-this"]), [])
    expect(mine(sort="last_modified")[0], names[-1])
    expect(len(list(api.list_models(limit=2))), 2)
    full = next(m for m in api.list_models(author="ann", full=True) if m.id == names[0])
    expect([s.rfilename for s in full.siblings], [".gitattributes", "README.md"])
    expect(data(), [names[0][:-2]])


@feature("trees and paths, with last commits")
def trees() -> None:
    repo = new_repo("tree", ("a/b/c.txt", b"c"), ("w.bin", b"\0" * 2000))
    entries = list(api.list_repo_tree(repo, recursive=True, expand=True))
    expect([e.path for e in entries], [".gitattributes", "a", "a/b", "a/b/c.txt", "w.bin"])
    expect(entries[-1].last_commit.title, "Files")
    expect([e.path for e in api.list_repo_tree(repo, "a/b")], ["a/b/c.txt"])
    expect([e.path for e in api.get_paths_info(repo, ["a", "w.bin", "none"], expand=True)], ["a", "w.bin"])
    with expect_error(EntryNotFoundError):
        list(api.list_repo_tree(repo, "none"))


@feature("branches")
def branches() -> None:
    repo = new_repo("branches", ("a.txt", b"a"))
    first = api.list_repo_commits(repo)[-1].commit_id
    api.create_branch(repo, branch="feature/x")
    api.create_branch(repo, branch="from-first", revision=first)
    api.create_branch(repo, branch="feature/x", exist_ok=True)
    with expect_error(HfHubHTTPError, "already exists", status=409):
        api.create_branch(repo, branch="feature/x")
    api.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo, revision="feature/x")
    expect(api.list_repo_files(repo, revision="feature/x"), [".gitattributes", "a.txt", "b.txt"])
    expect(api.list_repo_files(repo, revision="from-first"), [".gitattributes"])
    expect(sorted(b.name for b in api.list_repo_refs(repo).branches), ["feature/x", "from-first", "main"])
    api.delete_branch(repo, branch="feature/x")
    with expect_error(RevisionNotFoundError):
        api.delete_branch(repo, branch="feature/x")
    with expect_error(HfHubHTTPError, "Cannot delete refs/heads/main"):
        api.delete_branch(repo, branch="main")


@feature("tags")
def tags() -> None:
    repo = new_repo("tags", ("a.txt", b"a"))
    api.create_tag(repo, tag="v1", tag_message="first")
    api.create_tag(repo, tag="v0", revision=api.list_repo_commits(repo)[-1].commit_id)
    expect(sorted(t.name for t in api.list_repo_refs(repo).tags), ["v0", "v1"])
    expect(api.list_repo_files(repo, revision="v0"), [".gitattributes"])
    with expect_error(HfHubHTTPError, status=409):
        api.create_tag(repo, tag="v1")
    api.create_tag(repo, tag="v1", exist_ok=True)
    with expect_error(RevisionNotFoundError):
        api.create_tag(repo, tag="v2", revision="none")
    api.delete_tag(repo, tag="v1")
    with expect_error(RevisionNotFoundError):
        api.delete_tag(repo, tag="v1")


@feature("commits are listed, newest first, with their authors")
def commits() -> None:
    repo = new_repo("commits", ("a.txt", b"a"))
    found = api.list_repo_commits(repo, formatted=True)
    expect([(c.title, c.authors) for c in found], [("Files", ["ann"]), ("initial commit", ["ann"])])
    expect(api.list_repo_refs(repo).branches[0].target_commit, found[0].commit_id)


@feature("create_commit: add, copy, delete; a stale parent is refused")
def create_commit() -> None:
    repo = new_repo("commit", ("a.txt", b"a"), ("sub/w.bin", b"\0" * 2000))
    parent = api.model_info(repo).sha
    operations = [
        CommitOperationAdd("b.txt", b"b"),
        CommitOperationCopy("sub/w.bin", "copy.bin"),
        CommitOperationDelete("a.txt"),
        CommitOperationDelete("sub/"),
    ]
    done = api.create_commit(repo, operations, commit_message="Four", commit_description="In one", parent_commit=parent)
    expect(api.list_repo_files(repo), [".gitattributes", "b.txt", "copy.bin"])
    expect((done.oid, done.commit_url.endswith(f"/commit/{done.oid}")), (api.model_info(repo).sha, True))
    with expect_error(HfHubHTTPError, "branch was updated", status=412):
        api.create_commit(repo, [CommitOperationAdd("c.txt", b"c")], commit_message="c", parent_commit=parent)
    with expect_error(EntryNotFoundError):
        api.create_commit(repo, [CommitOperationDelete("none.txt")], commit_message="d")


@feature("delete_file, delete_folder, delete_files")
def deletions() -> None:
    repo = new_repo("deleted", *((name, b"x") for name in ("a.txt", "b.txt", "c.log", "sub/d.txt")))
    api.delete_file("a.txt", repo)
    api.delete_folder("sub", repo)
    api.delete_files(repo, ["*.log"])
    expect(api.list_repo_files(repo), [".gitattributes", "b.txt"])


@feature("a private repo does not exist for others")
def private() -> None:
    repo = new_repo("private", ("a.txt", b"a"), private=True)
    for other in (bob, stranger):
        expect(other.repo_exists(repo), False)
        with expect_error(RepositoryNotFoundError):
            other.model_info(repo)
        with expect_error(RepositoryNotFoundError):
            other.hf_hub_download(repo, "a.txt")
        expect([m.id for m in other.list_models(author="ann") if m.id == repo], [])


@feature("settings: visibility")
def settings() -> None:
    repo = new_repo("settings")
    api.update_repo_settings(repo, private=True)
    expect(api.model_info(repo).private, True)
    api.update_repo_settings(repo, private=False)
    expect(stranger.model_info(repo).private, False)


@feature("missing repo, revision and file raise their own errors")
def errors() -> None:
    repo = new_repo("errors", ("a.txt", b"a"))
    for who in (api, stranger):
        with expect_error(RepositoryNotFoundError):
            who.model_info(repo_id("none"))
        with expect_error(RepositoryNotFoundError):
            who.hf_hub_download("gpt2", "config.json")
        with expect_error(RevisionNotFoundError):
            who.hf_hub_download(repo, "a.txt", revision="none")
        with expect_error(EntryNotFoundError):
            who.hf_hub_download(repo, "none.txt")
    expect((api.repo_exists(repo), api.repo_exists(repo_id("none"))), (True, False))
    expect((api.file_exists(repo, "a.txt"), api.file_exists(repo, "none")), (True, False))
    expect((api.revision_exists(repo, "main"), api.revision_exists(repo, "none")), (True, False))


@feature("cards: load")
def cards() -> None:
    repo = new_repo("card", ("README.md", CARD))
    expect(huggingface_hub.ModelCard.load(repo).data.license, "mit")


@feature("cards: metadata_update, validate, push_to_hub")
def card_validation() -> None:
    from huggingface_hub import ModelCard, metadata_load, metadata_update

    if VERSION < (2, 0):
        raise NotOffered("before 2.0 a card is validated by huggingface.co, whatever HF_ENDPOINT says")
    repo = new_repo("card-changed", ("README.md", CARD))
    metadata_update(repo, {"license": "apache-2.0"}, overwrite=True)
    expect(metadata_load(api.hf_hub_download(repo, "README.md"))["license"], "apache-2.0")
    ModelCard("---\nlicense: mit\n---\n# Pushed\n").push_to_hub(repo)
    expect("# Pushed" in ModelCard.load(repo).content, True)
    with expect_error(ValueError, "license"):
        ModelCard("---\nlicense: my-own\n---\n").validate()


@feature("CommitScheduler")
def scheduler() -> None:
    from huggingface_hub import CommitScheduler

    with folder() as here:
        scheduled = CommitScheduler(repo_id=repo_id("scheduled"), folder_path=here, every=60)
        (here / "log.txt").write_text("one")
        scheduled.trigger().result()
        with open(here / "log.txt", "a") as file:
            file.write("two")
        scheduled.trigger().result()
        scheduled.stop()
    expect(text_of(api.hf_hub_download(scheduled.repo_id, "log.txt")), "onetwo")


@feature("the cache is scanned and cleared")
def cache() -> None:
    repo = new_repo("cached", ("a.txt", b"a"))
    api.hf_hub_download(repo, "a.txt")
    found = next(r for r in huggingface_hub.scan_cache_dir().repos if r.repo_id == repo)
    hashes = [revision.commit_hash for revision in found.revisions]
    huggingface_hub.scan_cache_dir().delete_revisions(*hashes).execute()
    expect([r.repo_id for r in huggingface_hub.scan_cache_dir().repos if r.repo_id == repo], [])


@feature("a mixin's save, push and load")
def mixin() -> None:
    import json

    class Box(huggingface_hub.ModelHubMixin, license="mit"):
        def __init__(self, size: int = 1) -> None:
            self.size = size

        def _save_pretrained(self, save_directory) -> None:
            (save_directory / "box.json").write_text(json.dumps({"size": self.size}))

        @classmethod
        def _from_pretrained(cls, *, model_id, revision, **_):
            path = api.hf_hub_download(model_id, "box.json", revision=revision)
            with open(path) as file:
                return cls(**json.load(file))

    Box(7).push_to_hub(repo_id("mixin"))
    expect(Box.from_pretrained(repo_id("mixin")).size, 7)


# What people do together


@feature("a repo moves, and its old name leads on")
def move() -> None:
    repo = new_repo("mover", ("a.txt", b"a"))
    new = repo_id("moved")
    api.move_repo(from_id=repo, to_id=new)
    expect(api.model_info(repo).id, new)
    expect(text_of(api.hf_hub_download(repo, "a.txt")), "a")
    taken = new_repo("taken")
    with expect_error(HfHubHTTPError, "already exists"):
        api.move_repo(from_id=new, to_id=taken)


@feature("super_squash_history")
def squash() -> None:
    repo = new_repo("squashed", ("a.txt", b"a"))
    api.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo)
    api.super_squash_history(repo, commit_message="All in one")
    expect([c.title for c in api.list_repo_commits(repo)], ["All in one"])
    expect(api.list_repo_files(repo), [".gitattributes", "a.txt", "b.txt"])


@feature("discussions: open, comment, edit, hide, rename, close")
def discussions() -> None:
    repo = new_repo("talk")
    talk = bob.create_discussion(repo, title=" A question ", description="Why?")
    expect((talk.num, talk.title, talk.author, talk.status), (1, "A question", OTHER, "open"))
    comment = api.comment_discussion(repo, 1, "Because")
    expect((comment.author, comment.content), ("ann", "Because"))
    edited = api.edit_discussion_comment(repo, 1, comment.id, "Because of that")
    expect((edited.content, edited.edited), ("Because of that", True))
    api.rename_discussion(repo, 1, "An answer")
    expect(api.hide_discussion_comment(repo, 1, comment.id).hidden, True)
    api.change_discussion_status(repo, 1, "closed", comment="Done")
    found = api.get_discussion_details(repo, 1)
    expect((found.title, found.status), ("An answer", "closed"))
    expect([d.num for d in api.get_repo_discussions(repo)], [1])
    expect([d.num for d in api.get_repo_discussions(repo, discussion_status="open")], [])
    expect([d.num for d in api.get_repo_discussions(repo, author=OTHER, discussion_type="discussion")], [1])


@feature("pull requests: create_pr, commit to it, merge")
def pull_requests() -> None:
    repo = new_repo("pulled", ("a.txt", b"a"))
    commit = bob.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo, create_pr=True)
    expect((commit.pr_revision, commit.pr_num), ("refs/pr/1", 1))
    bob.upload_file(path_or_fileobj=b"c", path_in_repo="c.txt", repo_id=repo, revision="refs/pr/1")
    expect(api.list_repo_files(repo, revision="refs/pr/1"), [".gitattributes", "a.txt", "b.txt", "c.txt"])
    expect(api.list_repo_files(repo), [".gitattributes", "a.txt"])
    details = api.get_discussion_details(repo, 1)
    expect((details.is_pull_request, details.status, "b.txt" in details.diff), (True, "open", True))
    expect([r.ref for r in api.list_repo_refs(repo, include_pull_requests=True).pull_requests], ["refs/pr/1"])
    api.merge_pull_request(repo, 1, comment="Good")
    expect(api.get_discussion_details(repo, 1).status, "merged")
    expect(api.list_repo_files(repo), [".gitattributes", "a.txt", "b.txt", "c.txt"])
    draft = bob.create_pull_request(repo, title="Later")
    expect((draft.num, draft.status, draft.git_reference), (2, "draft", "refs/pr/2"))
    large = bob.upload_file(path_or_fileobj=b"\0" * 5000, path_in_repo="w.bin", repo_id=repo, create_pr=True)
    expect(large.pr_num, 3)


@feature("gated repos: ask, list, accept, reject, grant")
def gated() -> None:
    repo = new_repo("gated", ("a.txt", b"a"))
    api.update_repo_settings(repo, gated="manual")
    with expect_error(GatedRepoError, status=403):
        bob.hf_hub_download(repo, "a.txt")
    with expect_error(GatedRepoError, status=401):
        stranger.hf_hub_download(repo, "a.txt")
    expect((bob.model_info(repo).gated, bob.repo_exists(repo)), ("manual", True))
    with expect_error(GatedRepoError):
        bob.auth_check(repo)
    api.grant_access(repo, OTHER)
    expect([r.username for r in api.list_accepted_access_requests(repo)], [OTHER])
    expect(text_of(bob.hf_hub_download(repo, "a.txt")), "a")
    bob.auth_check(repo)
    with expect_error(HfHubHTTPError):
        api.grant_access(repo, OTHER)
    api.reject_access_request(repo, OTHER, rejection_reason="Changed my mind")
    expect([r.username for r in api.list_rejected_access_requests(repo)], [OTHER])
    api.cancel_access_request(repo, OTHER)
    expect([r.username for r in api.list_pending_access_requests(repo)], [OTHER])
    api.accept_access_request(repo, OTHER)
    expect(list(api.list_pending_access_requests(repo)), [])


@feature("likes")
def likes() -> None:
    repo = new_repo("liked")
    session = huggingface_hub.utils.get_session()  # the client only takes likes back; pages give them
    headers = {"authorization": f"Bearer {TOKENS['bob']}"}
    expect(session.post(f"{api.endpoint}/api/models/{repo}/like", headers=headers).status_code, 200)
    expect([user.username for user in api.list_repo_likers(repo)], [OTHER])
    expect(repo in bob.list_liked_repos().models, True)
    expect(api.model_info(repo).likes, 1)
    bob.unlike(repo)
    expect(list(api.list_repo_likers(repo)), [])


@feature("collections")
def collections() -> None:
    repo = new_repo("collected")
    made = api.create_collection(f"Best of {repo_id('x')}", description="All I like")
    expect(made.owner["name"] if isinstance(made.owner, dict) else made.owner.name, "ann")
    api.add_collection_item(made.slug, repo, "model", note="First")
    with expect_error(HfHubHTTPError, status=409):
        api.add_collection_item(made.slug, repo, "model")
    api.add_collection_item(made.slug, repo, "model", exists_ok=True)
    found = api.get_collection(made.slug)
    expect([(item.item_id, item.note) for item in found.items], [(repo, "First")])
    api.update_collection_item(made.slug, found.items[0].item_object_id, note="Still first")
    renamed = api.update_collection_metadata(made.slug, title=f"Renamed {repo_id('x')}", private=True)
    expect(api.get_collection(made.slug).slug, renamed.slug)
    expect(renamed.slug in [c.slug for c in api.list_collections(owner="ann")], True)
    api.delete_collection_item(renamed.slug, found.items[0].item_object_id)
    api.delete_collection(renamed.slug)
    api.delete_collection(renamed.slug, missing_ok=True)


@feature("webhooks: create, update, disable, delete")
def webhooks() -> None:
    made = api.create_webhook(
        url="https://example.com/hook", watched=[{"type": "user", "name": "ann"}], domains=["repo"], secret="s"
    )
    expect((made.url, made.domains, made.disabled), ("https://example.com/hook", ["repo"], False))
    expect(made.id in [hook.id for hook in api.list_webhooks()], True)
    expect(api.disable_webhook(made.id).disabled, True)
    expect(api.enable_webhook(made.id).disabled, False)
    api.update_webhook(made.id, url="https://example.com/other", watched=[{"type": "org", "name": "acme"}])
    expect(api.get_webhook(made.id).url, "https://example.com/other")
    api.delete_webhook(made.id)
    expect(made.id in [hook.id for hook in api.list_webhooks()], False)


@feature("people and organisations: overviews, members")
def people() -> None:
    if not hasattr(api, "get_organization_overview"):
        raise NotOffered("since 0.30")
    expect(api.get_user_overview(OTHER).username, OTHER)
    expect(api.get_organization_overview("acme").name, "acme")
    expect([user.username for user in api.list_organization_members("acme")], ["ann"])


@feature("duplicate_repo")
def duplicate() -> None:
    if not hasattr(api, "duplicate_repo"):
        raise NotOffered("since 1.x; only Spaces before")
    repo = new_repo("original", ("a.txt", b"a"), ("w.bin", b"\0" * 2000))
    bob.duplicate_repo(repo, repo_id("duplicate", OTHER))
    expect(bob.list_repo_files(repo_id("duplicate", OTHER)), [".gitattributes", "a.txt", "w.bin"])


@feature("copies between repos")
def cross_copy() -> None:
    if not hasattr(api, "copy_files"):
        raise NotOffered("since 1.x")
    repo, other = new_repo("source", ("a.txt", b"a"), ("sub/w.bin", b"\0" * 2000)), new_repo("target")
    api.copy_files(f"hf://{repo}/sub/w.bin", f"hf://{other}/w.bin")
    expect(api.get_paths_info(other, ["w.bin"])[0].size, 2000)


@feature("large files are listed and deleted for good")
def lfs_files() -> None:
    repo = new_repo("emptied", ("w.bin", b"\0" * 2000), ("v.bin", b"\1" * 2000))
    files = list(api.list_lfs_files(repo))
    expect(sorted(file.filename for file in files), ["v.bin", "w.bin"])
    api.permanently_delete_lfs_files(repo, [file for file in files if file.filename == "w.bin"])
    expect(api.list_repo_files(repo), [".gitattributes", "v.bin"])


@feature("tags by type")
def tags_by_type() -> None:
    expect("license" in api.get_model_tags(), True)
    expect(isinstance(api.get_dataset_tags(), dict), True)


@feature("a space is a repo of files")
def space() -> None:
    repo = repo_id("space")
    api.create_repo(repo, repo_type="space", space_sdk="static")
    api.upload_file(path_or_fileobj=b"<p>", path_in_repo="index.html", repo_id=repo, repo_type="space")
    expect("index.html" in api.list_repo_files(repo, repo_type="space"), True)
    expect(text_of(api.hf_hub_download(repo, "index.html", repo_type="space")), "<p>")


run()
