"""Limit how often each key may call, with the library ``limits`` and its moving window.

In: keys, such as an address. Out: whether one more hit passes, or the seconds to wait. The library's own
memory reads the wall clock, has no bound and starts a task at each hit, so ``_Moments`` stands in its place:
it reads our monotonic clock and forgets the keys that were not asked for longest.
"""

import ipaddress
from collections import OrderedDict, deque
from datetime import timedelta

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import TooManyAttempts

MINUTE = timedelta(minutes=1)
_MOST_KEYS = 50_000
_SITE_BITS = 64
"""Of an IPv6 address: one host has all addresses of such a network."""


class RateLimit:
    """At most ``amount`` hits within ``span`` for each key; the (bounded) memory ends with the process."""

    def __init__(self, amount: int, span: timedelta, clock: Clock, *, most_keys: int = _MOST_KEYS) -> None:
        """Args: span, in whole seconds, at least one; most_keys, after which the least used are forgotten."""
        self._limit = RateLimitItemPerSecond(amount, max(1, int(span.total_seconds())))
        self._moments = _Moments(clock, most_keys)
        self._window = MovingWindowRateLimiter(self._moments)

    def __len__(self) -> int:
        """Keys remembered."""
        return len(self._moments)

    async def hit(self, key: str) -> bool:
        """Count one hit and let it pass, or refuse it and count nothing."""
        return await self._window.hit(self._limit, key)

    async def require(self, key: str, refusal: str) -> None:
        """Count one hit.

        Raises:
            TooManyAttempts: with the words of ``refusal`` and the seconds to wait; nothing was counted.
        """
        if not await self.hit(key):
            raise TooManyAttempts(refusal, retry_after=self.wait(key))

    def give_back(self, key: str) -> None:
        """Count the newest hit of a key no more."""
        self._moments.drop_newest(self._limit.key_for(key))

    def wait(self, key: str) -> int:
        """Whole seconds until a hit of this key passes again; 0 when one passes now."""
        limit = self._limit
        return self._moments.wait(limit.key_for(key), limit.amount, limit.get_expiry())


def site_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, _SITE_BITS), strict=False))


class _Moments(MemoryStorage):
    """Moments of hits by key, oldest first. Nothing here waits, so no two hits meet half-way."""

    def __init__(self, clock: Clock, most: int) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._hits: OrderedDict[str, deque[Nanos]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hits)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        hits = self._current(key, expiry)
        if len(hits) + amount > limit:
            return False
        hits.extend([self._clock.monotonic()] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        hits = self._current(key, expiry)
        oldest = hits[0] if hits else self._clock.monotonic()
        return oldest / SECOND, len(hits)

    async def clear(self, key: str) -> None:
        self._hits.pop(key, None)

    def add(self, key: str, hits: int, *, expiry: int, ago: int) -> None:
        """Count hits that passed elsewhere so many nanoseconds ago; none is older than the newest known."""
        known = self._current(key, expiry)
        moment = Nanos(self._clock.monotonic() - ago)
        known.extend([max(moment, known[-1]) if known else moment] * hits)

    def drop_newest(self, key: str) -> None:
        hits = self._hits.get(key)
        if hits:
            hits.pop()

    def wait(self, key: str, limit: int, expiry: int) -> int:
        hits = self._current(key, expiry)
        if len(hits) < limit:
            return 0
        left = hits[len(hits) - limit] + expiry * SECOND - self._clock.monotonic()
        return max(1, -(-left // SECOND))

    def _current(self, key: str, expiry: int) -> deque[Nanos]:
        hits = self._hits.setdefault(key, deque())
        self._hits.move_to_end(key)
        since = self._clock.monotonic() - expiry * SECOND
        while hits and hits[0] <= since:
            hits.popleft()
        self._forget_idle(key, since)
        return hits

    def _forget_idle(self, key: str, since: int) -> None:
        """Forget, from the one asked for longest ago: all whose hits are over, and those beyond the bound."""
        while (idle := next(iter(self._hits))) != key:
            hits = self._hits[idle]
            if hits and hits[-1] > since and len(self._hits) <= self._most:
                break
            del self._hits[idle]
