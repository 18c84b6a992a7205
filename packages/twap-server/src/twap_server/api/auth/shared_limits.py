"""Declare what gateways limit callers by together, and keep it up to date and small."""

import asyncio
import logging
from datetime import timedelta
from typing import Final, Protocol

from twap_server.api.auth.oidc.attempts import OnceSecrets
from twap_server.api.auth.shared_lockout import PasswordTries
from twap_server.api.http.rate_limits import RateLimit
from twap_server.api.http.shared_rate_limits import HitExchange, SharedHits
from twap_server.domain.clock import Clock
from twap_server.domain.errors import UnavailableError

log = logging.getLogger(__name__)

FORGET_EVERY_S: Final = 60.0


class SharedLimits(Protocol):
    """One store for all gateways of a cluster."""

    @property
    def tries(self) -> PasswordTries:
        """Password tries."""
        ...

    @property
    def hits(self) -> SharedHits:
        """Calls that passed."""
        ...

    @property
    def once(self) -> OnceSecrets:
        """Sign-ins under way at an OpenID provider."""
        ...


class RateLimits:
    """Makes the rate limits of a server: its own, or with those of the other gateways."""

    def __init__(self, shared: SharedLimits | None, clock: Clock) -> None:
        """Args: shared, None where one process serves all."""
        self._clock = clock
        self.shared = shared
        self._exchange = None if shared is None else HitExchange(shared.hits, clock)

    def limit(self, name: str, amount: int, span: timedelta) -> RateLimit:
        """Make one; of the same name, all gateways count together."""
        if self._exchange is None:
            return RateLimit(amount, span, self._clock)
        return self._exchange.limit(name, amount, span)

    async def run(self) -> None:
        """Tell the other gateways and hear them, and forget what is over, until cancelled; alone: nothing."""
        if self.shared is None or self._exchange is None:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._exchange.run(), name="shared rate limits")
            group.create_task(self._forget(self.shared), name="shared limits that are over")

    async def exchange(self) -> None:
        """Tell the other gateways and hear them once; alone: nothing."""
        if self._exchange is not None:
            await self._exchange.exchange()

    async def _forget(self, shared: SharedLimits) -> None:
        while True:
            await self._clock.sleep(FORGET_EVERY_S)
            try:
                await forget(shared)
            except UnavailableError as error:
                log.warning("shared limits that are over could not be deleted, trying again: %s", error)


async def forget(shared: SharedLimits) -> None:
    """Forget all that says nothing any more, once."""
    for store in (shared.tries, shared.hits, shared.once):
        await store.forget()
