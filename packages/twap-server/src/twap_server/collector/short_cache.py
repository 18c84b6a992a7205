"""Cache answers for a moment, and fetch each one once, however many ask for it at a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import TwapError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Generic[T]):
    """An answer, how much room it takes, and for how long it may be given again."""

    value: T
    size: int
    keep: int
    """Nanoseconds."""


class ShortCache(Generic[T]):
    """At most ``most`` of size; the oldest answers go first."""

    def __init__(self, clock: Clock, *, most: int) -> None:
        self._clock = clock
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Hashable, tuple[Nanos, Kept[T]]] = OrderedDict()
        """By key, with the monotonic time until which it may be given."""
        self._flights: dict[Hashable, asyncio.Future[T | TwapError | None]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[Kept[T]]]) -> T:
        """Give what is kept, or what is being fetched for somebody else, or fetch it.

        Who waits for somebody else's fetch shares its failure, and takes it up where that one is cancelled.

        Raises:
            TwapError: as ``fetch`` does.
        """
        while (flight := self._flights.get(key)) is not None:
            outcome = await asyncio.shield(flight)
            if isinstance(outcome, TwapError):
                raise outcome
            if outcome is not None:
                return outcome
        until, kept = self._kept.get(key, (Nanos(0), None))
        if kept is not None and self._clock.monotonic() < until:
            return kept.value
        return await self._fetch(key, fetch)

    async def _fetch(self, key: Hashable, fetch: Callable[[], Awaitable[Kept[T]]]) -> T:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        outcome: T | TwapError | None = None
        try:
            kept = await fetch()
            self._keep(key, kept)
            outcome = kept.value
            return kept.value
        except TwapError as error:
            outcome = error
            raise
        finally:
            del self._flights[key]
            flight.set_result(outcome)

    def _keep(self, key: Hashable, kept: Kept[T]) -> None:
        self._forget(key)
        self._forget_old()
        if kept.size > self._most:
            return
        self._kept[key] = (Nanos(self._clock.monotonic() + kept.keep), kept)
        self._size += kept.size
        while self._size > self._most:
            self._forget(next(iter(self._kept)))

    def _forget_old(self) -> None:
        """From the oldest on, as far as they may not be given any more."""
        now = self._clock.monotonic()
        while self._kept:
            key, (until, _) = next(iter(self._kept.items()))
            if now < until:
                return
            self._forget(key)

    def _forget(self, key: Hashable) -> None:
        _, kept = self._kept.pop(key, (0, None))
        self._size -= kept.size if kept is not None else 0
