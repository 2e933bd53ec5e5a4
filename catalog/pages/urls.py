"""The catalogue's pages. Included last: `/{owner}/{name}` catches nearly everything."""

from __future__ import annotations

from django.urls import URLPattern, path

from catalog.models import Repo
from catalog.pages import (
    accounts,
    community_urls,
    coverage,
    deleted_repos,
    discussion_changes,
    discussions,
    files,
    fine_grained_tokens,
    history,
    home,
    lists,
    mirrors,
    new,
    passkeys,
    profiles,
    repo_settings,
    repos,
    reviews,
    second_factor,
    settings,
    teams,
)

MODEL, DATASET, SPACE = Repo.Kind.MODEL.value, Repo.Kind.DATASET.value, Repo.Kind.SPACE.value


def repo_urls(prefix: str, kind: str) -> list[URLPattern]:
    """The pages of one repo: models stand at the root, others under `/datasets/` and `/spaces/`."""
    base, given = f"{prefix}<owner:owner>/<segment:name>", {"kind": kind}
    return [
        path(base, repos.repo_page, given),
        path(f"{base}/tree", files.tree, given),
        path(f"{base}/tree/<revision:revision>", files.tree, given),
        path(f"{base}/tree/<revision:revision>/<filepath:path>", files.tree, given),
        path(f"{base}/blob/<revision:revision>/<filepath:path>", files.blob, given),
        path(f"{base}/commits/<revision:revision>", history.commits, given),
        path(f"{base}/commit/<segment:oid>", history.commit, given),
        path(f"{base}/reviews", reviews.reviews, given),
        path(f"{base}/reviews/withdraw", reviews.withdraw, given),
        path(f"{base}/discussions", discussions.discussion_list, given),
        path(f"{base}/discussions/new", discussions.new, given),
        path(f"{base}/discussions/<int:num>", discussions.thread, given),
        path(f"{base}/discussions/<int:num>/files", discussions.files, given),
        path(f"{base}/discussions/<int:num>/status", discussion_changes.status, given),
        path(f"{base}/discussions/<int:num>/title", discussion_changes.title, given),
        path(f"{base}/discussions/<int:num>/merge", discussion_changes.merge, given),
        path(f"{base}/discussions/<int:num>/edit", discussion_changes.edit, given),
        path(f"{base}/discussions/<int:num>/hide", discussion_changes.hide, given),
        path(f"{base}/settings/discussions", discussion_changes.switch, given),
        path(f"{base}/upload/<revision:revision>", new.upload, given),
        path(f"{base}/settings", repo_settings.settings, given),
        path(f"{base}/settings/delete", repo_settings.delete, given),
        *community_urls.of_repo(base, given),
    ]


urlpatterns = [
    path("", home.home, name="home"),
    path("robots.txt", home.robots),
    path("docs/coverage", coverage.coverage),
    path("favicon.ico", home.favicon),
    path("login", accounts.sign_in_page, name="login"),
    path("login/code", accounts.second_step),
    path("logout", accounts.sign_out, name="logout"),
    path("join/<segment:code>/<segment:token>", accounts.join),
    path("reset", accounts.forgotten),
    path("settings/theme", home.theme),
    path("settings/shortcuts", home.shortcuts),
    path("settings/profile", settings.profile),
    path("settings/tokens", settings.tokens),
    path("settings/tokens/<int:token_id>/revoke", settings.revoke),
    path("settings/tokens/fine-grained", fine_grained_tokens.new),
    path("settings/second-factor", second_factor.overview),
    path("settings/second-factor/new", second_factor.enrol),
    path("settings/second-factor/codes", second_factor.recovery_codes),
    path("settings/second-factor/passkeys/new", passkeys.new),
    path("settings/second-factor/passkeys/<int:passkey_id>/remove", passkeys.remove),
    path("settings/second-factor/off", second_factor.switch_off),
    path("settings/deleted", deleted_repos.deleted_list),
    path("settings/deleted/<segment:public_id>/restore", deleted_repos.restore),
    path("settings/deleted/<segment:public_id>/give-up", deleted_repos.give_up),
    path("settings/link/<owner:owner>", accounts.link_for),
    path("teams", teams.teams),
    path("teams/new", teams.new_team),
    path("teams/<owner:name>", teams.team),
    path("teams/<owner:name>/members/<owner:person>", teams.change),
    path("new", new.new_repo),
    path("mirrors", mirrors.mirrors),
    path("mirrors/new", mirrors.new_mirror),
    path("mirrors/<int:mirror_id>", mirrors.mirror),
    path("mirrors/<int:mirror_id>/status", mirrors.status),
    path("mirrors/<int:mirror_id>/sync", mirrors.sync),
    path("models", lists.repo_list, {"kind": MODEL}),
    path("models/counted", lists.counted, {"kind": MODEL}),
    path("datasets", lists.repo_list, {"kind": DATASET}),
    path("datasets/counted", lists.counted, {"kind": DATASET}),
    path("spaces", lists.repo_list, {"kind": SPACE}),
    path("spaces/counted", lists.counted, {"kind": SPACE}),
    *community_urls.urlpatterns,
    *repo_urls("datasets/", DATASET),
    *repo_urls("spaces/", SPACE),
    *repo_urls("", MODEL),
    path("<owner:owner>", profiles.profile),
]
