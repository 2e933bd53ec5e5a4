"""Logs: one JSON object a line on stderr, with the request's id and without anybody's token."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import time
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Access tokens, and signatures or passwords in URLs.
CONFIDENTIAL = re.compile(
    r"(hf_)[A-Za-z0-9]{8,}|((?:sig|signature|token|password)=)[^&\s\"']+|(://[^/\s:@]*:)[^/\s@]+(?=@)"
)
LONGEST_MESSAGE = 8_000  # characters


class JsonLines(logging.Formatter):
    """JSON escapes control characters, so a hostile path cannot forge a line."""

    converter = staticmethod(time.gmtime)  # UTC, as everything here

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage())[:LONGEST_MESSAGE],
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def redacted(text: str) -> str:
    return CONFIDENTIAL.sub(lambda found: (found[1] or found[2] or found[3]) + "…", text)


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
