"""Ways to break what keeps nodes apart: each must be seen by the invariant it guards. For tests only."""

from collections.abc import Callable
from typing import Any

from twap_server.cluster.heard_book import HeardBook
from twap_server.cluster.leases import LeaseKeeper
from twap_server.store import leases


def _no_guard() -> None:
    async def guard(*_: Any, **__: Any) -> None:
        pass

    leases.guard = guard


def _no_deadline() -> None:
    async def watch(self: LeaseKeeper) -> None:
        while True:
            await self._clock.sleep(3_600)

    LeaseKeeper._watch = watch  # type: ignore[method-assign]


def _no_gaps() -> None:
    original = HeardBook._next

    def take(self: HeardBook, told: Any) -> None:
        self.number = max(self.number, told.number - 1)
        original(self, told)

    HeardBook._next = take  # type: ignore[method-assign]


def _no_taking_over() -> None:
    original = LeaseKeeper._take

    async def take(self: LeaseKeeper, group: Any, most: int) -> None:
        if self._role != "engine" or not self._held:
            await original(self, group, most)

    LeaseKeeper._take = take  # type: ignore[method-assign]


SABOTAGE: dict[str, Callable[[], None]] = {
    "epoch not checked": _no_guard,
    "works on after its deadline": _no_deadline,
    "gaps of replicas not checked": _no_gaps,
    "free leases are left alone": _no_taking_over,
}
