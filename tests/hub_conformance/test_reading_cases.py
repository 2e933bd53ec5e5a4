"""What the client's own staging tests assert of reading: trees, refs, files, snapshots, lists, cards, the cache."""

from __future__ import annotations

import time

import pytest

PRELUDE = """
import pathlib
from huggingface_hub import CommitOperationAdd as Add
def commit(*operations, **options):
    return api.create_commit(**{"repo_id": repo, "commit_message": "Change", "operations": operations, **options})
def refused(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
def text(*where, **options):
    return pathlib.Path(api.hf_hub_download(*where, **options)).read_text()
"""


@pytest.fixture
def run(plain_ann):
    """Runs code as ann with `repo`, which has text, a folder in a folder and a large file."""

    def script(code: str, *, client=plain_ann, **values):
        return client.script(PRELUDE + code, **{"repo": name, **values})

    name = f"ann/reading-{time.monotonic_ns()}"
    plain_ann.script(
        PRELUDE
        + """
api.create_repo(repo)
commit(Add("a.txt", b"a"), Add("f/b.txt", b"bb"), Add("f/g/c.txt", b"ccc"), Add("w.bin", b"\\0" * 4000))
answer(None)
""",
        repo=name,
    )
    return script


def test_trees_and_paths(run):
    found = run(
        """
tree = lambda *where, **options: [entry.path for entry in api.list_repo_tree(repo, *where, **options)]
paths = lambda *names, **options: [entry.path for entry in api.get_paths_info(repo, list(names), **options)]
first = api.list_repo_commits(repo)[-1].commit_id
plain, expanded = (next(e for e in api.list_repo_tree(repo, expand=x) if e.path == "w.bin") for x in (False, True))
folder = next(e for e in api.list_repo_tree(repo) if e.path == "f")
answer({
    "root": tree(), "folder": tree("f"), "deep": tree("f/g"), "recursive": tree("f", recursive=True),
    "at a commit": tree(revision=first), "a file is no folder": refused(lambda: tree("a.txt")),
    "missing folder": refused(lambda: tree("none")), "missing revision": refused(lambda: tree(revision="none")),
    "missing repo": refused(lambda: list(api.list_repo_tree("ann/none"))),
    "large": [plain.size, plain.lfs.size, len(plain.lfs.sha256), plain.lfs.pointer_size > 100],
    "no last commit unless asked": [plain.last_commit, expanded.last_commit.title],
    "folder id": len(folder.tree_id),
    "paths": paths("a.txt", "f", "f/g/c.txt"), "path alone": [e.path for e in api.get_paths_info(repo, "a.txt")],
    "unknown paths": paths("none", "a.txt"), "all unknown": paths("none"),
    "paths at a missing revision": refused(lambda: paths("a.txt", revision="none")),
    "files": api.list_repo_files(repo), "files at a commit": api.list_repo_files(repo, revision=first),
})
"""
    )

    assert found == {
        "root": [".gitattributes", "a.txt", "f", "w.bin"],
        "folder": ["f/b.txt", "f/g"],
        "deep": ["f/g/c.txt"],
        "recursive": ["f/b.txt", "f/g", "f/g/c.txt"],
        "at a commit": [".gitattributes"],
        "a file is no folder": "RemoteEntryNotFoundError",
        "missing folder": "RemoteEntryNotFoundError",
        "missing revision": "RevisionNotFoundError",
        "missing repo": "RepositoryNotFoundError",
        "large": [4000, 4000, 64, True],
        "no last commit unless asked": [None, "Change"],
        "folder id": 40,
        "paths": ["a.txt", "f", "f/g/c.txt"],
        "path alone": ["a.txt"],
        "unknown paths": ["a.txt"],
        "all unknown": [],
        "paths at a missing revision": "RevisionNotFoundError",
        "files": [".gitattributes", "a.txt", "f/b.txt", "f/g/c.txt", "w.bin"],
        "files at a commit": [".gitattributes"],
    }


