"""The site's own application; each answer leaves one line in the file `ROUTES_SEEN` names. See recording.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from marketplace.raw_paths import encoded_path
from marketplace.wsgi import application as site


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    from django.urls import Resolver404, resolve

    def recorded(status: str, *rest: Any) -> Any:
        try:
            route = resolve(encoded_path(environ["RAW_URI"])).route
        except Resolver404:
            route = ""
        with open(os.environ["ROUTES_SEEN"], "a") as file:
            file.write(f"{environ['REQUEST_METHOD']}\t{route}\t{status[:3]}\n")
        return start_response(status, *rest)

    return site(environ, recorded)
