"""Every route that is about one repo, asked by everybody about a repo of each state."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.access_matrix import rows, world
from tests.access_matrix.rows import Row
from tests.access_matrix.world import Asker, Place
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db

OPAQUE = "NotAllowed", "NotSignedIn", "RepoNotFound", "BadCredentials", "GatedRepo", "RunNotFound"
# What differs from one answer to the next, whatever it is about.
VOLATILE = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"|"request_id": ?"[^"]*"|[0-9a-f]{32}(?![0-9a-f])'
)
UNCOMPARED = {"x-request-id", "ratelimit", "ratelimit-policy", "content-length", "set-cookie", "date"}


def address(row: Row, place: Place) -> str:
    ids = place.ids
    values = {
        "kind": "models", "owner": world.TEAM, "name": place.name, "revision": "main", "path": "w.bin", "branch": "new",
        "num": ids["num"], "comment_id": ids["comment"], "state": "pending", "oid": ids["oid"], "run_id": ids["run"],
        "mirror_id": ids["mirror"], "slug": ids["slug"], "item_id": "0" * 24, "ending": "csv",
        "form": "eval-results", "publisher_id": "1", "number": "0",
    }  # fmt: skip
    if row.route.endswith("discussions/<int:num>/files") or row.route.endswith("/merge"):
        values["num"] = ids["pr"]
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], row.route)


class Walk:
    """One asker, with a session for pages and a token for everything else."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.headers = world.with_token(asker)
        self.browser = asker.with_session() if asker.has_session else RawClient()
        self.program = RawClient()
        self._nothing: dict[Row, tuple] = {}

    def about_nothing(self, row: Row, absent: Place) -> tuple:
        """What is told of a repo that was never there."""
        if row not in self._nothing:
            self._nothing[row] = told(*self.ask(row, absent), absent)
        return self._nothing[row]

    def ask(self, row: Row, place: Place):
        """Returns the answer; what it changed is taken back."""
        client, headers = (self.browser, {}) if row.is_page else (self.program, self.headers)
        if row.is_page and not self.asker.has_session and not self.asker.is_blocked:
            headers = self.headers
        client.cookies.pop("messages", None)  # left over from the answer before
        with transaction.atomic():
            send = getattr(client, row.verb.lower())
            response = send(address(row, place), headers={**row.headers, **headers}, **row.body(place.ids["comment"]))
            content = b"".join(response.streaming_content) if response.streaming else response.content
            transaction.set_rollback(True)
        return response, content

    def has_files(self, place: Place) -> bool:
        """Whether what the files hold is for this one, as far as the gate goes."""
        is_member = (
            (self.asker.belongs or self.asker.is_admin) and not self.asker.is_blocked and not self.asker.is_elsewhere
        )
        return place.state != "gated" or is_member

    def expected(self, row: Row, place: Place) -> str:
        asker = self.asker
        if asker.is_blocked and not row.is_page:
            return "blocked"
        if asker.is_blocked:
            asker = Asker("anonymous")  # a session of theirs is nobody's
        if not asker.sees(place):
            return "hidden"
        is_open = self.has_files(place)
        writes = asker.may_write and asker.writes
        allowed = {
            "read": True,
            "files": is_open,
            "discuss": asker.may_write and (asker.is_whole or writes),
            "propose": asker.may_write and is_open and (asker.is_whole or writes),
            "copy": asker.may_write and is_open,
            "author": asker.may_write and asker.user.username == "owner",
            "write": writes,
            "settings": writes and asker.is_whole,
            "nobody": False,
            "person": asker.may_write and asker.is_whole,
        }[row.need]
        return "allowed" if allowed else "refused"


def told(response, content: bytes, place: Place) -> tuple:
    """What can be learnt from an answer, without what it is about."""
    text = content.decode(errors="replace")
    headers = sorted((name.lower(), value) for name, value in response.items() if name.lower() not in UNCOMPARED)
    return response.status_code, neutral(repr(headers), place), neutral(text, place)


def neutral(text: str, place: Place) -> str:
    named = {"name": place.name, **{key: value for key, value in place.ids.items() if not value.isdigit()}}
    for name, value in sorted(named.items(), key=lambda item: -len(item[1])):
        text = text.replace(value, f"({name})")
    text = re.sub(r"(runs|mirrors|run|mirror)(/|%2F| )\d+", r"\1\2…", text)
    return VOLATILE.sub("…", text)


def problem_of(walk: Walk, row: Row, place: Place, absent: Place) -> str:
    response, content = walk.ask(row, place)
    status, code = response.status_code, response.get("X-Error-Code", "")
    expected = walk.expected(row, place)
    if status >= 500 and code != "NotServed":
        return f"failed with {status}"
    if expected == "blocked":
        return "" if status == 401 and code in ("BadCredentials", "") else f"blocked, yet {status} {code}"
    if expected == "hidden":
        here, there = told(response, content, place), walk.about_nothing(row, absent)
        return "" if here == there else f"differs from absence: {difference(here, there)}"
    if world.SECRET in content and not walk.has_files(place):
        return "gives away what a file holds"
    sent_to = response.get("Location", "")
    is_gate = row.verb == "GET" and sent_to.endswith("/access")
    is_refused = status in (401, 403) or (status == 302 and (is_gate or sent_to.startswith("/login?")))
    if expected == "refused":
        return "" if is_refused else f"let in with {status} {code}"
    return f"kept out with {status} {code}" if is_refused or code in OPAQUE or status == 405 else ""


def difference(here: tuple, there: tuple) -> str:
    """The first lines that differ."""
    pairs = [(str(one).splitlines(), str(other).splitlines()) for one, other in zip(here, there, strict=True)]
    return next(
        (f"{x[:300]} | {y[:300]}" for one, other in pairs for x, y in zip(one, other, strict=False) if x != y), ""
    )


@pytest.fixture(scope="module")
def acme(django_db_setup, django_db_blocker):
    """Built once: what the walks change is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        built, people = world.build()
        yield built, {asker.name: asker for asker in world.askers(people)}
        transaction.set_rollback(True)


NAMES = [
    *("anonymous", "stranger", "reader", "writer", "owner", "admin", "read token of the writer", "blocked"),
    *("token of the owner to read here", "token of the owner to write here", "token of the admin for elsewhere"),
]


USUAL = ("anonymous", "stranger", "reader", "writer", "token of the owner to read here")


@pytest.mark.parametrize("name", [pytest.param(one, marks=[] if one in USUAL else pytest.mark.slow) for one in NAMES])
def test_everybody_gets_what_the_table_says_and_absence_cannot_be_told_from_refusal(acme, name):
    built, askers = acme
    walk = Walk(askers[name])
    told_wrongly = [
        f"{name}: {row.method} {row.route} ({place.state}): {problem}"
        for row in rows.OF_REPOS
        for place in built.places
        if (problem := problem_of(walk, row, place, built.absent))
    ]

    assert not told_wrongly, "\n".join(["", *told_wrongly])
