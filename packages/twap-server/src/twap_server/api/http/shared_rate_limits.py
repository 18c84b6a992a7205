"""Limit how often each key may call over several gateways, without a question on the way of a request.

Each gateway counts for itself, and tells the others what it let pass since it told them last, several times a
second, through one store. So all together let pass what one would, and at most what comes to each of the
others within one second. While the store is away, each goes on with what it knows.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from secrets import token_hex
from typing import Final, Protocol

from twap_server.api.http.rate_limits import RateLimit
from twap_server.domain.clock import SECOND, Clock, to_span
from twap_server.domain.errors import UnavailableError
from twap_server.domain.hits import HeardHits

log = logging.getLogger(__name__)

EXCHANGE_EVERY_S: Final = 0.4
"""What is let pass waits so long to be told, and as long to be heard: together less than a second."""
_MOST_TOLD: Final = 5_000
"""Keys at a time; of more, those with most hits are told."""
_MOST_GATEWAYS: Final = 1_000
"""Remembered, those that have stopped included."""
_TOLD_WITHIN: Final = 5 * SECOND
"""What could not be told by then is told no more: it would count from when it is heard."""


class SharedHits(Protocol):
    """Where gateways tell each other what they let pass."""

    async def exchange(
        self,
        gateway: str,
        number: int,
        told: Mapping[str, Mapping[str, int]],
        *,
        spans: Mapping[str, int],
        seen: Mapping[str, int],
    ) -> Sequence[HeardHits]:
        """Tell, and hear what others told since.

        Args:
            gateway: who tells.
            number: higher than of all that it told before.
            told: hits by limit and key.
            spans: of each limit, how many nanoseconds a hit counts; afterwards it is not heard any more.
            seen: of each gateway, the highest number that was heard.

        Raises:
            StoreUnavailable: nothing was heard, and whether it was told is not known.
        """
        ...

    async def forget(self) -> None:
        """Forget what counts no more."""
        ...


class SharedRateLimit(RateLimit):
    """At most ``amount`` hits within ``span`` for each key, those that other gateways let pass included."""

    def __init__(self, amount: int, span: timedelta, clock: Clock) -> None:
        """Know of nobody yet."""
        super().__init__(amount, span, clock)
        self.span = to_span(span)
        self._untold: Counter[str] = Counter()

    async def hit(self, key: str) -> bool:
        """Count one hit and let it pass, or refuse it and count nothing."""
        passed = await super().hit(key)
        if passed:
            self._untold[key] += 1
        return passed

    def give_back(self, key: str) -> None:
        """Count the newest hit of a key no more."""
        super().give_back(key)
        self._untold[key] -= 1

    def tell(self) -> Mapping[str, int]:
        """What was let pass since the last call."""
        untold, self._untold = self._untold, Counter()
        return dict(untold.most_common(_MOST_TOLD))

    def keep(self, told: Mapping[str, int]) -> None:
        """Tell it next time: it was not heard."""
        self._untold.update(told)

    def hear(self, told: HeardHits) -> None:
        """Count what another gateway let pass."""
        for key, hits in told.hits.items():
            for _ in range(-hits):
                super().give_back(key)
            if hits > 0:
                self._moments.add(
                    self._limit.key_for(key),
                    min(hits, self._limit.amount),
                    expiry=self._limit.get_expiry(),
                    ago=told.ago,
                )


class HitExchange:
    """Lets the shared limits of one gateway tell and hear."""

    def __init__(self, hits: SharedHits, clock: Clock) -> None:
        """Tell nothing yet; the store is the same for all gateways."""
        self._hits = hits
        self._clock = clock
        self._gateway = token_hex(8)
        self._limits: dict[str, SharedRateLimit] = {}
        self._number = 0
        self._seen: dict[str, int] = {}
        self._last = clock.monotonic()
        self._is_away = False

    def limit(self, name: str, amount: int, span: timedelta) -> SharedRateLimit:
        """Make a limit; of the same name, all gateways count together."""
        made = self._limits[name] = SharedRateLimit(amount, span, self._clock)
        return made

    async def run(self) -> None:
        """Tell and hear until cancelled."""
        while True:
            await self.exchange()
            await self._clock.sleep(EXCHANGE_EVERY_S)

    async def exchange(self) -> None:
        """Tell and hear once; what cannot be told now is told next time, unless that takes long."""
        told = {name: untold for name, limit in self._limits.items() if (untold := limit.tell())}
        self._number += 1
        spans = {name: limit.span for name, limit in self._limits.items()}
        try:
            heard = await self._hits.exchange(
                self._gateway, self._number, told, spans=spans, seen=dict(self._seen)
            )
        except UnavailableError as error:
            self._failed(told, error)
            return
        self._last, self._is_away = self._clock.monotonic(), False
        for one in heard:
            self._hear(one)

    def _hear(self, told: HeardHits) -> None:
        self._seen[told.gateway] = max(told.number, self._seen.pop(told.gateway, 0))
        while len(self._seen) > _MOST_GATEWAYS:
            del self._seen[next(iter(self._seen))]
        limit = self._limits.get(told.limit)
        if limit is not None:
            limit.hear(told)

    def _failed(self, told: Mapping[str, Mapping[str, int]], error: UnavailableError) -> None:
        if not self._is_away:
            log.warning("this gateway limits callers by itself until the database is back: %s", error)
        self._is_away = True
        if self._clock.monotonic() - self._last < _TOLD_WITHIN:
            for name, untold in told.items():
                self._limits[name].keep(untold)
