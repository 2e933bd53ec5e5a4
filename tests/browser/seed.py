"""What the visited site holds: run inside its own process by `manage.py shell`, through the actions."""

from __future__ import annotations

import struct
import zlib
from datetime import timedelta

from django.utils import timezone

from catalog.actions import repos
from catalog.actions.community import (
    attachments,
    curation,
    discussions,
    following,
    gating,
    likes,
    merging,
    pull_requests,
    ratings,
)
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.facts import metadata
from catalog.actions.history import refs
from catalog.actions.incoming import uploads
from catalog.actions.notices import webhooks
from catalog.actions.people import accounts
from catalog.models import Collection, DeviceLogin, Mirror, Repo, SyncRun, User
from catalog.types import AddFile
from evaluation.actions import leases, sentinels
from evaluation.models import Node, Run, SentinelCheck
from tests.evaluation import arrangement
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content

PASSWORD = "korzeniowska-92"
WAITING, KEPT, EMPTY = "BCDF-GHJK", "a" * 24, "b" * 24

POLISH = """---
pipeline_tag: text-classification
library_name: transformers
license: apache-2.0
language: [pl]
title: Analiza wydźwięku polskich opinii
---
# HerBERT sentyment

Model do analizy wydźwięku. Nie radzi sobie z *ironią*.

| zbiór | trafność |
|---|---|
| PolEmo | 91,2 |

```python
print("zażółć gęślą jaźń, a ta linia jest bardzo długa, żeby sprawdzić, czy strona się nie rozjeżdża")
```
"""
CHINESE = """---
pipeline_tag: sentence-similarity
library_name: sentence-transformers
license: mit
language: [zh-Hant, en]
title: 多語言句向量模型，適合檢索與分群
---
# 句向量模型

這個模型把**句子**映射到三百八十四維的向量空間，可以用於檢索、分群與語意搜尋。
"""


def _picture(width: int = 240, height: int = 120) -> bytes:
    """A grey slope as PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(bytes([0, *((x + y) % 256 for x in range(width))]) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


GATED = """---
license: other
extra_gated_prompt: Nie do celów wojskowych.
extra_gated_fields:
  Firma: text
  Cel:
    type: select
    options: [badania, inny]
  Zgadzam się: checkbox
