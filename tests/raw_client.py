"""A test client whose requests reach Django as gunicorn and wsgi.py deliver them."""

from __future__ import annotations

from django.test import Client
from django.test.client import ClientHandler

from marketplace.raw_paths import EncodedPathRequest, encoded_path


class RawClientHandler(ClientHandler):
    def get_response(self, request):
        request.__class__ = EncodedPathRequest  # Django's handler names its own class in the code
        return super().get_response(request)


class RawClient(Client):
    """`client.get("/api/models/a/b/tree/refs%2Fpr%2F1")` keeps its one segment."""

    def __init__(self, enforce_csrf_checks=False, **options):
        super().__init__(enforce_csrf_checks, **options)
        self.handler = RawClientHandler(enforce_csrf_checks)

    def _get_path(self, parsed):
        return encoded_path(parsed.path.encode().decode("latin-1"))
