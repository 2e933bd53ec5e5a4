"""Routes around repos rather than into them: gates, likes, collections, webhooks, sign-in of programs."""

from django.urls import URLPattern, path

from catalog.hub_api import (
    collections,
    following,
    gating,
    leaderboard,
    likes,
    moving,
    oauth,
    people,
    safetensors_metadata,
    tag_lists,
    webhooks,
)
from catalog.hub_api.endpoint import anyone, endpoint

REPO = "api/<kinds:kind>/<segment:owner>/<segment:name>"
COLLECTION = "api/collections/<segment:owner>/<segment:slug>"

urlpatterns: list[URLPattern] = [
    path(f"{REPO}/user-access-request/handle", endpoint(POST=gating.handle)),
    path(f"{REPO}/user-access-request/grant", endpoint(POST=gating.grant)),
    path(f"{REPO}/user-access-request/<segment:state>", endpoint(GET=gating.requests)),
    path(f"{REPO}/like", endpoint(POST=likes.like, DELETE=likes.unlike)),
    path(f"{REPO}/likers", endpoint(GET=likes.likers)),
    path(f"{REPO}/duplicate", endpoint(POST=moving.duplicate)),
    path(f"{REPO}/lfs-files/duplicate", endpoint(POST=moving.copy_files)),
    path("oauth/device", endpoint(POST=oauth.device, authenticate=anyone)),
    path("oauth/token", endpoint(POST=oauth.token, authenticate=anyone)),
    path("api/collections", endpoint(GET=collections.listed, POST=collections.create)),
    path(COLLECTION, endpoint(GET=collections.one, PATCH=collections.change, DELETE=collections.remove)),
    path(f"{COLLECTION}/items", endpoint(POST=collections.add_item)),
    path(
        f"{COLLECTION}/items/<segment:item_id>",
        endpoint(PATCH=collections.change_item, DELETE=collections.remove_item),
    ),
    path("api/settings/webhooks", endpoint(GET=webhooks.listed, POST=webhooks.create)),
    path(
        "api/settings/webhooks/<segment:webhook_id>",
        endpoint(GET=webhooks.one, POST=webhooks.change, DELETE=webhooks.remove),
    ),
    path("api/settings/webhooks/<segment:webhook_id>/enable", endpoint(POST=webhooks.enable)),
    path("api/settings/webhooks/<segment:webhook_id>/disable", endpoint(POST=webhooks.disable)),
    path("api/models-tags-by-type", endpoint(GET=tag_lists.of_models)),
    path("api/datasets-tags-by-type", endpoint(GET=tag_lists.of_datasets)),
    path("api/datasets/<segment:owner>/<segment:name>/leaderboard", endpoint(GET=leaderboard.leaderboard)),
    path(
        "api/models/<segment:owner>/<segment:name>/safetensors-metadata/<filepath:path>",
        endpoint(GET=safetensors_metadata.metadata),
    ),
    path("api/repos/move", endpoint(POST=moving.move)),
    path("api/users/<segment:user>/overview", endpoint(GET=people.user_overview)),
    path("api/users/<segment:user>/likes", endpoint(GET=likes.liked)),
    path("api/users/<segment:user>/followers", endpoint(GET=following.followers)),
    path("api/users/<segment:user>/following", endpoint(GET=following.followed)),
    path("api/users/<segment:user>/follow", endpoint(POST=following.follow_user, DELETE=following.unfollow_user)),
    path("api/organizations/<segment:organisation>/overview", endpoint(GET=people.organisation_overview)),
    path("api/organizations/<segment:organisation>/members", endpoint(GET=people.members)),
    path("api/organizations/<segment:organisation>/followers", endpoint(GET=following.team_followers)),
    path(
        "api/organizations/<segment:organisation>/follow",
        endpoint(POST=following.follow_team, DELETE=following.unfollow_team),
    ),
    path("api/organizations/<segment:organisation>/settings/repositories", endpoint(GET=people.team_repositories)),
    path("api/settings/repositories", endpoint(GET=people.own_repositories)),
]


def beside(repo: str, kind: dict[str, str]) -> list[URLPattern]:
    """Routes outside `/api`, below the address of a repo."""
    return [path(f"{repo}/ask-access", endpoint(POST=gating.ask), kind)]