def test_branches_and_tags(run):
    found = run(
        """
first, tip = (c.commit_id for c in reversed(api.list_repo_commits(repo)))
api.create_tag(repo, tag="v1", tag_message="one")
api.create_tag(repo, tag="at-commit", revision=first)
api.create_branch(repo, branch="v1")
api.create_branch(repo, branch="of-tag", revision="at-commit")
api.create_branch(repo, branch="of-commit", revision=first)
api.create_tag(repo, tag="of-branch", revision="of-commit")
refs = api.list_repo_refs(repo)
targets = {ref.ref: ref.target_commit for ref in (*refs.branches, *refs.tags)}
answer({
    "all": sorted(targets), "tag of the tip": targets["refs/tags/v1"] == targets["refs/heads/v1"] == tip,
    "branch of a tag": targets["refs/heads/of-tag"] == targets["refs/tags/of-branch"] == first,
    "converts": refs.converts, "no pull requests unless asked": refs.pull_requests,
    "pull requests when asked": api.list_repo_refs(repo, include_pull_requests=True).pull_requests,
    "bad names": [refused(lambda: api.create_branch(repo, branch=bad))
                  for bad in ("a..b", "a b", "refs/pr/1", "-", "a.lock")],
    "bad tags": [refused(lambda: api.create_tag(repo, tag=bad)) for bad in ("a..b", "invalid tag")],
    "tag twice": refused(lambda: api.create_tag(repo, tag="v1")),
    "tag deleted as branch": refused(lambda: api.delete_branch(repo, branch="at-commit")),
    "branch deleted as tag": refused(lambda: api.delete_tag(repo, tag="of-tag")),
    "of nothing": refused(lambda: api.create_branch(repo, branch="x", revision="none")),
    "in nothing": refused(lambda: api.create_branch("ann/none", branch="x")),
    "refs of nothing": refused(lambda: api.list_repo_refs("ann/none")),
    "exists": [api.revision_exists(repo, r) for r in ("v1", "of-tag", first, "none")],
})
"""
    )

    heads = [f"refs/heads/{name}" for name in ("main", "of-commit", "of-tag", "v1")]
    assert found == {
        "all": [*heads, *(f"refs/tags/{name}" for name in ("at-commit", "of-branch", "v1"))],
        "tag of the tip": True,
        "branch of a tag": True,
        "converts": [],
        "no pull requests unless asked": None,
        "pull requests when asked": [],
        "bad names": ["BadRequestError"] * 5,
        "bad tags": ["BadRequestError"] * 2,
        "tag twice": "HfHubHTTPError",
        "tag deleted as branch": "RevisionNotFoundError",
        "branch deleted as tag": "RevisionNotFoundError",
        "of nothing": "RevisionNotFoundError",
        "in nothing": "RepositoryNotFoundError",
        "refs of nothing": "RepositoryNotFoundError",
        "exists": [True, True, True, False],
    }


def test_commits_are_listed_in_pages(run):
    found = run(
        """
for number in range(3):
    commit(Add("n.txt", str(number).encode()), commit_message=f"Number {number}", commit_description="body")
commits = api.list_repo_commits(repo, formatted=True)
answer({
    "titles": [c.title for c in commits], "message": commits[0].message, "html": commits[0].formatted_title,
    "plain": api.list_repo_commits(repo)[0].formatted_title, "authors": commits[0].authors,
    "from a commit": [c.title for c in api.list_repo_commits(repo, revision=commits[-2].commit_id)],
    "missing": refused(lambda: api.list_repo_commits(repo, revision="none")),
})
"""
    )

    assert found == {
        "titles": ["Number 2", "Number 1", "Number 0", "Change", "initial commit"],
        "message": "body",
        "html": "Number 2",
        "plain": None,
        "authors": ["ann"],
        "from a commit": ["Change", "initial commit"],
        "missing": "RevisionNotFoundError",
    }


