"""What the Python client reads besides bytes: lists, refs, errors, and other libraries on top of it."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def repo(plain_ann) -> str:
    """A repo of its own for each test, with two files."""
    name = f"ann/calls-{time.monotonic_ns()}"
    plain_ann.script(
        """
        from huggingface_hub import CommitOperationAdd
        api.create_repo(repo)
        card = b"---\\npipeline_tag: text-classification\\nlanguage: pl\\n---\\n# Card\\n"
        operations = [CommitOperationAdd("README.md", card), CommitOperationAdd("sub/a.txt", b"a")]
        api.create_commit(repo, operations, commit_message="Two files")
        answer(None)
        """,
        repo=name,
    )
    return name


def test_branches_and_tags_come_and_go(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError
        api.create_branch(repo, branch="feature/x")
        api.create_branch(repo, branch="feature/x", exist_ok=True)
        api.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo, revision="feature/x")
        api.create_tag(repo, tag="v1", revision="feature/x", tag_message="first")
        refs = api.list_repo_refs(repo)
        on_tag = api.list_repo_files(repo, revision="v1")
        errors = []
        for call in (
            lambda: api.create_branch(repo, branch="feature/x"),
            lambda: api.create_branch(repo, branch="refs/heads/y"),
            lambda: api.delete_branch(repo, branch="main"),
            lambda: api.delete_branch(repo, branch="nothing"),
            lambda: api.create_tag(repo, tag="v2", revision="nothing"),
        ):
            try:
                call()
            except HfHubHTTPError as error:
                errors.append([type(error).__name__, error.response.status_code, str(error)])
        api.delete_tag(repo, tag="v1")
        api.delete_branch(repo, branch="feature/x")
        after = api.list_repo_refs(repo)
        answer({"branches": [b.name for b in refs.branches], "tags": [t.ref for t in refs.tags], "on_tag": on_tag,
                "errors": errors, "after": [len(after.branches), len(after.tags)]})
        """,
        repo=repo,
    )

    assert found["branches"] == ["feature/x", "main"]
    assert found["tags"] == ["refs/tags/v1"]
    assert "b.txt" in found["on_tag"]
    assert [error[:2] for error in found["errors"]] == [
        ["HfHubHTTPError", 409],
        ["BadRequestError", 400],
        ["HfHubHTTPError", 403],
        ["RevisionNotFoundError", 404],
        ["RevisionNotFoundError", 404],
    ]
    assert "Reference refs/heads/feature/x already exists" in found["errors"][0][2]
    assert "Cannot delete refs/heads/main" in found["errors"][2][2]
    assert "Invalid rev id" in found["errors"][3][2]
    assert found["after"] == [1, 0]


def test_trees_paths_commits_and_info_are_read(plain_ann, repo):
    found = plain_ann.script(
        """
        tree = list(api.list_repo_tree(repo, recursive=True, expand=True))
        paths = api.get_paths_info(repo, ["sub", "README.md", "nothing"], expand=True)
        info = api.model_info(repo, files_metadata=True)
        some = api.model_info(repo, expand=["private", "sha", "cardData"])
        commits = api.list_repo_commits(repo, formatted=True)
        answer({
            "tree": [(type(e).__name__, e.path, e.last_commit.title) for e in tree],
            "paths": [e.path for e in paths],
            "info": [info.id, info.pipeline_tag, info.card_data.language, info.sha == commits[0].commit_id],
            "some": [some.private, some.sha == info.sha, some.siblings],
            "commits": [(c.title, c.authors, c.created_at.year > 2000) for c in commits],
            "exists": [api.repo_exists(repo), api.repo_exists("ann/none"), api.file_exists(repo, "sub/a.txt"),
                       api.file_exists(repo, "x"), api.revision_exists(repo, "main"), api.revision_exists(repo, "x")],
        })
        """,
        repo=repo,
    )

    assert found["tree"] == [
        ["RepoFile", ".gitattributes", "initial commit"],
        ["RepoFile", "README.md", "Two files"],
        ["RepoFolder", "sub", "Two files"],
        ["RepoFile", "sub/a.txt", "Two files"],
    ]
    assert found["paths"] == ["README.md", "sub"]
    assert found["info"] == [repo, "text-classification", "pl", True]
    assert found["some"] == [False, True, None]
    assert found["commits"] == [["Two files", ["ann"], True], ["initial commit", ["ann"], True]]
    assert found["exists"] == [True, False, True, False, True, False]


