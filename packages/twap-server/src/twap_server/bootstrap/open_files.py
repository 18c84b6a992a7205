"""Raise the limit on open files, and so on connections: many systems start with 1,024."""

import logging
import sys

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)

_OWN = 256
"""For everything but connections of clients: the database, exchanges, the log."""


def make_room(connections: int) -> int:
    """Raise the limit so that so many connections of clients fit, as far as the system lets a process do so.

    Gives how many fit, and says so in the log where that is less. Windows has no such limit.
    """
    if sys.platform == "win32":
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted_files(connections)
    if _reaches(soft, wanted):
        return connections
    given = wanted if _reaches(hard, wanted) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (given, hard))
    if given < wanted:
        log.warning(
            "%d connections are allowed (api.max_connections, api.stream.max_connections), but only %d fit: "
            "this process may open %d files (ulimit -Hn)",
            connections,
            given - _OWN,
            given,
        )
    return max(1, given - _OWN) if given < wanted else connections


def wanted_files(connections: int) -> int:
    """How many files a server with so many connections of clients may need open."""
    return connections + _OWN


def _reaches(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