def test_files_and_the_cache(run):
    found = run(
        """
from huggingface_hub import get_hf_file_metadata, hf_hub_url, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.file_download import _CACHED_NO_EXIST
tip = api.model_info(repo).sha
small, large = (get_hf_file_metadata(hf_hub_url(repo, name)) for name in ("a.txt", "w.bin"))
there = pathlib.Path(api.hf_hub_download(repo, "w.bin"))
missing = refused(lambda: api.hf_hub_download(repo, "none.txt"))
elsewhere = pathlib.Path(api.hf_hub_download(repo, "f/b.txt", local_dir="elsewhere"))
again = elsewhere.stat().st_mtime_ns
api.hf_hub_download(repo, "f/b.txt", local_dir="elsewhere")
whole = pathlib.Path(api.snapshot_download(repo))
some = pathlib.Path(api.snapshot_download(repo, allow_patterns=["f/*"], local_dir="some"))
answer({
    "commit": [small.commit_hash == tip, large.commit_hash == tip], "sizes": [small.size, large.size],
    "etags": [len(small.etag), len(large.etag)], "no xet": large.xet_file_data,
    "blob is named by etag": there.resolve().name == large.etag, "snapshot is named by commit": tip in str(there),
    "missing": [missing, try_to_load_from_cache(repo, "none.txt") is _CACHED_NO_EXIST],
    "offline": text(repo, "a.txt", local_files_only=True), "by commit": text(repo, "a.txt", revision=tip),
    "offline and missing": refused(lambda: text(repo, "x", local_files_only=True)),
    "local_dir": [elsewhere.parts[-3:], elsewhere.stat().st_mtime_ns == again],
    "snapshot": sorted(p.relative_to(whole).as_posix() for p in whole.rglob("*") if p.is_file()),
    "some": sorted(path.name for path in some.rglob("*.txt")),
    "dry": [file.filename for file in api.snapshot_download(repo, dry_run=True) if file.will_download],
    "exists": [api.file_exists(repo, "a.txt"), api.file_exists(repo, "x"), api.file_exists("ann/none", "a.txt"),
               api.file_exists(repo, "a.txt", revision="none")],
    "scanned": [r.nb_files for r in scan_cache_dir().repos if r.repo_id == repo],
})
"""
    )

    files = [".gitattributes", "a.txt", "f/b.txt", "f/g/c.txt", "w.bin"]
    assert found == {
        "commit": [True, True],
        "sizes": [1, 4000],
        "etags": [40, 64],
        "no xet": None,
        "blob is named by etag": True,
        "snapshot is named by commit": True,
        "missing": ["RemoteEntryNotFoundError", True],
        "offline": "a",
        "by commit": "a",
        "offline and missing": "LocalEntryNotFoundError",
        "local_dir": [["elsewhere", "f", "b.txt"], True],
        "snapshot": files,
        "some": ["b.txt", "c.txt"],
        "dry": [],
        "exists": [True, False, False, False],
        "scanned": [5],
    }


def test_the_caches_own_commands(plain_ann, run):
    repo = run("answer(repo)")
    plain_ann.hf("download", repo)

    listed = plain_ann.hf("cache", "ls")
    plain_ann.hf("cache", "verify", repo, "--fail-on-missing-files")
    blob = next(path for path in plain_ann.home.glob("hub/models--*/blobs/*") if path.stat().st_size == 4000)
    blob.write_bytes(b"\1" * 4000)
    spoilt = plain_ann.hf("cache", "verify", repo, status=1)
    plain_ann.hf("cache", "rm", f"model/{repo}", "--yes")

    assert repo in listed
    assert "w.bin" in spoilt
    assert repo not in plain_ann.hf("cache", "ls")


