"""What the client's own staging tests assert of commits; each key of a dictionary below is a case of theirs."""

from __future__ import annotations

import time

import pytest

PRELUDE = """
from huggingface_hub import CommitOperationAdd as Add, CommitOperationCopy as Copy, CommitOperationDelete as Delete
from huggingface_hub.errors import HfHubHTTPError
def commit(*operations, **options):
    options = {"repo_id": repo, "commit_message": "Change", **options}
    return api.create_commit(operations=operations, **options)
def names(**options):
    return api.list_repo_files(repo, **options)
def refused(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, getattr(getattr(error, "response", None), "status_code", None)]
"""


@pytest.fixture
def run(plain_ann):
    """Runs code as ann in a fresh repo, named `repo` there."""

    def script(code: str, *, client=plain_ann, repo: str = ""):
        return client.script(PRELUDE + code, repo=repo or name)

    name = f"ann/commits-{time.monotonic_ns()}"
    plain_ann.script("api.create_repo(repo); answer(None)", repo=name)
    return script


def test_additions_in_all_their_forms(run):
    found = run(
        """
import io, pathlib
pathlib.Path("file.txt").write_bytes(b"from a path")
first = commit(Add("path.txt", "file.txt"), Add("bytes.txt", b"bytes"), Add("object.txt", io.BytesIO(b"object")),
               Add("empty.txt", b""), Add("a/b/c/deep.txt", b"deep"), Add("zażółć.txt", b"x"), Add("with space", b"x"),
               commit_message="Title", commit_description="And more\\nin lines")
last = api.list_repo_commits(repo)[0]
upper = commit(Add("case.txt", b"x"), repo_id=repo.upper())
nothing = commit(Add("case.txt", b"x"))
answer({
    "all forms": names(), "url": first.commit_url.endswith(f"/{repo}/commit/{first.oid}"),
    "oid": first.oid == last.commit_id,
    "title": last.title, "message": last.message, "author": last.authors, "id in other case": "case.txt" in names(),
    "unchanged file makes no commit": nothing.oid == upper.oid,
    "empty file": api.get_paths_info(repo, ["empty.txt"])[0].size,
    "bytes come back": pathlib.Path(api.hf_hub_download(repo, "a/b/c/deep.txt")).read_text(),
})
"""
    )

    paths = [
        "a/b/c/deep.txt",
        "bytes.txt",
        "case.txt",
        "empty.txt",
        "object.txt",
        "path.txt",
        "with space",
        "zażółć.txt",
    ]
    assert found.pop("all forms") == [".gitattributes", *paths]
    assert found == {
        "url": True,
        "oid": True,
        "title": "Title",
        "message": "And more\nin lines",
        "author": ["ann"],
        "id in other case": True,
        "unchanged file makes no commit": True,
        "empty file": 0,
        "bytes come back": "deep",
    }


def test_deletions_and_replacements(run):
    found = run(
        """
commit(*(Add(path, b"x") for path in ("a.txt", "b.txt", "f/1", "f/2", "f/g/3", "w.bin")))
commit(Delete("a.txt"), Delete("f/g/"))
after = names()
commit(Delete("b.txt"), Add("b.txt", b"again"))
commit(Add("f.txt", b"text"))
commit(Delete("f.txt"), Add("f.txt/now-a-folder", b"x"))
commit(Add("big.bin", b"\\0" * 3000), Delete("w.bin"))
answer({
    "file and folder": after, "deleted and added": "b.txt" in names(),
    "file becomes folder": "f.txt/now-a-folder" in names(),
    "large in, other out": ["big.bin" in names(), "w.bin" in names()],
    "missing file": refused(lambda: commit(Delete("none"))), "missing folder": refused(lambda: commit(Delete("none/"))),
    "file below a file": refused(lambda: commit(Add("b.txt/x", b"x"))),
    "nothing was half done": [refused(lambda: commit(Add("new", b"x"), Delete("none"))), "new" in names()],
})
"""
    )

    assert found == {
        "file and folder": [".gitattributes", "b.txt", "f/1", "f/2", "w.bin"],
        "deleted and added": True,
        "file becomes folder": True,
        "large in, other out": [True, False],
        "missing file": ["RemoteEntryNotFoundError", 404],
        "missing folder": ["RemoteEntryNotFoundError", 404],
        "file below a file": ["HfHubHTTPError", 422],
        "nothing was half done": [["RemoteEntryNotFoundError", 404], False],
    }


