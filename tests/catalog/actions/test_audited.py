"""Every privileged action leaves its row: one scenario for each name the record knows, and none is missing."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

import catalog.actions
import evaluation.actions
from catalog import stores
from catalog.actions import moving, quotas, repos
from catalog.actions.community import curation, discussions, gating, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import refs, removal
from catalog.actions.mirroring import mirrors
from catalog.actions.mirroring.mirrors import Upstream
from catalog.actions.notices import webhooks
from catalog.actions.people import (
    accounts,
    device_login,
    identities,
    members,
    passkeys,
    second_factor,
    trusted_publishers,
)
from catalog.actions.people.identity_flow import Claimed
from catalog.actions.upkeep import closed_offers, purge, scrub
from catalog.models import AuditEntry, Blob, Repo
from evaluation.actions import leases, nodes, sentinels, withdrawal
from marketplace.identity_providers import IdentityProvider
from tests.catalog.git_http.conftest import Objects, basic, sent
from tests.evaluation import arrangement, teams
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, add, commit_content, token_of
from tests.factories.passkeys import passkey_of
from tests.factories.second_factors import enrolled
from tests.issuer import Issuer
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db(transaction=True)

MIRRORED = "http://hub.example"
CORP = IdentityProvider(slug="corp", name="Corp", issuer="https://corp.example", client_id="marketplace")
THERE = Claimed(CORP, "subject")
HOOK = "http://127.0.0.1:1/hook"


@pytest.fixture
def site(settings):
    cache.clear()
    settings.MIRROR_ALLOWED_HOSTS, settings.WEBHOOK_ALLOWED_HOSTS = ["hub.example"], ["127.0.0.1:1"]
    ann, bob = UserFactory(name="ann"), UserFactory(name="bob")
    repo = RepoFactory(actor=ann, name="model")
    return SimpleNamespace(ann=ann, bob=bob, repo=repo, settings=settings)


def gated(site) -> Repo:
    return repos.change_settings(repo=site.repo, gate="manual", actor=site.ann)


def asked(site):
    return gating.ask_access(repo=gated(site), actor=site.bob)


def recovered(site):
    codes = enrolled(site.ann).recovery_codes
    assert second_factor.accept(user=site.ann, code=codes[0])


def hook(site):
    return webhooks.add_webhook(actor=site.ann, url=HOOK, watched=[site.repo], domains=["repo"], secret=None)


def things(site):
    return curation.create_collection(namespace=site.ann.namespace, title="Things", actor=site.ann)


def program(site, *, approved: bool):
    login, _secret = device_login.start(client_id="hf", note="", address="127.0.0.1")
    device_login.decide(login=login, user=site.ann, approved=approved, role="read")


def damage(site) -> Blob:
    commit_content(site.repo, {"w.bin": b"weights"}, lfs=("w.bin",))
    blob = Blob.objects.get(size=7)
    path = stores.blob_store().local_path(blob.sha256)
    path.chmod(0o600)
    path.write_bytes(b"WEIGHTS")
    return blob


def mended(site, tmp_path: Path) -> None:
    blob = damage(site)
    replica = tmp_path / "replica" / "blobs" / "sha256" / blob.sha256[:2] / blob.sha256[2:4]
    replica.mkdir(parents=True)
    (replica / blob.sha256).write_bytes(b"weights")
    site.settings.REPLICA_URL = f"file://{tmp_path / 'replica'}"
    scrub.scrub(everything=True)


def purged(site) -> None:
    repos.delete_repo(repo=site.repo, actor=site.ann)
    Repo.objects.filter(pk=site.repo.pk).update(deleted_at=timezone.now() - timedelta(days=400))
    purge.purge_deleted()


def dropped(site) -> None:
    offer = pull_requests.open_pull_request(repo=site.repo, proposal=Proposal("Offer"), actor=site.bob, status="open")
    discussions.change_status(discussion=offer, status="closed", actor=site.bob)
    offer.events.update(created_at=timezone.now() - timedelta(days=400))
    closed_offers.drop_overdue()


def moved_tag(site) -> None:
    objects, nothing = Objects(), "0" * 40
    head = site.repo.refs.get(name="main").commit.oid
    first, second = (objects.commit(objects.files(a=text), head) for text in (b"a", b"b"))
    for update in ((nothing, first), (first, second)):
        sent(RawClient(), site.repo, basic(site.ann), {"refs/tags/v1": update}, objects)


def member(site, role: str = "read"):
    team = OrganisationFactory(name="acme", admin=site.ann)
    members.change_member(organisation=team, user=site.bob, role=role, actor=site.ann)
    return team


def trusting(site, issuer: str = "https://gitlab.com"):
    claims = {"project_path": "octo/model"}
    return trusted_publishers.add(place=site.repo, issuer=issuer, claims=claims, actor=site.ann)


def exchanged(site):
    with Issuer.listening() as issuer:
        site.settings.OIDC_ALLOWED_HOSTS = [issuer.url.removeprefix("http://")]
        site.settings.TRUSTED_PUBLISHER_ISSUERS = [issuer.url]
        trusting(site, issuer.url)
        token = issuer.sign(issuer.claims(aud="us", jti="1", project_path="octo/model"))
        repo = {"kind": "model", "owner": "ann", "name": "model"}
        trusted_publishers.exchange(token=token, **repo, audience="us", address="127.0.0.1")


def watched(site):
    return sentinels.add_sentinel(repo=arrangement.model(), benchmark=arrangement.benchmark(), actor=site.ann)


def drifted(site):
    """A node that is right on a sentinel once, and wrong the next time."""
    watched(site)
    node = arrangement.node()
    node.last_seen_at = timezone.now()
    node.save()
    for wrong in (0, 1):
        (run,) = sentinels.schedule(now=True)
        taken = leases.claim_run(node=node, queues=["eval.cpu"], run_id=run.pk)
        arrangement.finished_but_for(taken, range(wrong))


SCENARIOS: dict[str, Callable] = {
    "access.ask": asked,
    "access.accepted": lambda site: gating.decide(request=asked(site), state="accepted", actor=site.ann),
    "access.rejected": lambda site: gating.decide(request=asked(site), state="rejected", actor=site.ann),
    "access.pending": lambda site: gating.decide(
        request=gating.decide(request=asked(site), state="rejected", actor=site.ann), state="pending", actor=site.ann
    ),
    "blob.corrupt": lambda site: (damage(site), scrub.scrub(everything=True)),
    "blob.repaired": mended,
    "collection.create": things,
    "collection.change": lambda site: curation.change_collection(
        collection=things(site), title="Other", actor=site.ann
    ),
    "collection.delete": lambda site: curation.delete_collection(collection=things(site), actor=site.ann),
    "device.approved": lambda site: program(site, approved=True),
    "device.denied": lambda site: program(site, approved=False),
    "identity.link": lambda site: identities.link(user=site.ann, claimed=THERE),
    "identity.refused": lambda _site: identities.note_refusal(CORP, "its signature is wrong"),
    "identity.sign_in": lambda site: (identities.link(user=site.ann, claimed=THERE), identities.sign_in(THERE)),
    "identity.unlink": lambda site: identities.unlink(
        user=accounts.set_password(user=site.ann, password="correct horse battery") or site.ann,
        identity_id=identities.link(user=site.ann, claimed=THERE).pk,
    ),
    "mirror.add": lambda site: mirrors.add_mirror(
        upstream=Upstream(
            source="huggingface", endpoint=MIRRORED, name="a/b", revision="main", kind="model", token=""
        ),
        namespace=site.ann.namespace, name="mirrored", visibility="public", actor=site.ann,
    ),
    "namespace.quota": lambda site: quotas.set_limit(namespace=site.ann.namespace, limit_bytes=1, actor=site.ann),
    "node.drain": lambda site: nodes.drain(node=arrangement.node(), actor=site.ann),
    "node.pause": drifted,
    "node.resume": lambda _site: sentinels.resume(node=arrangement.node()),
    "node.token": lambda _site: nodes.create_node("machine"),
    "node.undrain": lambda site: nodes.undrain(node=nodes.drain(node=arrangement.node()), actor=site.ann),
    "organisation.create": lambda site: accounts.create_organisation(name="acme", admin=site.ann, actor=site.ann),
    "organisation.member": member,
    "organisation.remove": lambda site: members.remove_member(
        organisation=member(site), user=site.bob, actor=site.ann
    ),
    "publisher.add": trusting,
    "publisher.exchange": exchanged,
    "publisher.remove": lambda site: trusted_publishers.remove(publisher=trusting(site), actor=site.ann),
    "pull_request.drop": dropped,
    "ref.create": lambda site: refs.create_branch(repo=site.repo, name="side", actor=site.ann),
    "ref.delete": lambda site: (
        refs.create_tag(repo=site.repo, name="v1", revision="main", actor=site.ann),
        refs.delete_tag(repo=site.repo, name="v1", actor=site.ann),
    ),
    "ref.move": moved_tag,
    "repo.commit": lambda site: commit_content(site.repo, {"a.txt": b"a"}),
    "repo.create": lambda site: RepoFactory(actor=site.ann),
    "repo.delete": lambda site: repos.delete_repo(repo=site.repo, actor=site.ann),
    "repo.duplicate": lambda site: moving.duplicate_repo(
        source=site.repo, namespace=site.bob.namespace, name="copy", visibility=None, actor=site.bob
    ),
    "repo.give_up": lambda site: (
        repos.delete_repo(repo=site.repo, actor=site.ann),
        purge.give_up(repo=Repo.objects.select_related("namespace").get(pk=site.repo.pk), actor=site.ann),
    ),
    "repo.move": lambda site: moving.move_repo(
        repo=site.repo, namespace=site.ann.namespace, name="other", actor=site.ann
    ),
    "repo.purge": purged,
    "repo.remove_files": lambda site: (
        commit_content(site.repo, {"w.bin": b"weights"}, lfs=("w.bin",)),
        removal.remove_files(
            repo=site.repo, sha256s=[Blob.objects.get(size=7).sha256], rewrite_history=False, actor=site.ann
        ),
    ),
    "repo.settings": gated,
    "repo.undelete": lambda site: (
        repos.delete_repo(repo=site.repo, actor=site.ann),
        purge.undelete(repo=Repo.objects.select_related("namespace").get(pk=site.repo.pk), actor=None),
    ),
    "benchmark.publish": lambda site: teams.benchmark(site.ann.namespace, site.ann),
    "run.withdraw": lambda site: withdrawal.withdraw_run(run=arrangement.scored(), reason="Wrong.", actor=site.ann),
    "sentinel.add": watched,
    "sentinel.remove": lambda site: sentinels.remove_sentinel(sentinel=watched(site), actor=site.ann),
    "store.collect": lambda _site: call_command("gc", delete=True, verbosity=0),
    "token.create": lambda site: token_of(site.ann),
    "token.revoke": lambda site: accounts.revoke_token(
        token=accounts.create_token(user=site.ann, name="x", role="read")[0], actor=site.ann
    ),
    "user.block": lambda site: accounts.block(user=site.bob, actor=site.ann),
    "user.create": lambda _site: UserFactory(),
    "user.link": lambda site: accounts.hand_over_link(user=site.bob, actor=site.ann),
    "user.passkey": lambda site: passkey_of(site.ann),
    "user.passkey_removed": lambda site: (
        passkey_of(site.ann),
        passkeys.remove(user=site.ann, passkey_id=Authenticator.objects.get(type="webauthn").pk),
    ),
    "user.password": lambda site: accounts.set_password(user=site.ann, password="correct horse battery"),
    "user.profile": lambda site: members.change_profile(user=site.ann, full_name="Ann", email=""),
    "user.recovery_code": recovered,
    "user.recovery_codes": lambda site: (enrolled(site.ann), second_factor.new_recovery_codes(user=site.ann)),
    "user.second_factor": lambda site: enrolled(site.ann),
    "user.second_factor_off": lambda site: second_factor.switch_off(user=site.ann),
    "user.second_factor_reset": lambda site: second_factor.reset(user=site.ann, actor=None),
    "user.unblock": lambda site: accounts.unblock(user=site.bob, actor=site.ann),
    "webhook.add": hook,
    "webhook.change": lambda site: webhooks.change_webhook(webhook=hook(site), domains=["discussion"]),
    "webhook.remove": lambda site: webhooks.remove_webhook(webhook=hook(site)),
    "webhook.switch": lambda site: webhooks.switch_webhook(webhook=hook(site), disabled=True),
}  # fmt: skip

# Actions with an actor that need no row of their own, and why.
UNPRIVILEGED = {
    # everybody's opinion, with a history of its own
    "likes.like", "likes.unlike", "ratings.rate_repo", "ratings.withdraw_rating",
    # kept as events of the thread
    "discussions.open_discussion", "discussions.start", "discussions.comment", "discussions.edit_comment",
    "discussions.hide_comment", "discussions.rename", "discussions.change_status", "discussion_log.add",
    "discussion_log.note_commit", "discussion_log.tell", "pull_requests.open_pull_request",
    # nothing that anybody sees changes
    "downloads.note_download", "uploads.open_upload", "uploads.open_uploads", "uploads.store_bytes", "events.emit",
    "uploads.store_many", "push_content.store", "attachments.attach", "following.follow", "following.unfollow",
    "strangers.check_open", "strangers.check_bytes", "push_recording.record", "mirrors.request_sync",
    "runs.request_run", "audit.record",
    "drafts.draft",
}  # fmt: skip


@pytest.mark.parametrize("action", SCENARIOS)
def test_a_privileged_action_leaves_its_row(action, site, tmp_path):
    scenario = SCENARIOS[action]
    before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    scenario(site, tmp_path) if scenario is mended else scenario(site)

    rows = AuditEntry.objects.filter(pk__gt=before, action=action)
    assert rows.exists()
    assert all(row.target for row in rows)


def names_recorded() -> tuple[set[str], set[str]]:
    """Returns the names that actions write as they stand, and the beginnings of those they compose."""
    whole, begun = set(), set()
    for root in ("catalog", "evaluation"):
        for file in Path(root).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record"):
                    continue
                name = node.args[1]
                if isinstance(name, ast.Constant):
                    whole.add(name.value)
                elif isinstance(name, ast.JoinedStr):
                    begun.add(name.values[0].value)
                else:
                    begun.add("ref.")  # a push says itself whether it made or moved a tag
    return whole, begun


def test_every_name_the_record_knows_has_a_scenario():
    whole, begun = names_recorded()

    assert whole - set(SCENARIOS) == set()
    assert [name for name in SCENARIOS if name not in whole and not name.startswith(tuple(begun))] == []


def actions_with_an_actor() -> dict[str, Callable]:
    found = {}
    for package in (catalog.actions, evaluation.actions):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            loaded = importlib.import_module(module.name)
            for name, function in inspect.getmembers(loaded, inspect.isfunction):
                own = inspect.unwrap(function)
                is_public = own.__module__ == loaded.__name__ and not name.startswith("_")
                if is_public and "actor" in inspect.signature(own).parameters:
                    found[f"{module.name.rpartition('.')[2]}.{name}"] = own
    return found


def test_every_action_with_an_actor_is_recorded_or_said_not_to_be():
    recording = (
        *("audit.record(", "recording.record(", "recording.finish(", "_create(", "_delete(", "commit_files("),
        *("accounts.add_member(", "_tell(", "_commit(", "_put_in_place("),
    )
    silent = {
        name
        for name, function in actions_with_an_actor().items()
        if not any(call in inspect.getsource(function) for call in recording)
    }

    assert silent - UNPRIVILEGED == set()


def test_every_kind_of_change_to_a_repos_files_counts_as_a_commit(site):
    before = AuditEntry.objects.filter(action="repo.commit").count()
    commit_content(site.repo, {"a.txt": b"a"})

    assert AuditEntry.objects.filter(action="repo.commit").count() == before + 1
    assert add(site.repo, "b.txt", b"b").path == "b.txt"
    assert AuditEntry.objects.filter(action="repo.commit").count() == before + 1  # bytes alone are no change
