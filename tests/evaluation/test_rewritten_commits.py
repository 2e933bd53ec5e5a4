"""Runs and scores of a commit that was rewritten keep its id as text; nothing that shows them breaks."""

from __future__ import annotations

import hashlib

import pytest

from catalog.actions.history import removal
from tests.evaluation import arrangement
from tests.factories import commit_content

pytestmark = pytest.mark.django_db


def test_runs_of_a_commit_that_was_rewritten_are_still_shown(client):
    run = arrangement.running()
    content = b"large" * 500
    commit = commit_content(run.repo, {"big.bin": content}, lfs=("big.bin",))
    run.commit_oid = commit.oid
    run.save(update_fields=["commit_oid"])

    removal.remove_files(
        repo=run.repo,
        sha256s=[hashlib.sha256(content).hexdigest()],
        rewrite_history=True,
        actor=run.repo.created_by,
    )

    assert not run.repo.commits.filter(oid=commit.oid).exists()
    for path in ("/runs", f"/runs/{run.pk}", run.repo.web_path):
        answer = client.get(path)
        assert answer.status_code == 200, path
    assert commit.oid[:7] in client.get(f"/runs/{run.pk}").content.decode()
