"""Tell one run of a server from the next by the names that it gives its connections.

A restart forgets what no recording shows, as own impact: who recomputes decisions has to see where it was.
"""

import re
from typing import Final

from twap_server.domain.clock import MICROSECOND, Nanos
from twap_server.recordings.rows import LOST

_RUN: Final = re.compile(rf"(?:{LOST} )?ws-\S+-(r\d+)-\d+ ")


def run_name(began: Nanos) -> str:
    """Name the run that began then; a part of its connections' names."""
    return f"r{began // MICROSECOND}"


def run_of(conn: str) -> str:
    """The run that a connection is of, or one that has lost messages; empty where its name does not say."""
    found = _RUN.match(conn)
    return found[1] if found else ""
