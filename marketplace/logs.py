"""Logs: one JSON object a line on stderr, with the request's id and without anybody's token."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import time
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Access tokens, signatures or passwords in URLs, and addresses that are their own credential.
CONFIDENTIAL = re.compile(
    r"((?:hf|node)_)[A-Za-z0-9]{8,}|((?:sig|signature|token|password)=|[?&](?:code|state)=)[^&\s\"']+"
    r"|(://[^/\s:@]*:)[^/\s@]+(?=@)"
    r"|(/-/(?:lfs|xorbs)/|/join/[^/\s]+/)[^/\s?\"']+",
    re.IGNORECASE,
)
LONGEST_MESSAGE = 8_000  # characters
FOR_OPERATOR = {"is_for_operator": True}  # `extra` of a message whose point is the one-time link in it
# What JSON leaves as it is though terminals and readers of lines obey it: DEL, C1, line separators, bidi controls.
UNESCAPED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class JsonLines(logging.Formatter):
    """JSON escapes control characters, so a hostile path cannot forge a line."""

    converter = staticmethod(time.gmtime)  # UTC, as everything here

    def format(self, record: logging.LogRecord) -> str:
        told = record.getMessage()
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": (told if getattr(record, "is_for_operator", False) else redacted(told))[:LONGEST_MESSAGE],
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(line, ensure_ascii=False))


def redacted(text: str) -> str:
    return CONFIDENTIAL.sub(lambda found: next(kept for kept in found.groups() if kept) + "…", text)


def to_stderr(level: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonLines}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.server": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
                "httpx2": {"level": "WARNING"},  # huggingface_hub's
                "celery.app.trace": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},  # one line per message received
            },
        }
    )
