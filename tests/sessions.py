"""Browser sessions of another age, and mail servers of another mood."""

from __future__ import annotations

import time

from django.core.mail.backends.base import BaseEmailBackend

from catalog import actors
from tests.raw_client import RawClient


def an_hour_ago(browser: RawClient) -> None:
    """Let this session have begun somewhat more than an hour ago."""
    session = browser.session
    session[actors.SIGNED_IN_AT] = int(time.time() - actors.RECENT_SIGN_IN.total_seconds() - 1)
    session.save()


class NoMailServer(BaseEmailBackend):
    """A mail server that refuses to talk."""

    def send_messages(self, email_messages) -> int:
        raise ConnectionRefusedError("no mail server")
