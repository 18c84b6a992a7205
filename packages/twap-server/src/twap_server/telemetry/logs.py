"""Set up logging: all log records and warnings go to stderr, without waiting for its reader.

Also what Python itself would write there, and wait: warnings, exceptions that nobody could catch.
"""

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twap_server.telemetry.formats import LogFormat, formatter
from twap_server.telemetry.lines import Lines

log = logging.getLogger(__name__)

_MOST_ALIKE = 120
"""A minute, from one place in the code; errors are not counted."""
_MINUTE_S = 60
_PLACES = 1_000
_QUIETENED = ("httpx", "httpcore", "websockets", "uvicorn", "alembic", "aiosqlite")


@dataclass(slots=True)
class _Place:
    since: float
    count: int = 0

    @property
    def left_out(self) -> int:
        return max(0, self.count - _MOST_ALIKE)


class LineHandler(logging.Handler):
    """Formats where the record is made, and leaves the writing to the thread of its lines.

    A place in the code that logs more than 120 lines a minute, as under attack, is cut short: its next line
    in another minute says how many were left out.
    """

    def __init__(self, style: LogFormat, lines: Callable[[Callable[[int], str]], Lines]) -> None:
        """Args: style: of the lines; lines: makes them, given what says how many are missing."""
        super().__init__()
        self.setFormatter(formatter(style))
        self._lines = lines(self._notice)
        self._places: dict[tuple[str, int], _Place] = {}
        self._left_out = 0

    @property
    def dropped(self) -> int:
        """Lines that nobody got."""
        return self._lines.dropped + self._left_out

    def say(self, line: str) -> None:
        """Pass a line on as it is."""
        self._lines.put(line)

    def handle(self, record: logging.LogRecord) -> bool:
        """Pass the record on without a handler's usual lock.

        The thread of the lines may log itself, where an object is collected in it while it has their lock:
        it would wait for who logs, who waits for the lines. Nothing here needs a lock but the lines.
        """
        is_wanted = bool(self.filter(record))
        if is_wanted:
            self.emit(record)
        return is_wanted

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the line on; one that cannot be formatted says so."""
        try:
            if not self._is_allowed(record):
                self._left_out += 1
                return
            line = self.format(record)
        except Exception as error:
            line = self.format(
                _record(logging.ERROR, f"a log line cannot be written ({type(error).__name__})")
            )
        self._lines.put(line)

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        for place in tuple(self._places.values()):
            self._tell_left_out(place)
        self._lines.close()
        super().close()

    def _is_allowed(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            return True
        key = (record.pathname, record.lineno)
        place = self._places.get(key)
        if place is None or not 0 <= record.created - place.since < _MINUTE_S:
            if place is not None:
                self._tell_left_out(place)
            elif len(self._places) >= _PLACES:
                oldest, *_ = self._places  # a copy: other threads may add to it
                self._places.pop(oldest, None)
            place = self._places[key] = _Place(record.created)
        place.count += 1
        return place.count <= _MOST_ALIKE

    def _tell_left_out(self, place: _Place) -> None:
        if place.left_out:
            text = (
                f"{place.left_out:,} lines like the next one were left out: more than {_MOST_ALIKE} a minute"
            )
            self._lines.put(self.format(_record(logging.WARNING, text)))
            place.count = 0

    def _notice(self, count: int) -> str:
        text = f"{count:,} log lines are missing here: stderr was not read, full or closed"
        return self.format(_record(logging.WARNING, text))


def configure_logging(style: LogFormat, *, level: int = logging.INFO) -> None:
    """Send everything to stderr in one style; libraries that chatter are quietened."""
    handler = LineHandler(style, lambda notice: Lines(sys.stderr, notice=notice))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook, sys.unraisablehook, threading.excepthook = _uncaught, _unraisable, _in_thread
    for name in _QUIETENED:
        logging.getLogger(name).setLevel(logging.WARNING)


def dropped_log_lines() -> int:
    """Lines that were left out, or that stderr did not take, since logging was set up."""
    return sum(one.dropped for one in _handlers())


def say_last(line: str) -> None:
    """Write one line to stderr, behind what was logged, without waiting long for who reads it."""
    for handler in _handlers():
        handler.say(line)
        return
    with Lines(sys.stderr) as lines:
        lines.put(line)


def _handlers() -> list[LineHandler]:
    return [one for one in logging.getLogger().handlers if isinstance(one, LineHandler)]


def _uncaught(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("the server failed", exc_info=error)


def _unraisable(about: Any) -> None:
    log.error("%s: %r", about.err_msg or "exception ignored in", about.object, exc_info=about.exc_value)


def _in_thread(about: threading.ExceptHookArgs) -> None:
    if about.exc_value is not None and not isinstance(about.exc_value, SystemExit):
        log.error("a thread failed", exc_info=about.exc_value)


def _record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord(__name__, level, __file__, 0, text, (), None)
