"""Format log lines as text or as JSON, one event a line."""

import json
import logging
import textwrap
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TypeAlias

LogFormat = Literal["text", "json"]
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_LONGEST = 64 * 1024
"""Characters of one line, its stack trace included."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the exception's type and text."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; line breaks inside a message are escaped by JSON."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:_LONGEST],
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)[-_LONGEST:]
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """``time LEVEL logger message``; control characters are escaped, so no line can be forged."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Write the record on one line; a stack trace follows on its own lines, set in."""
        record.msg, record.args = _one_line(record.getMessage()[:_LONGEST]), ()
        return super().format(record)

    def formatException(self, ei: ExcInfo) -> str:
        """The stack trace, its end where it is long; nothing in it can look like a line of ours."""
        trace = super().formatException(ei)[-_LONGEST:]
        return textwrap.indent("\n".join(_one_line(line) for line in trace.split("\n")), "  ")


def formatter(style: LogFormat) -> logging.Formatter:
    """The one of this style."""
    return JsonFormatter() if style == "json" else TextFormatter()


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