def test_errors_become_the_clients_own_classes(plain_ann, bob, stranger, repo):
    code = """
        from huggingface_hub import hf_hub_download, snapshot_download
        found = {}
        for name, call in {
            "repo": lambda: api.model_info("ann/none"),
            "bare": lambda: api.model_info("gpt2"),
            "bare file": lambda: hf_hub_download("gpt2", "config.json"),
            "file repo": lambda: hf_hub_download("ann/none", "config.json"),
            "revision": lambda: hf_hub_download(repo, "README.md", revision="none"),
            "entry": lambda: hf_hub_download(repo, "none.json"),
            "snapshot": lambda: snapshot_download("ann/none"),
            "folder": lambda: list(api.list_repo_tree(repo, path_in_repo="none")),
        }.items():
            try:
                call()
            except Exception as error:
                found[name] = type(error).__name__
        answer(found)
        """
    expected = {
        "repo": "RepositoryNotFoundError",
        "bare": "RepositoryNotFoundError",
        "bare file": "RepositoryNotFoundError",
        "file repo": "RepositoryNotFoundError",
        "revision": "RevisionNotFoundError",
        "entry": "RemoteEntryNotFoundError",
        "snapshot": "RepositoryNotFoundError",
        "folder": "RemoteEntryNotFoundError",
    }

    for client in (plain_ann, stranger):
        assert client.script(code, repo=repo) == expected


def test_a_private_repo_does_not_exist_for_others(plain_ann, bob, stranger):
    repo = plain_ann.script(
        """
        api.create_repo("ann/hidden", private=True, exist_ok=True)
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="ann/hidden")
        answer("ann/hidden")
        """
    )
    code = """
        from huggingface_hub.errors import RepositoryNotFoundError
        try:
            api.hf_hub_download(repo, "x.txt")
        except RepositoryNotFoundError:
            answer([api.repo_exists(repo), [m.id for m in api.list_models(author="ann") if m.id == repo]])
        """

    assert bob.script(code, repo=repo) == [False, []]
    assert stranger.script(code, repo=repo) == [False, []]


def test_a_stale_parent_and_a_foreign_namespace_are_refused_in_words(plain_ann, bob, repo):
    found = plain_ann.script(
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.errors import HfHubHTTPError
        old = api.model_info(repo).sha
        api.create_commit(repo, [CommitOperationAdd("b.txt", b"b")], commit_message="b", parent_commit=old)
        errors = []
        for call in (
            lambda: api.create_commit(repo, [CommitOperationAdd("c.txt", b"c")], commit_message="c", parent_commit=old),
            lambda: api.create_commit(repo, [CommitOperationDelete("none.txt")], commit_message="d"),
            lambda: api.create_commit(repo, [CommitOperationAdd("e.txt", b"e")], commit_message="e", revision="none"),
            lambda: api.create_repo("bob/not-mine"),
        ):
            try:
                call()
            except HfHubHTTPError as error:
                errors.append([type(error).__name__, error.response.status_code, str(error)])
        answer(errors)
        """,
        repo=repo,
    )

    assert [error[:2] for error in found] == [
        ["HfHubHTTPError", 412],
        ["RemoteEntryNotFoundError", 404],
        ["RevisionNotFoundError", 404],
        ["HfHubHTTPError", 403],
    ]
    assert "The branch was updated since you opened this page. Please refresh and try again." in found[0][2]
    assert "A file with this name doesn't exist" in found[1][2]


def test_files_and_repos_are_deleted(plain_ann, repo):
    found = plain_ann.script(
        """
        api.delete_file("README.md", repo)
        api.delete_folder("sub", repo)
        files = api.list_repo_files(repo)
        api.update_repo_settings(repo, private=True)
        private = api.model_info(repo).private
        api.delete_repo(repo)
        api.delete_repo(repo, missing_ok=True)
        answer([files, private, api.repo_exists(repo)])
        """,
        repo=repo,
    )

    assert found == [[".gitattributes"], True, False]


def test_copies_inside_a_repo_need_no_bytes(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub import CommitOperationCopy
        api.upload_file(path_or_fileobj=b"\\0" * 1000, path_in_repo="w.bin", repo_id=repo)
        api.create_commit(repo, [CommitOperationCopy("w.bin", "copy.bin"), CommitOperationCopy("sub/a.txt", "b.txt")],
                          commit_message="Copy")
        answer({f.path: [f.size, f.lfs and f.lfs.size] for f in api.list_repo_tree(repo) if "." in f.path[1:]})
        """,
        repo=repo,
    )

    assert found["copy.bin"] == found["w.bin"] == [1000, 1000]
    assert found["b.txt"] == [1, None]


