"""The WSGI application: Django with encoded paths and the web's own database limits."""

import os

import django

# The web waits for no statement longer than this; workers and commands set their own limits.
os.environ.setdefault("STATEMENT_TIMEOUT_MS", "5000")
os.environ.setdefault("LOCK_TIMEOUT_MS", "2000")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup(set_prefix=False)
# By now our settings have read it; gunicorn asks for the same name, and takes all but yes for a no.
os.environ.pop("SENDFILE", None)

from django.urls import get_resolver  # noqa: E402  settings come first

from marketplace.raw_paths import EncodedPathHandler  # noqa: E402

get_resolver().url_patterns  # noqa: B018  all faces now, not while somebody waits for the first page
application = EncodedPathHandler()
