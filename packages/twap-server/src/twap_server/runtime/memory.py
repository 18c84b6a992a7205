"""Give free memory back to the system: the C library would keep what large answers used.

What is free in it is looked at once a second, whoever freed it: answers that were sent, orders that ended,
connections that went. Giving it back takes some milliseconds, so it is done in a thread, and only once much
has become free since the last time.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from twap_server.domain.clock import Clock
from twap_server.runtime.threads import Threads

LOOK_EVERY_S = 1.0
_MUCH = 4 * 1_048_576
"""Bytes that became free since the last time: less is soon used again."""


def give_back() -> None:
    """Do it where the C library can (glibc), which takes some milliseconds; elsewhere nothing."""
    trim = _trim()
    if trim is not None:
        trim(0)


def free_memory() -> int:
    """Bytes that the C library keeps though nobody uses them; 0 where it cannot tell (glibc before 2.33)."""
    heap = heap_figures()
    return 0 if heap is None else int(heap.fordblks)


def heap_figures() -> Any | None:
    """What glibc says of its heap, in bytes (``struct mallinfo2``); None where it cannot."""
    tell = _mallinfo()
    return None if tell is None else tell()


class FreeMemory:
    """What was given back, and when it is time to again."""

    def __init__(
        self, free: Callable[[], int] = free_memory, give_back: Callable[[], None] = give_back
    ) -> None:
        """Args: free, bytes that could be given back; give_back, does it."""
        self._free, self._give_back = free, give_back
        self._least = free()
        """Free since the last time, at least: what is free beyond that came later and was not given back."""

    def look(self) -> None:
        """Give back what has become free, if it is much."""
        free = self._free()
        self._least = min(self._least, free)
        if free - self._least >= _MUCH:
            self._give_back()
            self._least = self._free()

    async def keep(self, clock: Clock) -> None:
        """Look again and again, until cancelled."""
        threads = Threads("memory", 1)
        try:
            while True:
                await clock.sleep(LOOK_EVERY_S)
                await threads.run(self.look)
        finally:
            threads.close()


class _Mallinfo(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], Any] | None:
    trim: Callable[[int], Any] | None = _of_the_c_library("malloc_trim")
    return trim


@lru_cache(maxsize=1)
def _mallinfo() -> Callable[[], Any] | None:
    tell: Any = _of_the_c_library("mallinfo2")
    if tell is not None:
        tell.restype = _Mallinfo
    found: Callable[[], Any] | None = tell
    return found


def _of_the_c_library(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
