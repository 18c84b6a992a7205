"""Limit password guessing over several gateways as over one: they count in one store, by its clock.

The rules are those of ``lockout.py``. An attempt is counted in the store before its password is looked at,
and given back there if it was no wrong one; an outcome that the store does not take, nobody learns. Who dies
in between leaves a failure for a minute.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from twap_server.api.auth.failure_delays import FailureRule
from twap_server.api.auth.keyed_lock import KeyedLock
from twap_server.api.auth.lockout import LockoutRules, Tried, WrongPassword, refuse
from twap_server.api.auth.tokens import digest
from twap_server.api.config import PasswordConfig
from twap_server.domain.accounts import KeyTries, TriesOfKeys
from twap_server.domain.clock import Clock, to_span

PENDING_FOR = to_span(timedelta(minutes=1))
"""Longer than a password waits to be looked at: who has begun by then is gone."""
KNOWN_FOR = to_span(timedelta(days=90))
"""After the newest sign-in; a gateway that counts alone forgets it when it stops."""
_PATIENCE = to_span(timedelta(seconds=5))
_ASK_AGAIN_S = 0.05
_MOST_REFUSED = 50_000


class PasswordTries(Protocol):
    """Where gateways count password tries together. Keys are digests: people type passwords as names, too."""

    async def seen(self, keys: Sequence[str]) -> TriesOfKeys:
        """Look, without a turn at writing.

        Raises:
            StoreUnavailable: nobody knows.
        """
        ...

    def beginning(self, pair: str, others: Sequence[str]) -> AbstractAsyncContextManager[TriesOfKeys]:
        """Give the tries of a pair to change, and those of others unless it is known; kept on leaving.

        Until then nobody else changes them.

        Raises:
            StoreUnavailable: nothing is known to be changed.
        """
        ...

    async def ended(
        self, keys: Sequence[str], *, failed: bool, known: str, known_for: int, keep: int
    ) -> None:
        """An attempt that was counted for these keys has an outcome.

        Args:
            keys: of all of them one try less is pending.
            failed: it counts as a failure; it is kept for ``keep`` nanoseconds.
            known: of them, the pair that signed in; empty: none did.
            known_for: how long it is known, in nanoseconds.
            keep: see above.

        Raises:
            StoreUnavailable: it is not known to be counted.
        """
        ...

    async def forget(self) -> None:
        """Forget what says nothing any more, and what is beyond the bound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    wait: int
    counted: Sequence[str]
    """The keys that the attempt counts for."""
    is_new: bool = False
    """It was told for the first time how long others make it wait: that must be kept."""
    is_held_up: bool = False
    """It waits for nothing but the outcome of others of the same pair."""


class SharedLockout:
    """As ``Lockout``, for one gateway of several."""

    def __init__(self, config: PasswordConfig, tries: PasswordTries, clock: Clock) -> None:
        """Args: tries, the same for all gateways; clock, for pauses alone."""
        self._rules = LockoutRules.of(config)
        self._tries = tries
        self._clock = clock
        self._locks = KeyedLock(config.max_waiting)
        self._keep = 2 * self._rules.pair.forget
        """After the longest wait all is forgotten that long."""
        self._refused: OrderedDict[str, None] = OrderedDict()
        """Keys of attempts that had to wait here: they are looked at before they take a turn at writing."""

    @asynccontextmanager
    async def attempt(self, name: str, address: str) -> AsyncIterator[None]:
        """Check one password in the block, see ``PasswordAttempts``.

        Raises:
            TooManyAttempts: before the block begins, with the seconds to wait; nothing was counted.
            EngineBusy: too many wait for that name and address already.
            StoreUnavailable: it could not be counted, or given back.
        """
        tried = Tried.of(name, address)
        keys = Tried(
            digest(f"pair {tried.pair}"), digest(f"address {tried.site}"), digest(f"name {tried.name}")
        )
        async with self._locks.take(keys.pair):
            counted = await self._begin(keys)
            try:
                yield
            except WrongPassword:
                await self._end(counted, failed=True)
                raise
            except BaseException:
                await self._end(counted)
                raise
            await self._end(counted, known=keys.pair)

    async def _begin(self, keys: Tried) -> Sequence[str]:
        """Count it; right passwords that come together on several gateways all pass, one after another."""
        until = self._clock.monotonic() + _PATIENCE
        look = await self._try(keys)
        while look.is_held_up and self._clock.monotonic() < until:
            await self._clock.sleep(_ASK_AGAIN_S)
            look = await self._try(keys)
        if look.wait:
            refuse(look.wait)
        return look.counted

    async def _try(self, keys: Tried) -> _Look:
        """Who was refused before and still must wait takes no turn at writing, however often it asks."""
        if any(key in self._refused for key in keys):
            look = self._judge(await self._tries.seen(keys), keys)
            if look.wait and not look.is_new:
                return look
        async with self._tries.beginning(keys.pair, keys[1:]) as held:
            look = self._judge(held, keys)
            if not look.wait:
                self._count(held, keys, look.counted)
        self._note(keys, is_refused=look.wait > 0)
        return look

    def _note(self, keys: Tried, *, is_refused: bool) -> None:
        for key in keys:
            self._refused.pop(key, None)
            if is_refused:
                self._refused[key] = None
        while len(self._refused) > _MOST_REFUSED:
            self._refused.popitem(last=False)

    def _judge(self, found: TriesOfKeys, keys: Tried) -> _Look:
        """Say whether it may come now; without the tries of its name, it is of a pair that is known."""
        pair, now = found.of[keys.pair], found.now
        own = _wait(self._rules.pair, pair, now)
        alone = self._rules.pair.wait(replace(pair.failures, pending=0), now)
        if keys.name not in found.of or pair.known_until > now:
            return _Look(wait=own, counted=(keys.pair,), is_held_up=own > alone == 0)
        of_name, is_new = self._promised(pair, _wait(self._rules.name, found.of[keys.name], now), now)
        others = max(of_name, _wait(self._rules.address, found.of[keys.site], now))
        held_up = own > max(alone, others) == 0
        return _Look(wait=max(own, others), counted=keys, is_new=is_new, is_held_up=held_up)

    def _promised(self, pair: KeyTries, of_name: int, now: int) -> tuple[int, bool]:
        """How long a pair waits for what others do with its name, and whether that is new to it."""
        if not of_name:
            return 0, False
        is_new = pair.told + self._rules.pair.forget <= now
        if is_new:
            pair.told = now + of_name
            pair.kept_until = max(pair.kept_until, now + self._keep)
        return min(of_name, max(0, pair.told - now)), is_new

    def _count(self, held: TriesOfKeys, keys: Tried, counted: Sequence[str]) -> None:
        held.of[keys.pair].told = 0
        for key in counted:
            tries = held.of[key]
            tries.failures.pending += 1
            tries.begun = held.now
            tries.kept_until = max(tries.kept_until, held.now + self._keep)

    async def _end(self, counted: Sequence[str], *, failed: bool = False, known: str = "") -> None:
        await self._tries.ended(counted, failed=failed, known=known, known_for=KNOWN_FOR, keep=self._keep)


def _wait(rule: FailureRule, tries: KeyTries, now: int) -> int:
    """Nanoseconds until the next attempt; what counts no more of these tries is taken out of them."""
    found = tries.failures
    if found.pending and tries.begun + PENDING_FOR <= now:
        found.pending = 0
    if not found.pending and rule.over(found) <= now:
        found.count = 0
    return rule.wait(found, now)
