"""Renew leases in time: a try without an answer is left alone, and another one begun beside it.

A lease that was renewed now is worked for two and a half seconds, and is to be renewed after one. So one and
a half are left, and two things may go wrong in them:

1. A connection is dead, for a firewall forgot it or the database moved. Whoever waits until that is certain
   has lost the lease. So after 0.7 s without an answer the next try takes a new connection.
2. Database or machine have too much to do, and answers come late. A try that is cut off then, begun again and
   cut off again would never be answered, and to wait longer each time takes the time that is left. So nothing
   is cut off: an answer counts when it comes, from the moment of its question. As many as three tries are
   under way; each new connection costs a busy database some milliseconds, once in 0.7 s.

Leases are kept as long as answers take no longer than one and a half seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from twap_server.domain.clock import SECOND, Clock, Nanos

_EVERY_S: Final = 1.0
_PATIENCE_S: Final = 0.7
_BREATH_S: Final = 0.2
"""After a refusal: a database that begins anew is not asked without a pause."""
_MOST: Final = 3


class Renewals:
    """Of one keeper. Run ``run()`` as long as there may be something to renew."""

    def __init__(self, renew: Callable[[bool], Awaitable[bool]], clock: Clock) -> None:
        """Args: renew: does it once, over a new connection where it is told so; says whether it was done."""
        self._renew, self._clock = renew, clock
        self._under_way = 0
        self._done_at = Nanos(-1)
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Renew until cancelled."""
        is_anew = False
        async with asyncio.TaskGroup() as tries:
            while True:
                begun = self._clock.monotonic()
                self._news.clear()
                if self._under_way < _MOST:
                    self._under_way += 1
                    tries.create_task(self._try(is_anew), name="renewal of leases")
                await self._clock.wait(self._news, _PATIENCE_S)
                is_done = self._done_at >= begun
                is_anew = self._under_way > 0 or not is_done
                if is_done:
                    await self._clock.sleep(_EVERY_S - (self._clock.monotonic() - begun) / SECOND)
                elif not self._under_way:
                    await self._clock.sleep(_BREATH_S)

    async def _try(self, is_anew: bool) -> None:
        try:
            if await self._renew(is_anew):
                self._done_at = self._clock.monotonic()
                self._news.set()
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._news.set()
