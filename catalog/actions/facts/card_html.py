"""The card as HTML, made in a process of its own: a hostile text costs one second and nothing else."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from collections.abc import Collection
from typing import Final
from urllib.parse import quote

from django.conf import settings

from catalog.models import Repo
from catalog.parsing.card import LONGEST_CARD_BYTES, parse_card
from catalog.parsing.markdown import RENDERER_VERSION, escaped_card, render_card

RENDERING_SECONDS: Final = 1.0
START_SECONDS: Final = 20.0  # a busy machine may take this long to start a process
MEMORY_BYTES: Final = 1024**3
SHORT_TEXT_BYTES: Final = 4096

# The alarm's default action ends the process, wherever it is; it is set once everything is imported.
_CHILD: Final = """
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]),) * 2)
from catalog.parsing.markdown import render_card
body = sys.stdin.buffer.read().decode()
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
sys.stdout.buffer.write(render_card(body, resolve_base=sys.argv[1], attachments=sys.argv[4:]).encode())
"""

logger = logging.getLogger(__name__)


def key_of(repo: Repo, readme: bytes) -> str:
    """Says what the HTML is made from and how: while it stays, the HTML does."""
    made_from = f"{RENDERER_VERSION} {_resolve_base(repo)}\n".encode() + readme
    return hashlib.sha256(made_from).hexdigest()[:40]


def render(repo: Repo, readme: bytes) -> str:
    """Returns harmless HTML; the escaped source where rendering takes too long."""
    body = parse_card(readme[: LONGEST_CARD_BYTES + 1]).body
    if not body.strip():
        return ""
    return _rendered(body, _resolve_base(repo)) or escaped_card(body)


def render_text(repo: Repo, text: str, *, attachments: Collection[str] = ()) -> str:
    """Returns harmless HTML of what somebody says about a repo: no front matter, else as `render`.

    A short text is rendered here: the most hostile one costs a tenth of a second, a child process three times that.

    Args:
        attachments: paths of this site whose images may be shown besides those of the repo.
    """
    if len(text.encode()) > SHORT_TEXT_BYTES:
        return _rendered(text, _resolve_base(repo), attachments) or escaped_card(text)
    try:
        return render_card(text, resolve_base=_resolve_base(repo), attachments=attachments)
    except RecursionError:
        return escaped_card(text)


def _rendered(body: str, resolve_base: str, attachments: Collection[str] = ()) -> str | None:
    command = [sys.executable, "-c", _CHILD, resolve_base, str(RENDERING_SECONDS), str(MEMORY_BYTES), *attachments]
    try:
        child = subprocess.run(
            command,
            input=body.encode(errors="replace"),
            cwd=settings.BASE_DIR,
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=START_SECONDS + RENDERING_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        child = None
    if child is None or child.returncode:
        logger.warning("a card was not rendered: %s", child.stderr[-500:].decode(errors="replace") if child else "late")
        return None
    return child.stdout.decode()


def _resolve_base(repo: Repo) -> str:
    return f"{repo.web_path}/resolve/{quote(repo.default_branch, safe='')}"
