"""The unmodified client around repos: gates, likes, moves, copies, collections, webhooks, signing in by browser."""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from tests.hub_conformance.conftest import HF


@pytest.fixture
def repo(plain_ann) -> str:
    """A repo with one small and one large file."""
    name = f"ann/community-{time.monotonic_ns()}"
    plain_ann.script(
        """
        from huggingface_hub import CommitOperationAdd
        api.create_repo(repo)
        operations = [CommitOperationAdd("config.json", b"{}"), CommitOperationAdd("model.bin", b"weights" * 1000)]
        api.create_commit(repo, operations, commit_message="Two files")
        answer(None)
        """,
        repo=name,
    )
    return name


ASK = """
from huggingface_hub import auth_check, hf_hub_download, get_session
from huggingface_hub.errors import GatedRepoError
from huggingface_hub.utils import build_hf_headers
def outcome():
    try:
        auth_check(repo)
        return open(hf_hub_download(repo, "config.json")).read()
    except GatedRepoError as error:
        return [error.response.status_code, str(error)]
"""


def test_a_gated_repo_opens_to_whom_its_owner_accepts(plain_ann, bob, stranger, repo):
    plain_ann.script("api.update_repo_settings(repo, gated='manual'); answer(None)", repo=repo)
    before = bob.script(
        ASK
        + """
refused = outcome()
get_session().post(f"{api.endpoint}/{repo}/ask-access", headers=build_hf_headers()).raise_for_status()
answer([refused, api.model_info(repo).gated, len(api.list_repo_files(repo))])
""",
        repo=repo,
    )
    unknown = stranger.script(ASK + "\nanswer(outcome())", repo=repo)

    decided = plain_ann.script(
        """
        from huggingface_hub.errors import HfHubHTTPError
        (asked,) = api.list_pending_access_requests(repo)
        api.accept_access_request(repo, asked.username)
        codes = []
        for call in (api.accept_access_request, api.grant_access):
            try:
                call(repo, "bob")
            except HfHubHTTPError as error:
                codes.append(error.response.status_code)
        api.cancel_access_request(repo, "bob")
        api.reject_access_request(repo, request_id=asked.request_id, rejection_reason="wait")
        api.cancel_access_request(repo, "bob")
        api.accept_access_request(repo, "bob")
        lists = [len(list(one(repo))) for one in (
            api.list_pending_access_requests, api.list_accepted_access_requests, api.list_rejected_access_requests)]
        answer([asked.username, asked.status, asked.timestamp is not None, codes, lists])
        """,
        repo=repo,
    )

    (status, words), gate, files = before
    assert (status, gate, files) == (403, "manual", 3)
    assert re.search(r"Access to model .* is restricted and you are not in the authorized list", words)
    assert unknown[0] == 401
    assert decided == ["bob", "pending", True, [400, 400], [0, 1, 0]]
    assert bob.script(ASK + "\nanswer(outcome())", repo=repo) == "{}"


