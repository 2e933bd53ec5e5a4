"""Pages around repos: gates, likes, collections, webhooks, sign-in of programs."""

from __future__ import annotations

from django.urls import URLPattern, path

from catalog.pages import activity, collections, device_login, following, gates, likes, webhooks


def of_repo(base: str, given: dict[str, str]) -> list[URLPattern]:
    """Pages below the address of one repo."""
    return [
        path(f"{base}/activity", activity.of_repo, given),
        path(f"{base}/access", gates.ask, given),
        path(f"{base}/like", likes.toggle, given),
        path(f"{base}/settings/access", gates.requests, given),
    ]


urlpatterns: list[URLPattern] = [
    path("oauth/approve", device_login.approve),
    path("activity", activity.watched),
    path("activity/<owner:owner>", activity.of_namespace),
    path("users/<owner:owner>/followers", following.followers),
    path("users/<owner:owner>/following", following.followed),
    path("settings/follow/<owner:owner>", following.toggle),
    path("collections", collections.collection_list),
    path("collections/<segment:owner>/<segment:slug>", collections.collection),
    path("settings/webhooks", webhooks.webhook_list),
    path("settings/webhooks/<segment:webhook_id>", webhooks.change),
]