def test_lists_are_filtered(run, celery_worker_process):
    found = run(
        """
import time
def card(**facts):
    return "---\\n" + "".join(f"{key}: {value}\\n" for key, value in facts.items()) + "---\\n"
stem = repo.split("/")[1]
models = {
    "one": card(license="mit", library_name="transformers", pipeline_tag="fill-mask", language="pl",
                tags=f"[{stem}]", datasets="[ann/some-data]", base_model="ann/base"),
    "two": card(license="apache-2.0", library_name="diffusers", pipeline_tag="text-to-image", tags=f"[{stem}]"),
}
for name, readme in models.items():
    api.create_repo(f"acme/{stem}-{name}")
    commit(Add("README.md", readme.encode()), repo_id=f"acme/{stem}-{name}")
api.create_repo(f"acme/{stem}-hidden", private=True)
data = card(license="mit", task_categories="[question-answering]", language="[en, pl]", size_categories="[n<1K]",
            tags=f"[{stem}]")
api.create_repo(f"acme/{stem}-data", repo_type="dataset")
commit(Add("README.md", data.encode()), repo_id=f"acme/{stem}-data", repo_type="dataset")
def of(lister, **options):
    return sorted(r.id.removeprefix(f"acme/{stem}-") for r in lister(**options) if stem in r.id)
for _ in range(80):
    if len(of(api.list_models, search=stem, author="acme")) == 3:
        break
    time.sleep(0.5)
m, d = api.list_models, api.list_datasets
def only(**options):
    return of(m, filter=[stem, options.pop("filter")] if "filter" in options else stem, **options)
every = m(filter=stem, full=True, fetch_config=True, cardData=True, author="acme")
one = next(r for r in every if r.id.endswith("one"))
answer({
    "tag": only(), "library": only(filter="transformers"), "licence": only(filter="license:apache-2.0"),
    "language": only(filter="pl"), "dataset": only(trained_dataset="ann/some-data"),
    "base model": only(filter="base_model:ann/base"), "task": only(pipeline_tag="fill-mask"),
    "author": of(m, author="acme"), "author's case": of(m, author="ACME"), "nobody": list(m(author="nobody-here")),
    "search": of(m, search=stem.upper(), author="acme"), "limit": len(list(m(limit=1))),
    "sorts": [refused(lambda: list(m(sort=key, limit=1)))
              for key in ("created_at", "last_modified", "downloads", "likes", "trending_score")],
    "full": [one.sha is not None, one.private, one.gated, one.card_data.license, one.library_name,
             [s.rfilename for s in one.siblings]],
    "expand": [r.downloads is not None and r.tags is None for r in m(filter=stem, expand="downloads")],
    "unknown expand": refused(lambda: list(m(filter=stem, expand=["nonsense"]))),
    "full and expand": refused(lambda: list(m(full=True, expand=["sha"]))),
    "gated": of(m, gated=True, author="acme"), "not gated": "one" in of(m, gated=False, author="acme"),
    "others see no private": "hidden" in of(m, author="acme", token=other),
    "data by task": of(d, task_categories="question-answering", filter=stem),
    "data by language": of(d, language="pl", filter=stem),
    "data by size": of(d, size_categories="n<1K", filter=stem),
    "data by name": of(d, dataset_name=f"{stem}-data"),
    "data by other language": of(d, language="fr", filter=stem), "data by author": of(d, author="acme"),
})
""",
        other=celery_worker_process.command("create_token", "bob", "--role", "read").strip(),
    )

    assert found == {
        "tag": ["one", "two"],
        "library": ["one"],
        "licence": ["two"],
        "language": ["one"],
        "dataset": ["one"],
        "base model": ["one"],
        "task": ["one"],
        "author": ["hidden", "one", "two"],
        "author's case": ["hidden", "one", "two"],
        "nobody": [],
        "search": ["hidden", "one", "two"],
        "limit": 1,
        "sorts": [None] * 5,
        "full": [True, False, False, "mit", "transformers", [".gitattributes", "README.md"]],
        "expand": [True, True],
        "unknown expand": "BadRequestError",
        "full and expand": "ValueError",
        "gated": [],
        "not gated": True,
        "others see no private": False,
        "data by task": ["data"],
        "data by language": ["data"],
        "data by size": ["data"],
        "data by name": ["data"],
        "data by other language": [],
        "data by author": ["data"],
    }