def test_a_moved_repo_is_found_under_its_old_name(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
        new = repo.replace("ann/", "acme/moved-")
        api.move_repo(repo, new)
        api.create_repo(repo.replace("community", "taken"))
        try:
            api.move_repo(new, repo.replace("community", "taken"))
            words = ""
        except HfHubHTTPError as error:
            words = str(error)
        api.upload_file(path_or_fileobj=b"b", path_in_repo="b.txt", repo_id=repo)
        answer([api.model_info(repo).id == new, open(hf_hub_download(repo, "config.json")).read(),
                sorted(api.list_repo_files(repo)), words])
        """,
        repo=repo,
    )

    assert found[:2] == [True, "{}"]
    assert found[2] == [".gitattributes", "b.txt", "config.json", "model.bin"]
    assert re.search(r"A model repository called .* already exists", found[3])


def test_repos_and_files_are_copied_by_whoever_may_read_them(bob, repo):
    found = bob.script(
        """
        from huggingface_hub import CommitOperationCopy, hf_hub_download
        url = api.duplicate_repo(repo, to_id="bob/" + repo.split("/")[1], exist_ok=True)
        again = api.duplicate_repo(repo, to_id="bob/" + repo.split("/")[1], exist_ok=True)
        target = "bob/copies-" + repo.split("/")[1]
        api.create_repo(target)
        copies = [CommitOperationCopy("config.json", "c.json", src_repo_id=repo, src_repo_type="model"),
                  CommitOperationCopy("model.bin", "m.bin", src_repo_id=repo, src_repo_type="model")]
        api.create_commit(target, copies, commit_message="From elsewhere")
        sizes = [len(open(hf_hub_download(target, name), "rb").read()) for name in ("c.json", "m.bin")]
        answer([str(url) == str(again), url.repo_id, sorted(api.list_repo_files(url.repo_id)), sizes])
        """,
        repo=repo,
    )

    assert found[0]
    assert found[1] == "bob/" + repo.split("/")[1]
    assert found[2:] == [[".gitattributes", "config.json", "model.bin"], [2, 7000]]


def test_likes_and_overviews(plain_ann, bob, repo):
    found = bob.script(
        """
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers
        get_session().post(f"{api.endpoint}/api/models/{repo}/like", headers=build_hf_headers()).raise_for_status()
        liked = [api.model_info(repo).likes, [one.username for one in api.list_repo_likers(repo)],
                 repo in api.list_liked_repos().models]
        api.unlike(repo)
        user, team = api.get_user_overview("ann"), api.get_organization_overview("acme")
        answer([liked, api.model_info(repo).likes, user.fullname, [one.name for one in user.orgs], team.fullname,
                [one.username for one in api.list_organization_members("acme")],
                list(api.list_user_followers("ann")), sorted(api.get_model_tags())])
        """,
        repo=repo,
    )
    own = plain_ann.script("answer([[one.id, one.storage] for one in api.list_user_repos()])")

    assert found[:7] == [[1, ["bob"], True], 0, "Ann", ["acme"], "Acme Ltd", ["ann"], []]
    assert "library" in found[7]
    assert dict(own)[repo] > 7000


def test_collections_from_first_to_last(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub.errors import HfHubHTTPError
        title = "Things " + repo[-9:]
        made = api.create_collection(title=title, description="d")
        same = api.create_collection(title=title, exists_ok=True)
        full = api.add_collection_item(made.slug, repo, "model", note="good")
        api.add_collection_item(made.slug, repo, "model", exists_ok=True)
        api.update_collection_item(made.slug, full.items[0].item_object_id, note="better")
        renamed = api.update_collection_metadata(made.slug, title="Other " + repo[-9:], theme="pink", private=True)
        old = api.get_collection(made.slug)
        listed = [one.slug for one in api.list_collections(owner="ann", item=f"models/{repo}")]
        api.delete_collection_item(made.slug, old.items[0].item_object_id)
        empty = len(api.get_collection(made.slug).items)
        api.delete_collection(made.slug)
        api.delete_collection(made.slug, missing_ok=True)
        try:
            api.add_collection_item(made.slug, repo, "model")
            gone = 0
        except HfHubHTTPError as error:
            gone = error.response.status_code
        answer([same.slug == made.slug, old.slug == renamed.slug != made.slug, old.items[0].note, old.theme,
                old.private, listed == [renamed.slug], empty, gone])
        """,
        repo=repo,
    )

    assert found == [True, True, "better", "pink", True, True, 0, 404]


def test_webhooks_from_first_to_last(plain_ann, repo):
    found = plain_ann.script(
        """
        made = api.create_webhook(url="https://example.org/hook", watched=[{"type": "model", "name": repo},
            {"type": "org", "name": "acme"}], domains=["repo"], secret="s")
        changed = api.update_webhook(made.id, url="https://example.org/other", domains=["repo", "discussion"])
        states = [api.disable_webhook(made.id).disabled, api.enable_webhook(made.id).disabled]
        listed = made.id in [one.id for one in api.list_webhooks()]
        read = api.get_webhook(made.id)
        api.delete_webhook(made.id)
        answer([made.secret, changed.url, changed.domains, states, listed, [one.name for one in read.watched],
                made.id in [one.id for one in api.list_webhooks()]])
        """,
        repo=repo,
    )

    assert found == [
        "s", "https://example.org/other", ["discussion", "repo"], [True, False], True, [repo, "acme"], False,
    ]  # fmt: skip


