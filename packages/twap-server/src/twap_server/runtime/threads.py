"""Run work in threads beside the event loop: a few for each kind of work.

Python's own threads (``asyncio.to_thread``) also look up the names of exchanges, and whoever waits for them
waits behind all others: so each kind of work that callers cause has threads of its own.

Reports and large answers are written in threads, in Python: each takes the interpreter's lock for a turn, and
the loop waits for it each time it wakes. Python's five milliseconds a turn are too long for that.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

TURN_S: Final = 0.001
T = TypeVar("T")
_NO_THREAD = "can't start new thread"
"""Python's own words: it has no class for it."""


class Threads:
    """Threads of one kind of work; they begin with the first that is asked of them."""

    def __init__(self, name: str, most: int, *, nice: int = 0) -> None:
        """Build them.

        Args:
            name: what they do.
            most: threads; what comes beyond waits in order, so whoever asks bounds it.
            nice: how far they stand back for the rest of the process, on Linux. Only for work that does not
                keep the interpreter's lock: a thread that holds it and stands back holds up all others.
        """
        self._pool = ThreadPoolExecutor(
            most, thread_name_prefix=name, initializer=_stand_back, initargs=(nice,)
        )

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in one of the threads. Cancelling does not stop what has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Wait for what has begun; what waits is not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _stand_back(nice: int) -> None:
    if nice and sys.platform == "linux":  # elsewhere it would be the whole process
        with suppress(OSError):
            mine = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, mine, os.getpriority(os.PRIO_PROCESS, mine) + nice)


def lacks_room(error: BaseException) -> bool:
    """Whether the machine had no memory for it, or no thread: that is for now, and nobody's mistake."""
    return isinstance(error, MemoryError) or (type(error) is RuntimeError and str(error) == _NO_THREAD)


@contextmanager
def short_turns() -> Iterator[None]:
    """Let no thread keep the interpreter's lock for long while another waits, until the block ends."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
