"""Logging set-up: one event per line, stable keys, as text or as JSON."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["text", "json"]


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the exception's type and text."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; line breaks inside a message are escaped by JSON."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """``time LEVEL logger message``; control characters are escaped, so no line can be forged."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record on one line (a stack trace follows on its own lines)."""
        record.msg, record.args = _one_line(record.getMessage()), ()
        return super().format(record)


def configure_logging(style: LogFormat, *, level: int = logging.INFO) -> None:
    """Send everything to stderr in one style; libraries that chatter are quietened."""
    handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(
            TextFormatter("%(asctime)s %(levelname)-7s %(name)s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "websockets", "uvicorn", "alembic", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