def test_spaces_are_files(plain_ann):
    found = plain_ann.script(
        """
        from huggingface_hub import hf_hub_download
        api.create_repo(repo, repo_type="space", space_sdk="static", private=True)
        api.upload_file(path_or_fileobj=b"<p>", path_in_repo="index.html", repo_id=repo, repo_type="space")
        seen = api.space_info(repo)
        path = hf_hub_download(repo, "index.html", repo_type="space")
        listed = [one.id for one in api.list_spaces(author="ann")]
        api.delete_repo(repo, repo_type="space")
        answer([seen.id, seen.sdk, seen.private, open(path).read(), listed, api.repo_exists(repo, repo_type="space")])
        """,
        repo=(name := f"ann/space-{time.monotonic_ns()}"),
    )

    assert found == [name, "static", True, "<p>", [name], False]


def test_hf_auth_login_waits_for_the_browser(hub, stranger, people):
    link = re.search(r"/join/\S+", hub.command("create_user", "dora"))[0]
    environment = {**stranger.environment, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [str(HF), "auth", "login"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        cwd=stranger.home,
    ) as program:  # fmt: skip
        said = ""
        while (shown := re.search(r"user_code=([A-Z]{4}-[A-Z]{4})", said)) is None:
            line = program.stdout.readline()
            assert line, said
            said += line
        approve(hub, shown[1], link)
        said += program.communicate(timeout=60)[0]

    assert program.returncode == 0, said
    assert "dora" in stranger.hf("auth", "whoami")


def approve(hub, code: str, link: str) -> None:
    """What a person does in a browser: choose a password, then say yes to the program with this code."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def send(path: str, **fields: str) -> None:
        page = browser.open(hub.url + path).read().decode()
        secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": secret, **fields}).encode()
        with browser.open(hub.url + path, body) as answer:
            assert answer.status == 200

    send(link, new_password1="correct horse battery", new_password2="correct horse battery")
    send(f"/oauth/approve?user_code={code}", user_code=code, answer="yes", role="write")


@pytest.mark.parametrize("rewrite", [True, False])
def test_large_files_are_deleted_for_good_and_the_rest_is_cloned(plain_ann, repo, tmp_path, rewrite):
    told = plain_ann.script(
        """
        from huggingface_hub import CommitOperationAdd
        from huggingface_hub.errors import EntryNotFoundError
        api.create_tag(repo, tag="v1")
        more = [CommitOperationAdd("deep/down/more.bin", b"more" * 1000), CommitOperationAdd("notes.txt", b"notes")]
        api.create_commit(repo, more, commit_message="More")
        listed = list(api.list_lfs_files(repo))
        doomed = [file for file in listed if file.filename == "model.bin"]
        api.permanently_delete_lfs_files(repo, doomed, rewrite_history=rewrite)
        try:
            gone = api.hf_hub_download(repo, "model.bin")
        except EntryNotFoundError:
            gone = "gone"
        left = [file.filename for file in api.list_lfs_files(repo)]
        kept = open(api.hf_hub_download(repo, "deep/down/more.bin"), "rb").read() == b"more" * 1000
        head = api.repo_info(repo).sha
        answer([sorted((file.filename, file.size, file.ref) for file in listed), gone, left, kept, head])
        """,
        repo=repo,
        rewrite=rewrite,
    )
    pointers = {**plain_ann.environment, "GIT_LFS_SKIP_SMUDGE": "1"}
    clone = ["git", "clone", "--quiet", f"{plain_ann.endpoint}/{repo}", "there"]
    subprocess.run(clone, cwd=tmp_path, env=pointers, check=True)
    checked, head, tagged = (
        subprocess.run(["git", *command], cwd=tmp_path / "there", check=True, capture_output=True, text=True).stdout
        for command in (["fsck", "--full", "--strict"], ["rev-parse", "HEAD"], ["ls-tree", "-r", "--name-only", "v1"])
    )

    listed = [["deep/down/more.bin", 4000, "refs/heads/main"], ["model.bin", 7000, "refs/heads/main"]]
    assert told == [listed, "gone", ["deep/down/more.bin"], True, head.strip()]
    assert checked == ""
    assert ("model.bin" in tagged.split()) is not rewrite
