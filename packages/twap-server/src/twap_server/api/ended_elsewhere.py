"""End the streams of sign-ins that another process ended, for example the command line on this machine.

Requests learn of it by themselves, for no sign-in is trusted longer than a few seconds; a stream is only
checked against what this process knows.
"""

import logging
from collections.abc import Sequence

from twap_server.api.auth.accounts_port import Users
from twap_server.api.stream.registry import Sessions
from twap_server.domain.clock import Clock
from twap_server.domain.errors import UnavailableError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 4
_AT_ONCE = 500


async def follow(sessions: Sessions, users: Users, clock: Clock) -> None:
    """Every few seconds, end the sessions whose sign-in was ended in the database, until cancelled."""
    while True:
        await clock.sleep(LOOK_EVERY_S)
        try:
            await _look(sessions, users)
        except UnavailableError as error:
            log.warning("ended sign-ins could not be read: %s", error)


async def _look(sessions: Sessions, users: Users) -> None:
    grants: Sequence[str] = sorted(sessions.grants())
    for first in range(0, len(grants), _AT_ONCE):
        sessions.end_grants(await users.ended_of(grants[first : first + _AT_ONCE]))