---
# Strzeżony
"""


def fill() -> None:
    """Two teams, models in three languages, one private, reviews, runs at every stage, a mirror at work."""
    ann, bo = (UserFactory(name=name, password=PASSWORD) for name in ("ann", "bo"))
    UserFactory(name="dora", password=PASSWORD)
    team = OrganisationFactory(name="zespol-nlp", full_name="Zespół NLP", admin=ann)
    files = {"README.md": POLISH.encode(), "config.json": b'{"model_type": "bert"}', "model.safetensors": b"weights"}
    herbert = _model(team.namespace, "herbert-sentyment", ann, files)
    _model(bo.namespace, "sentence-vectors-with-a-rather-long-name-that-has-to-break-somewhere", bo,
           {"README.md": CHINESE.encode(), "notes.txt": b"x" * 5000})  # fmt: skip
    secret = _model(ann.namespace, "secret", ann, {"README.md": b"# Secret\n" * 600})
    Repo.objects.filter(pk=secret.pk).update(visibility="private")
    RepoFactory(actor=ann, name="empty")
    for person, stars in ((bo, 5), (UserFactory(name="chen", full_name="陳怡君"), 4), (UserFactory(), 3)):
        ratings.rate_repo(
            repo=herbert, actor=person, stars=stars, text="波蘭文效果很好，但混合語言的句子常常判斷錯誤。"
        )
    _talk(herbert, bo)
    _around(ann, bo, herbert)
    _news(ann, bo, herbert)
    for wrong in (0, 60):
        model = arrangement.model(actor=bo, name=f"digits-{wrong}")
        measured = {"parameters": 10 ** (6 + wrong // 60), "items_per_second": 99.0}
        run = arrangement.scored(model, wrong=wrong, measurements=measured)
    _drift(run)
    arrangement.running()
    mirrored = RepoFactory(actor=ann, name="mirrored")
    mirror = Mirror.objects.create(
        repo=mirrored, source="huggingface", endpoint="https://hub.example", upstream_name="x/y"
    )
    SyncRun.objects.create(
        mirror=mirror, state="failed", reason="The other hub refused: gated.", bytes_total=1000, bytes_done=250,
        files_total=2, files_done=1, plan=[{"path": "model.safetensors", "size": 750, "state": "waiting"}],
    )  # fmt: skip


def _drift(run: Run) -> None:
    """A node whose sentinel scored otherwise than before, and an operator who has to look."""
    UserFactory(name="root", password=PASSWORD, is_admin=True)
    sentinel = sentinels.add_sentinel(repo=run.repo, benchmark=run.benchmark)
    SentinelCheck.objects.create(
        sentinel=sentinel, node=run.node, run=run, hardware_class="CPU Example 9000 with a rather long name", value=0.9,
        expected=0.91, tolerance=1e-12, verdict=SentinelCheck.Verdict.DRIFTED,
    )  # fmt: skip
    Node.objects.filter(pk=run.node_id).update(paused_at=timezone.now(), paused_reason="It scored 0.9 here, not 0.91.")
    broken = arrangement.running(by=arrangement.node("gpu-with-a-rather-long-name-in-the-second-rack"))
    leases.fail_run(**arrangement.grant(broken), reason="node_error", message="The device is gone.")
    Node.objects.filter(pk=broken.node_id).update(last_seen_at=timezone.now(), draining_since=timezone.now())
    large = arrangement.queued(run.repo, again=True)
    Run.objects.filter(pk=large.pk).update(queue="eval.gpu.80g", memory_gb=61.2)


def newcomer(name: str, password: str) -> None:
    UserFactory(name=name, password=password)


def _talk(repo: Repo, actor: User) -> None:
    """A discussion with an answer, a pull request that waits and one that was merged."""
    asked = discussions.open_discussion(
        repo=repo, title="混合語言的句子常常判斷錯誤,有計畫改善嗎?", text="例如:`ten film był 很好看`。", actor=actor
    )
    answer = f"Tak! **W przyszłym miesiącu**:\n\n- więcej danych\n- nowy tokenizator\n\n```python\n{'x' * 99}\n```"
    discussions.comment(discussion=asked, text=answer, actor=repo.created_by)
    discussions.rename(discussion=asked, title="Mixed languages", actor=repo.created_by)
    for title, path, text in (
        ("Popraw literówkę w karcie", "README.md", POLISH.replace("ironią", "sarkazmem")),
        ("Dodaj notatki", "notes/uwagi.txt", "Uwagi\n"),
    ):
        sha256 = uploads.store_bytes(repo=repo, actor=actor, chunks=[text.encode()]).sha256
        made, _commit = pull_requests.propose_changes(
            repo=repo, proposal=Proposal(title, "Drobna zmiana."), changes=[AddFile(path, sha256)], actor=actor
        )
    merging.merge_pull_request(discussion=made, actor=repo.created_by)


def _around(ann: User, bo: User, herbert: Repo) -> None:
    """A gated repo somebody asks for, a space, likes, a collection with words, a webhook, a program that waits."""
    guarded = _model(ann.namespace, "guarded", ann, {"README.md": GATED.encode(), "weights.bin": b"w" * 5000})
    repos.change_settings(repo=guarded, gate="manual", actor=ann)
    gating.ask_access(repo=guarded, actor=bo, fields={"Firma": "Zażółć Sp. z o.o.", "Zgadzam się": "True"})
    space = RepoFactory(namespace=ann.namespace, name="pokaz", kind="space", actor=ann)
    commit_content(space, {"README.md": b"---\nsdk: static\n---\n# Pokaz", "index.html": b"<p>Pokaz" * 900})
    RepoFactory(namespace=ann.namespace, name="empty-space", kind="space", actor=ann)
    likes.like(repo=herbert, actor=ann)
    kept = curation.create_collection(namespace=ann.namespace, title="Polskie modele", actor=ann)
    Collection.objects.filter(pk=kept.pk).update(public_id=KEPT)
    curation.add_item(collection=kept, thing=herbert, note="小而好: mały, ale dobry.")
    curation.add_item(collection=kept, thing=space)
    empty = curation.create_collection(namespace=ann.namespace, title="Empty", actor=ann)
    Collection.objects.filter(pk=empty.pk).update(public_id=EMPTY)
    webhooks.add_webhook(
        actor=ann, url=f"https://hooks.example.org/{'long' * 30}", watched=[herbert], domains=["repo"], secret=None
    )
    DeviceLogin.objects.create(
        device_digest="0" * 64, user_code=WAITING, client_id="hf", client_note="hf/2.4.0",
        expires_at=timezone.now() + timedelta(hours=1), interval_seconds=5,
    )  # fmt: skip


def _news(ann: User, bo: User, herbert: Repo) -> None:
    """Who follows whom, a tag, a picture in a comment, repos that were deleted: one of them under a name in use."""
    chen = User.objects.get(username="chen")
    for person, followed in ((bo, ann), (chen, ann), (bo, chen), (ann, bo)):
        following.follow(namespace=followed.namespace, actor=person)
    following.follow(namespace=herbert.namespace, actor=bo)
    refs.create_tag(repo=herbert, name="v1.0", revision="main", message="第一個正式版本", actor=ann)
    picture = attachments.attach(chunks=[_picture()], size=None, actor=bo)
    words = f"如圖所示:\n\n![一張小圖]({picture.path})"
    discussions.open_discussion(repo=herbert, title="圖表的說明文字太小", text=words, actor=bo)
    for namespace, name in (
        (ann.namespace, "empty"),
        (herbert.namespace, "wycofane-zdania-z-dlugiej-listy-przykladow"),
    ):
        gone = RepoFactory(namespace=namespace, name=name, kind="dataset", actor=ann)
        commit_content(gone, {"w.bin": b"w" * 123_456})
        repos.delete_repo(repo=gone, actor=ann)
    RepoFactory(namespace=ann.namespace, name="empty", kind="dataset", actor=ann)


def link_of(name: str) -> str:
    """A one-time link that sets this person's password."""
    return accounts.password_link(User.objects.get(username=name))


def _model(namespace, name: str, actor: User, files: dict[str, bytes]) -> Repo:
    repo = RepoFactory(namespace=namespace, name=name, actor=actor)
    commit_content(repo, files, lfs=("model.safetensors",) if "model.safetensors" in files else ())
    metadata.index_repo(repo)
    return repo
