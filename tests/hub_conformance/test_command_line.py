"""The `hf` command: what somebody types on the first day."""

from __future__ import annotations

import json


def test_a_day_with_one_repo(plain_ann):
    repo = "ann/by-hand"
    (plain_ann.home / "in").mkdir()
    (plain_ann.home / "in" / "README.md").write_text("---\nlicense: mit\n---\n# By hand\n")
    (plain_ann.home / "in" / "w.bin").write_bytes(b"\0" * 5000)
    hf = plain_ann.hf

    hf("repos", "create", repo)
    hf("repos", "create", repo, "--exist-ok")
    hf("upload", repo, "in", ".")
    hf("repos", "tag", "create", repo, "v1")
    hf("repos", "branch", "create", repo, "next")
    listed = json.loads(hf("models", "ls", "--author", "ann", "--sort", "last_modified", "--format", "json"))
    files = json.loads(hf("models", "ls", repo, "-R", "--format", "json"))
    info = json.loads(hf("models", "info", repo, "--format", "json"))
    card = hf("models", "card", repo)
    hf("download", repo, "--revision", "v1")
    hf("cache", "verify", repo, "--revision", "v1")
    hf("repos", "delete-files", repo, "*.bin")
    hf("repos", "settings", repo, "--private")

    assert listed[0]["id"] == repo
    assert {file["path"] for file in files} == {".gitattributes", "README.md", "w.bin"}
    assert info["card_data"]["license"] == "mit"
    assert "# By hand" in card
    assert plain_ann.script("answer([api.model_info(repo).private, api.list_repo_files(repo)])", repo=repo) == [
        True,
        [".gitattributes", "README.md"],
    ]
    hf("repos", "delete", repo, "--yes")
    assert plain_ann.script("answer(api.repo_exists(repo))", repo=repo) is False


def test_signing_in_with_a_token(stranger, people):
    stranger.hf("auth", "login", "--token", people["ann"])

    assert "ann" in stranger.hf("auth", "whoami")


def test_a_wrong_token_and_a_missing_repo_are_told_plainly(stranger):
    told = stranger.hf("auth", "login", "--token", "hf_" + "a" * 40, status=1)
    missing = stranger.hf("download", "ann/none", status=1)

    assert "Invalid" in told
    assert "not found" in missing.lower()


def test_a_repo_is_gated_and_opened_again(plain_ann):
    plain_ann.hf("repos", "create", "ann/open")

    plain_ann.hf("repos", "settings", "ann/open", "--gated", "auto")
    gated = plain_ann.script("answer(api.model_info('ann/open').gated)")
    plain_ann.hf("repos", "settings", "ann/open", "--gated", "false")

    assert gated == "auto"
    assert plain_ann.script("answer(api.model_info('ann/open').gated)") is False
