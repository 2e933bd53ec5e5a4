"""What an error says, in the reader's language: faces ask here."""

from __future__ import annotations

from django.utils.translation import gettext

from catalog.errors import CatalogError


def told(error: CatalogError) -> str:
    """Returns the sentence. A more exact one was worded, and translated, where the error was raised."""
    return gettext(error.words) if error.message == error.words else error.message
