"""Take single keys from the terminal while a view is drawn; where there is no such terminal, none come."""

import asyncio
import os
import sys
from collections import deque
from types import TracebackType
from typing import Any, Self

try:
    import termios
    import tty
except ImportError:  # Windows has other terminals: Ctrl-C ends a view there
    HAS_KEYS = False
else:
    HAS_KEYS = True

_NAMED = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
}

LEAVES = ("q", "escape")
"""Keys that leave a view."""


class KeyPresses:
    """Keys as they are pressed: a letter, or ``up``, ``down``, ``enter``, ``escape``. A context manager."""

    def __init__(self) -> None:
        self._pressed: deque[str] = deque()
        self._wait: asyncio.Timeout | None = None
        self._saved: Any = None
        self._has_terminal = HAS_KEYS and sys.stdin is not None and sys.stdin.isatty()

    def __enter__(self) -> Self:
        if self._has_terminal:
            self._saved = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
            asyncio.get_running_loop().add_reader(sys.stdin, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._has_terminal:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)

    def take(self) -> str | None:
        """Give the next key, if one was pressed."""
        return self._pressed.popleft() if self._pressed else None

    def end(self, wait: asyncio.Timeout) -> None:
        """Let the next key end this wait; one that was pressed before ends it at once."""
        self._wait = wait
        if self._pressed:
            self._wake()

    def _read(self) -> None:
        text = os.read(sys.stdin.fileno(), 64).decode(errors="ignore")
        self._pressed.extend([_NAMED[text]] if text in _NAMED else [_NAMED.get(key, key) for key in text])
        self._wake()

    def _wake(self) -> None:
        if self._wait is not None and not self._wait.expired():
            self._wait.reschedule(asyncio.get_running_loop().time())
        self._wait = None
