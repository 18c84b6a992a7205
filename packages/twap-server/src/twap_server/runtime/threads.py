"""How soon other threads give way to the event loop.

Reports and large answers are written in threads, in Python: each takes the interpreter's lock for a turn, and
the loop waits for it each time it wakes. Python's five milliseconds a turn are too long for that.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

TURN_S: Final = 0.001


@contextmanager
def short_turns() -> Iterator[None]:
    """Let no thread keep the interpreter's lock for long while another waits, until the block ends."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
