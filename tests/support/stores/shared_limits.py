"""What gateways limit callers by together, in memory: ``tests/server/store`` holds both to the same rules."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace

from twap_server.domain.accounts import KeyTries, TriesOfKeys
from twap_server.domain.clock import Clock
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.hits import HeardHits


@dataclass
class MemoryLimits:
    """One object that is each of the stores; ``clock`` stands for that of the database."""

    clock: Clock
    tries_of: dict[str, KeyTries] = field(default_factory=dict)
    told: list[tuple[int, int, HeardHits]] = field(default_factory=list)
    """With the moment, and until when it is heard."""
    things: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    is_away: bool = False
    turns: int = 0
    """At writing tries."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def tries(self) -> "MemoryLimits":
        return self

    @property
    def hits(self) -> "MemoryLimits":
        return self

    @property
    def once(self) -> "MemoryOnce":
        return MemoryOnce(self)

    def check(self) -> None:
        if self.is_away:
            raise StoreUnavailable("the database cannot be used: nothing listens at its address; try again")

    async def seen(self, keys: Sequence[str]) -> TriesOfKeys:
        self.check()
        await asyncio.sleep(0)
        of = {key: deepcopy(self.tries_of.get(key, KeyTries())) for key in keys}
        return TriesOfKeys(now=self.clock.now(), of=of)

    @asynccontextmanager
    async def beginning(self, pair: str, others: Sequence[str]) -> AsyncIterator[TriesOfKeys]:
        async with self._turn:
            self.turns += 1
            held = await self.seen([pair])
            if held.of[pair].known_until <= held.now:
                held = await self.seen([pair, *others])
            yield held
            await asyncio.sleep(0)
            self.check()
            for key, tries in held.of.items():
                self.tries_of.pop(key, None)
                if tries.kept_until > held.now:
                    self.tries_of[key] = tries

    async def ended(
        self, keys: Sequence[str], *, failed: bool, known: str, known_for: int, keep: int
    ) -> None:
        async with self._turn:
            await asyncio.sleep(0)
            self.check()
            now = self.clock.now()
            for key in keys:
                tries = self.tries_of[key]
                tries.failures.pending = max(0, tries.failures.pending - 1)
                if failed:
                    tries.failures.count += 1
                    tries.failures.last = now
                    tries.kept_until = max(tries.kept_until, now + keep)
                if key == known:
                    tries.known_until = now + known_for
                    tries.kept_until = max(tries.kept_until, tries.known_until)

    async def exchange(
        self,
        gateway: str,
        number: int,
        told: Mapping[str, Mapping[str, int]],
        *,
        spans: Mapping[str, int],
        seen: Mapping[str, int],
    ) -> list[HeardHits]:
        self.check()
        now = self.clock.now()
        for limit, hits in told.items():
            one = HeardHits(gateway=gateway, number=number, limit=limit, ago=0, hits=dict(hits))
            self.told.append((now, now + spans[limit], one))
        return [
            replace(one, ago=now - at)
            for at, until, one in self.told
            if one.gateway != gateway and one.number > seen.get(one.gateway, 0) and until > now
        ]

    async def forget(self) -> None:
        self.check()
        now = self.clock.now()
        self.tries_of = {key: one for key, one in self.tries_of.items() if one.kept_until > now}
        self.told = [one for one in self.told if one[1] > now]


@dataclass
class MemoryOnce:
    """Texts by name and kind."""

    limits: MemoryLimits

    async def put(self, name_hash: str, kind: str, body: str, *, life: int) -> None:
        self.limits.check()
        self.limits.things[name_hash, kind] = (self.limits.clock.now() + life, body)

    async def take(self, name_hash: str, kind: str) -> str | None:
        self.limits.check()
        until, body = self.limits.things.pop((name_hash, kind), (0, ""))
        return body if until > self.limits.clock.now() else None

    async def forget(self) -> None:
        now, things = self.limits.clock.now(), self.limits.things
        self.limits.things = {name: one for name, one in things.items() if one[0] > now}