def test_cards_are_changed_and_pushed(run):
    found = run(
        """
from huggingface_hub import DatasetCard, EvalResult, ModelCard, ModelCardData
from huggingface_hub import metadata_eval_result, metadata_load, metadata_update
metadata_update(repo, {"license": "mit", "tags": ["a"]})
same = refused(lambda: metadata_update(repo, {"license": "apache-2.0"}))
metadata_update(repo, {"license": "apache-2.0"}, overwrite=True)
tags = refused(lambda: metadata_update(repo, {"tags": ["b"]}))
score = metadata_eval_result(model_pretty_name="Mine", task_pretty_name="Text", task_id="text-classification",
    metrics_pretty_name="Accuracy", metrics_id="accuracy", metrics_value=0.5,
    dataset_pretty_name="D", dataset_id="d")
metadata_update(repo, score)
facts = metadata_load(api.hf_hub_download(repo, "README.md"))
proposed = ModelCard("---\\nlicense: mit\\n---\\n# Proposed\\n").push_to_hub(repo, create_pr=True)
f1 = EvalResult("text-classification", "d", "D", "f1", 0.7)
data = ModelCardData(license="mit", model_name="m", eval_results=[f1])
ModelCard.from_template(data, model_id="m").push_to_hub(repo)
api.create_repo(repo, repo_type="dataset")
DatasetCard("---\\nlicense: mit\\n---\\n# Data\\n").push_to_hub(repo)
answer({
    "not overwritten unless asked": same, "overwritten": facts["license"], "nor are lists": [tags, facts["tags"]],
    "score": facts["model-index"][0]["results"][0]["metrics"][0]["value"], "proposed": proposed.pr_num,
    "from a template": ModelCard.load(repo).data.eval_results[0].metric_value,
    "info shows it": api.model_info(repo).card_data.eval_results[0].metric_value,
    "dataset": "# Data" in DatasetCard.load(repo).content,
    "missing": refused(lambda: ModelCard.load("ann/none")),
})
"""
    )

    assert found == {
        "not overwritten unless asked": "ValueError",
        "overwritten": "apache-2.0",
        "nor are lists": ["ValueError", ["a"]],
        "score": 0.5,
        "proposed": 1,
        "from a template": 0.7,
        "info shows it": 0.7,
        "dataset": True,
        "missing": "RepositoryNotFoundError",
    }


def test_folders_are_sent_as_they_change(run):
    found = run(
        """
from huggingface_hub import CommitScheduler
folder = pathlib.Path("logs"); (folder / "sub").mkdir(parents=True)
with CommitScheduler(repo_id=repo + "-logs", folder_path=folder, path_in_repo="data", every=60, private=True,
                     allow_patterns=["*.txt"], squash_history=True) as scheduler:
    with scheduler.lock:
        for name, words in (("a.txt", "one"), ("sub/b.txt", "b"), ("c.log", "no")):
            (folder / name).write_text(words)
    scheduler.trigger().result()
    nothing = scheduler.trigger().result()
    with scheduler.lock, (folder / "a.txt").open("a") as file:
        file.write(" two")
sent = scheduler.repo_id
answer({"files": api.list_repo_files(sent), "grown": text(sent, "data/a.txt"), "private": api.model_info(sent).private,
        "nothing new": nothing})
"""
    )

    assert found == {
        "files": [".gitattributes", "data/a.txt", "data/sub/b.txt"],
        "grown": "one two",
        "private": True,
        "nothing new": None,
    }


def test_who_one_is(run, stranger, people):
    code = """
answer([refused(api.whoami), refused(lambda: api.create_repo("x")), refused(lambda: api.auth_check(repo)),
        refused(lambda: api.auth_check("ann/none")), refused(lambda: list(api.list_models(limit=1)))])
"""
    found = run(
        "me = api.whoami(); answer([me['type'], me['orgs'][0]['roleInOrg'], refused(lambda: api.auth_check(repo))])"
    )

    assert found == ["user", "admin", None]
    repo = run("answer(repo)")
    assert stranger.script(PRELUDE + code, repo=repo) == [
        "LocalTokenNotFoundError",
        "HfHubHTTPError",
        None,
        "RepositoryNotFoundError",
        None,
    ]
