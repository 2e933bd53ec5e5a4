"""git-lfs against the hub: large files by batch and pointers, plain files within their limit."""

import os

import pytest


@pytest.fixture
def lfs(ann):
    """ann, with the filters of git-lfs installed."""
    ann("lfs", "install", "--skip-repo")
    return ann


def with_large_file(git, repo, content, *, into="work"):
    """A clone with one more commit, which adds `model.bin` by git-lfs."""
    work = git.clone(repo, into=into)
    git("lfs", "track", "*.bin", cwd=work)
    (work / "model.bin").write_bytes(content)
    git("add", ".", cwd=work)
    git("commit", "-m", "Weights", cwd=work)
    return work


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_large_files_travel_by_git_lfs_both_ways(lfs, api, new_repo, kind):
    repo, content = new_repo(kind), os.urandom(300_000)
    work = with_large_file(lfs, repo, content)

    told = lfs.try_("push", cwd=work)

    assert told.returncode == 0, told.stderr
    assert "locking" not in told.stderr
    kinds, name = ("models", repo) if kind == "model" else repo.split("/", 1)
    (entry,) = api.post(f"/api/{kinds}/{name}/paths-info/main", json={"paths": ["model.bin"], "expand": False}).json()
    assert entry["lfs"]["size"] == len(content)
    assert api.get(f"/{repo}/resolve/main/model.bin", follow_redirects=True).content == content
    again = lfs.clone(repo, into="again")
    assert (again / "model.bin").read_bytes() == content
    lfs("lfs", "fsck", cwd=again)


def test_pointers_without_their_files_are_refused_by_name_and_leave_nothing(lfs, api, new_repo):
    repo = new_repo()
    before = api.get(f"/api/models/{repo}").json()["sha"]
    work = with_large_file(lfs, repo, os.urandom(1000))
    (work / "plain.txt").write_text("came along\n")
    lfs("add", ".", cwd=work)
    lfs("commit", "-m", "More", cwd=work)

    refused = lfs.try_("push", cwd=work, GIT_LFS_SKIP_PUSH="1")

    assert refused.returncode != 0
    assert "model.bin" in refused.stderr
    assert "git lfs push --all" in refused.stderr
    assert api.get(f"/api/models/{repo}").json()["sha"] == before
    assert api.get(f"/api/models/{repo}/tree/{lfs('rev-parse', 'HEAD', cwd=work)}").status_code == 404


def test_bytes_another_repo_holds_do_not_count_for_this_one(lfs, new_repo):
    content = os.urandom(5000)
    theirs, ours = new_repo(private=True), new_repo()
    lfs("push", cwd=with_large_file(lfs, theirs, content))
    work = with_large_file(lfs, ours, content, into="ours")

    refused = lfs.try_("push", cwd=work, GIT_LFS_SKIP_PUSH="1")
    sent = lfs.try_("push", cwd=work)

    assert "model.bin" in refused.stderr
    assert sent.returncode == 0, sent.stderr
    assert (lfs.clone(ours, into="again") / "model.bin").read_bytes() == content


def test_a_plain_file_over_the_limit_is_told_to_use_git_lfs(ann, api, new_repo):
    repo = new_repo()
    work = ann.clone(repo)
    (work / "fits.dat").write_bytes(os.urandom(10_000_000))
    (work / "large.dat").write_bytes(os.urandom(10_000_001))
    ann("add", ".", cwd=work)
    ann("commit", "-m", "Too large", cwd=work)

    refused = ann.try_("push", cwd=work)

    assert refused.returncode != 0
    assert "large.dat (10000001 bytes)" in refused.stderr
    assert "fits.dat" not in refused.stderr
    assert "git lfs migrate import" in refused.stderr
    ann("rm", "--cached", "large.dat", cwd=work)
    ann("commit", "--amend", "-m", "Fits", cwd=work)
    ann("push", cwd=work)
    assert api.head(f"/{repo}/resolve/main/fits.dat").headers["Content-Length"] == "10000000"
