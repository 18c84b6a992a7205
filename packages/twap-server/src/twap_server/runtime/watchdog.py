"""Log when the event loop stands still, and which code holds it up (F68).

A task beats twenty times a second and counts how late it was each time. A thread looks at the beats from
outside: once the last one is too long ago, it logs the stack of the loop's thread at that moment, which is
the code to blame. The stack is that of Python: code in C that keeps the interpreter's lock keeps the thread
from looking too, which then looks right after it.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos, to_span
from twap_server.runtime.config import RuntimeConfig
from twap_server.runtime.durations import Durations, Family

log = logging.getLogger(__name__)

BEAT: Final = 50 * MILLISECOND
_OF_THE_LOOP: Final = ("runners.py", "base_events.py", "events.py")
_NOTHING: Final = "no Python code (the machine was busy with something else, or a library in C was)"
_DEEPEST: Final = 16
"""Innermost frames that are logged."""

Wait = Callable[[threading.Event, float], object]
"""Waits so many seconds, or until the event is set."""


class Watchdog:
    """Watches one event loop: run ``beat`` in it, within ``watched``."""

    def __init__(self, config: RuntimeConfig, clock: Clock, *, wait: Wait = threading.Event.wait) -> None:
        """Args: wait: how the thread waits; replaced by tests that set the time by hand."""
        self._stall, self._quiet = to_span(config.stall), to_span(config.stall_log_every)
        self._clock, self._wait = clock, wait
        self._lag = Durations()
        self._stopped = threading.Event()
        self._last_beat = clock.monotonic()
        self._told_beat = Nanos(-1)
        self._silent_until = self._last_beat
        self._left_out = 0

    @property
    def lag(self) -> Family:
        """How late the loop was."""
        return Family(
            name="twap_event_loop_lag_seconds", text="Lateness of the event loop.", members={"": self._lag}
        )

    async def beat(self) -> None:
        """Beat and count, for ever."""
        while True:
            self._last_beat = self._clock.monotonic()
            await self._clock.sleep(BEAT / SECOND)
            self._lag.add(max(0, self._clock.monotonic() - self._last_beat - BEAT))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the loop of this thread until the block ends."""
        self._last_beat = self._clock.monotonic()
        looking = threading.Thread(
            target=self._look, args=(threading.get_ident(),), name="watchdog", daemon=True
        )
        looking.start()
        try:
            yield
        finally:
            self._stopped.set()
            looking.join()

    def _look(self, thread: int) -> None:
        while not self._stopped.is_set():
            beat = self._last_beat
            still = self._clock.monotonic() - beat - BEAT
            if still >= self._stall and beat != self._told_beat:
                self._told_beat = beat
                self._tell(thread, still)
            left = BEAT if still >= self._stall else self._stall - still
            self._wait(self._stopped, left / SECOND)

    def _tell(self, thread: int, still: int) -> None:
        now = self._clock.monotonic()
        if now < self._silent_until:
            self._left_out += 1
            return
        self._silent_until = Nanos(now + self._quiet)
        left_out, self._left_out = self._left_out, 0
        log.warning(
            "the event loop has stood still for %d ms, left_out=%d, it is in: %s",
            still // MILLISECOND,
            left_out,
            stack_of(thread),
        )


def stack_of(thread: int) -> str:
    """What the loop's callback is in, outermost first, on one line."""
    frame = sys._current_frames().get(thread)
    frames = [] if frame is None else traceback.extract_stack(frame)
    files = [Path(one.filename) for one in frames]
    below = [
        at for at, file in enumerate(files) if file.parent.name == "asyncio" and file.name in _OF_THE_LOOP
    ]
    inner = frames[below[-1] + 1 if below else 0 :][-_DEEPEST:]
    return " > ".join(f"{one.name} ({Path(one.filename).name}:{one.lineno})" for one in inner) or _NOTHING