def test_copies_inside_a_repo(run):
    found = run(
        """
import pathlib
commit(Add("a.txt", b"old"), Add("f/w.bin", b"\\0" * 3000))
old = api.model_info(repo).sha
commit(Add("a.txt", b"new"))
commit(Copy("a.txt", "copy.txt"), Copy("f/w.bin", "g/w.bin"), Copy("a.txt", "old.txt", src_revision=old))
read = lambda name: pathlib.Path(api.hf_hub_download(repo, name)).read_text()
answer({
    "text": read("copy.txt"), "of an older revision": read("old.txt"),
    "large": api.get_paths_info(repo, ["g/w.bin"])[0].lfs.size,
    "same object": len({file.blob_id for file in api.get_paths_info(repo, ["f/w.bin", "g/w.bin"])}),
    "missing": refused(lambda: commit(Copy("none", "x"))),
    "missing at revision": refused(lambda: commit(Copy("f/w.bin", "x", src_revision="none"))),
})
"""
    )

    assert found["text"] == "new"
    assert found["of an older revision"] == "old"
    assert (found["large"], found["same object"]) == (3000, 1)
    assert found["missing"][0] == "EntryNotFoundError"
    assert found["missing at revision"][0] == "RevisionNotFoundError"


def test_parents_revisions_and_rights(run, bob, stranger):
    found = run(
        """
first = commit(Add("a.txt", b"a")).oid
second = commit(Add("b.txt", b"b"), parent_commit=first).oid
short = commit(Add("c.txt", b"c"), parent_commit=second[:7])
api.create_branch(repo, branch="next", revision=first)
commit(Add("d.txt", b"d"), revision="next")
answer({
    "on the tip": "b.txt" in names(), "short id": short.oid != second, "on a branch": names(revision="next"),
    "stale": refused(lambda: commit(Add("x", b"x"), parent_commit=first)),
    "no id": refused(lambda: commit(Add("x", b"x"), parent_commit="main")),
    "unknown branch": refused(lambda: commit(Add("x", b"x"), revision="none")),
    "onto a commit": refused(lambda: commit(Add("x", b"x"), revision=first)),
    "unknown repo": refused(lambda: commit(Add("x", b"x"), repo_id="ann/none")),
    "foreign namespace": refused(lambda: api.create_repo("bob/x")),
})
"""
    )
    foreign = "answer(refused(lambda: commit(Add('x', b'x'))))"
    repo = run("answer(repo)")

    assert found["on the tip"] is found["short id"] is True
    assert found["on a branch"] == [".gitattributes", "a.txt", "d.txt"]
    assert found["stale"] == ["HfHubHTTPError", 412]
    assert found["no id"][0] == "ValueError"  # the client itself
    assert found["unknown branch"] == ["RevisionNotFoundError", 404]
    assert found["onto a commit"][0] in {"RevisionNotFoundError", "BadRequestError", "HfHubHTTPError"}
    assert found["unknown repo"] == ["RepositoryNotFoundError", 404]
    assert found["foreign namespace"] == ["HfHubHTTPError", 403]
    assert run(foreign, client=bob, repo=repo)[1] == 403
    assert run(foreign, client=stranger, repo=repo)[1] == 401


def test_what_the_repo_ignores_is_not_sent(run):
    found = run(
        """
import pathlib
commit(Add(".gitignore", b"*.log\\nbuild/\\n"))
for name in ("keep.txt", "drop.log", "build/x.txt"):
    path = pathlib.Path("in", name); path.parent.mkdir(parents=True, exist_ok=True); path.write_text("x")
api.upload_folder(folder_path="in", repo_id=repo)
answer(names())
"""
    )

    assert found == [".gitattributes", ".gitignore", "keep.txt"]


def test_many_files_and_hostile_paths(run):
    found = run(
        """
commit(*(Add(f"many/{number}.txt", b"x") for number in range(1300)))
hostile = {}
for path in ("../x", "a/../../x", "..\\\\ddd", ".git/config", "a//b", "/a", "a/./b", "a\\0b", "a" * 5000):
    try:
        commit(Add(path, b"x"))
        hostile[path[:12]] = "committed"
    except Exception as error:
        hostile[path[:12]] = getattr(getattr(error, "response", None), "status_code", type(error).__name__)
left = [name for name in names() if not name.startswith("many/")]
answer({"many": len(names()) - len(left), "hostile": hostile, "left": left})
"""
    )

    assert found["many"] == 1300
    # What begins with a slash or "./" is put right by the client itself.
    assert {path: told for path, told in found["hostile"].items() if told == "committed" and path != "/a"} == {}
    assert 500 not in found["hostile"].values()
    assert set(found["left"]) <= {".gitattributes", "a"}


def test_cards_are_judged_before_a_commit(run):
    found = run(
        """
bad, good = b"---\\nlicense: [mit\\n---\\n", b"---\\nlicense: mit\\n---\\n"
commit(Add("sub/README.md", bad))
commit(Add("README.md", good))
commit(Add("README.md", b"no front matter"))
answer({"broken": refused(lambda: commit(Add("README.md", bad))),
        "in a folder nobody cares": "sub/README.md" in names(),
        "without front matter": "README.md" in names()})
"""
    )

    assert found == {"broken": ["ValueError", None], "in a folder nobody cares": True, "without front matter": True}
