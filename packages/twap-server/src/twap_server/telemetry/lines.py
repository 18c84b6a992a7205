"""Write lines to a stream that may be slow, stuck, full or closed, without waiting for it.

A bounded number waits for a thread of their own, which alone touches the stream. What finds no room, or
cannot be written, is dropped and counted, and the count is told in the place of what is missing as soon as
that is possible again. The stream's own buffer is passed by: the interpreter flushes it at its end, and would
wait.
"""

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

_MOST_LINES = 10_000
_MOST_BYTES = 4 * 1024 * 1024
_FLUSH_WITHIN_S = 2.0
"""At the end: a reader that takes nothing for so long does not get the rest."""
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    data: bytes
    tells: int = 0
    """How many lines are missing, if that is what it says."""


class Lines:
    """A stream for lines; a context manager that gives what waits two seconds at the end."""

    def __init__(
        self,
        stream: TextIO | None,
        *,
        notice: Callable[[int], str] = "({} lines are missing here)".format,
        most: int = _MOST_LINES,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """Start the thread.

        Args:
            stream: where to; None (the process was started without it): every line is dropped.
            notice: says in one line how many are missing.
            most: lines that may wait.
            most_bytes: bytes that may wait.
        """
        self._stream, self._notice, self._most, self._most_bytes = stream, notice, most, most_bytes
        self._waiting: deque[_Waiting] = deque()
        self._bytes = self._dropped = self._untold = 0
        self._is_closing = self._is_torn = False
        # Re-entrant: an object that is collected in the middle of this may log something itself.
        self._changed = threading.Condition(threading.RLock())
        self._thread = threading.Thread(target=self._work, name="lines", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dropped(self) -> int:
        """Lines that were not written, and will not be."""
        return self._dropped

    def put(self, line: str) -> None:
        """Give a line, without its end; returns at once."""
        data = _encoded(line)
        with self._changed:
            if not self._has_room(len(data)):
                self._lose()
                return
            self._add_notice()
            self._add(_Waiting(data))
            self._changed.notify()

    def close(self, within_s: float = _FLUSH_WITHIN_S) -> None:
        """Wait for what waits, but not for ever; what comes later is dropped."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(within_s)

    def _has_room(self, size: int) -> bool:
        # An own notice may come on top.
        fits = len(self._waiting) < self._most and self._bytes + size <= self._most_bytes
        return fits and not self._is_closing

    def _add(self, one: _Waiting) -> None:
        self._waiting.append(one)
        self._bytes += len(one.data)

    def _add_notice(self) -> None:
        untold, self._untold = self._untold, 0  # at once: to say it may log something itself
        if untold:
            self._add(_Waiting(_encoded(self._notice(untold)), untold))

    def _lose(self) -> None:
        self._dropped += 1
        self._untold += 1

    def _work(self) -> None:
        while one := self._next():
            is_written = self._write(one.data)
            with self._changed:
                if not is_written and one.tells:
                    self._untold += one.tells
                elif not is_written:
                    self._lose()
                elif not self._waiting:
                    self._add_notice()

    def _next(self) -> _Waiting | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            if not self._waiting:
                return None
            one = self._waiting.popleft()
            self._bytes -= len(one.data)
            return one

    def _write(self, data: bytes) -> bool:
        """Write all of it; a line that was written in part is ended before the next one."""
        left = memoryview(b"\n" + data if self._is_torn else data)
        whole = len(left)
        try:
            while left:
                left = left[_write_some(self._stream, left) :]
        except (OSError, ValueError):  # closed, its reader is gone, the disk is full
            self._is_torn = self._is_torn or len(left) < whole
            return False
        self._is_torn = False
        return True


def _write_some(stream: TextIO | None, data: memoryview) -> int:
    """Write as much as goes at once.

    Raises:
        OSError: it cannot be written.
        ValueError: the stream is closed.
    """
    if stream is None:
        raise ValueError("no stream")
    try:
        number = stream.fileno()
    except OSError:  # not a file of the system's, as in tests
        stream.write(str(data, "utf-8"))
        return len(data)
    with contextlib.suppress(BlockingIOError):  # somebody who shares it made it so
        return os.write(number, data)
    select.select([], [number], [], _POLL_S)
    return 0


def _encoded(line: str) -> bytes:
    return f"{line}\n".encode(errors="backslashreplace")
