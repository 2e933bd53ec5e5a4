"""Pages around repos: gates, likes, collections, webhooks, sign-in of programs."""

from __future__ import annotations

from django.urls import URLPattern, path

from catalog.pages import collections, device_login, gates, likes, webhooks


def of_repo(base: str, given: dict[str, str]) -> list[URLPattern]:
    """Pages below the address of one repo."""
    return [
        path(f"{base}/access", gates.ask, given),
        path(f"{base}/like", likes.toggle, given),
        path(f"{base}/settings/access", gates.requests, given),
    ]


urlpatterns: list[URLPattern] = [
    path("oauth/approve", device_login.approve),
    path("collections", collections.collection_list),
    path("collections/<segment:owner>/<segment:slug>", collections.collection),
    path("settings/webhooks", webhooks.webhook_list),
    path("settings/webhooks/<segment:webhook_id>", webhooks.change),
]