def test_lists_are_paged_through_and_searched(plain_ann, hub, celery_worker_process):
    found = plain_ann.script(
        """
        import time
        card = b"---\\npipeline_tag: token-classification\\nlibrary_name: transformers\\n---\\n"
        for number in range(4):
            name = f"acme/listed-{number}"
            api.create_repo(name)
            api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=name)
        for _ in range(60):
            searched = sorted(m.id for m in api.list_models(search="isted-"))
            if len(searched) == 4:
                break
            time.sleep(0.5)
        first = next(iter(api.list_models(author="acme", sort="last_modified", limit=1)))
        answer({
            "searched": searched,
            "paged": len(list(api.list_models(author="acme", full=True))),
            "task": sorted(m.id for m in api.list_models(pipeline_tag="token-classification", author="acme")),
            "filter": len(list(api.list_models(filter=["transformers", "token-classification"], author="acme"))),
            "none": list(api.list_models(filter=["transformers", "diffusers"], author="acme")),
            "first": first.id,
            "card": next(iter(api.list_models(author="acme", cardData=True))).card_data.library_name,
            "private": next(iter(api.list_models(author="acme", expand=["private"]))).private,
        })
        """
    )

    names = [f"acme/listed-{number}" for number in range(4)]
    assert found["searched"] == found["task"] == names
    assert (found["paged"], found["filter"], found["none"]) == (4, 4, [])
    assert found["first"] == "acme/listed-3"
    assert (found["card"], found["private"]) == ("transformers", False)


def test_whoami_names_person_and_teams(plain_ann):
    me = plain_ann.script("answer(api.whoami())")

    assert (me["name"], me["fullname"], me["orgs"][0]["name"]) == ("ann", "Ann", "acme")


def test_a_broken_card_is_told_before_anything_is_sent(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub import ModelCard
        errors = []
        for call in (
            lambda: api.upload_file(path_or_fileobj=b"---\\ntags: [a\\n---\\n", path_in_repo="README.md", repo_id=repo),
            lambda: ModelCard("---\\nlicense: own\\n---\\n").validate(),
        ):
            try:
                call()
            except ValueError as error:
                errors.append(str(error))
        ModelCard("---\\nlicense: mit\\n---\\n").validate()
        answer(errors)
        """,
        repo=repo,
    )

    assert found[0].startswith("Invalid metadata in README.md.")
    assert found[1].startswith('- Error: "license" must be one of [')


def test_transformers_loads_a_saved_model_and_the_header_is_read_by_range(plain_ann):
    found = plain_ann.script(
        """
        import torch
        from transformers import AutoModel, BertConfig, BertModel
        torch.manual_seed(0)
        config = BertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50
        )
        model = BertModel(config).eval()
        model.push_to_hub("ann/tiny-bert")
        loaded = AutoModel.from_pretrained("ann/tiny-bert").eval()
        tokens = torch.tensor([[1, 2, 3]])
        same = torch.equal(model(tokens).last_hidden_state, loaded(tokens).last_hidden_state)
        metadata = api.get_safetensors_metadata("ann/tiny-bert")
        info = api.model_info("ann/tiny-bert")
        answer({"same": same, "counted": sum(metadata.parameter_count.values()),
                "parameters": sum(p.numel() for p in model.parameters()), "stated": info.safetensors.total,
                "config": info.config["model_type"]})
        """
    )

    assert found["same"] is True
    assert found["counted"] == found["parameters"] == found["stated"]
    assert found["config"] == "bert"
