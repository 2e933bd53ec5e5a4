"""Looking at answers the way a reader does."""

from __future__ import annotations

import html
import re


def text_of(response) -> str:
    """All words of a page, tags and line breaks made single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<wbr>", "", re.sub(r"<(?!wbr)[^>]+>", " ", body))).split())


def links_of(response) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="([^"]*)"', response.content.decode())]
