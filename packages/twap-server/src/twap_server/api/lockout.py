"""Bounds on guessing passwords: for a user name from one address, for an address, and for a name.

An attempt is counted before its password is looked at, so that many at once are no more than many in a row;
what was no wrong password is given back. Nothing here asks whether the name exists. Who signed in from an
address before is bound by the pair alone, so nobody elsewhere can lock them out.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from twap_server.api.config import PasswordConfig
from twap_server.api.rate_limits import RateLimit, site_of
from twap_server.api.turns import Turns
from twap_server.domain.clock import SECOND, Clock, span_text
from twap_server.domain.errors import NotAuthenticated, TooManyAttempts

REFUSAL = "too many wrong passwords: try again in {}"
_MOST_KNOWN = 50_000
_NAME_CHARACTERS = 64
Bound: TypeAlias = tuple[RateLimit, str]
"""A limit and whose of its hits count."""


class WrongPassword(NotAuthenticated):
    """The name and the password do not belong together."""


class Lockout:
    """In memory, bounded: what was not used for longest is forgotten first."""

    def __init__(self, config: PasswordConfig, clock: Clock) -> None:
        """Start with nobody locked out and nobody known."""
        self._of_pair = RateLimit(config.max_failures, config.lockout, clock)
        self._of_address = RateLimit(config.max_failures_per_address, config.lockout, clock)
        self._of_name = RateLimit(config.max_failures_per_name, config.lockout, clock)
        self._known: OrderedDict[str, None] = OrderedDict()
        """Pairs that signed in."""
        self._turns = Turns(config.max_waiting)

    @asynccontextmanager
    async def attempt(self, name: str, address: str) -> AsyncIterator[None]:
        """Check one password in the block: it counts if the block ends with ``WrongPassword``.

        Attempts for one name from one address go one after another: right ones that come together all pass.

        Raises:
            TooManyAttempts: before the block begins, with the seconds to wait; nothing was counted.
            EngineBusy: too many wait for that name and address already.
        """
        name, site = name[:_NAME_CHARACTERS].casefold(), site_of(address)
        pair = f"{site} {name}"
        async with self._turns.take(pair):
            bounds = self._bounds(pair, site, name)
            await _count(bounds)
            try:
                yield
            except WrongPassword:
                raise
            except BaseException:
                _give_back(bounds)
                raise
            _give_back(bounds)
            self._remember(pair)

    def _bounds(self, pair: str, site: str, name: str) -> Sequence[Bound]:
        own = (self._of_pair, pair)
        return (own,) if pair in self._known else (own, (self._of_address, site), (self._of_name, name))

    def _remember(self, pair: str) -> None:
        self._known[pair] = None
        self._known.move_to_end(pair)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


async def _count(bounds: Sequence[Bound]) -> None:
    """All or none: nothing else runs between the look and the count, for neither waits for anything."""
    wait = max(limit.wait(key) for limit, key in bounds)
    if wait:
        raise TooManyAttempts(REFUSAL.format(span_text(wait * SECOND)), retry_after=wait)
    for limit, key in bounds:
        await limit.hit(key)


def _give_back(bounds: Sequence[Bound]) -> None:
    for limit, key in bounds:
        limit.give_back(key)
