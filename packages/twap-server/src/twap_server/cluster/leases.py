"""Hold leases: a fair share of them, each with work that runs while the lease is held and never after.

1. A lease lasts three seconds by the database's clock and is renewed every second. The work is stopped by
   this node's own monotonic clock before the lease can have run out, whether the database answers or not.
2. A fair share is the same number for each living node. Who has more gives one away a second; who has less
   takes what is free.
3. A lease that is given away goes on until its work has ended, and only then is given back.
4. A node that waits until others have stopped, for they have an exchange in another division, says so, and
   they count it no more among those who share: what they would give away it could not take.
5. A node that reaches nobody over NATS gives all it has to those who do. Where NATS is away for all of them,
   nothing moves.

A node may be paused at any moment and wake when others have its leases. So whoever writes names the lease's
epoch, and the database refuses an old one.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from twap_server.cluster.lease_words import HeldWords, listed, waiting
from twap_server.cluster.renewals import Renewals
from twap_server.cluster.sign_of_life import SignOfLife
from twap_server.collector.backoff import KeyedBackoff
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos
from twap_server.domain.errors import StoreTakenOver, StoreUnavailable
from twap_server.domain.ownership import TAKES_PARTS, Lease, Ownership, is_of_a_part, is_of_an_exchange

log = logging.getLogger(__name__)

TTL: Final = 3 * SECOND
_MARGIN: Final = 500 * MILLISECOND
"""The work of a lease is stopped so long before the lease may have run out."""
_ROUND: Final = SECOND
_SURE: Final = 6 * SECOND
"""So long this node must have reached nobody, and others must have seemed to be well, until it gives way.

NATS that is away for all is noticed, told and seen by one after the other, within five seconds; and when it
is back they come back to it one after the other.
"""
_WATCH_S: Final = 0.1
_FIRST_WAIT_MS: Final = 1_000
_LONGEST_WAIT_S: Final = 60

_T = TypeVar("_T")
Work: TypeAlias = Callable[[Lease], Coroutine[Any, Any, None]]
"""What is done while a lease is held; cancelled when it is lost or given away."""


class LeaseStore(Protocol):
    """Where leases are kept, by one clock for all nodes."""

    async def take(self, names: Collection[str], node: str, ttl: int, *, most: int) -> list[Lease]:
        """Take at most so many of those that are free or have run out, for ``ttl`` nanoseconds.

        Raises:
            StoreUnavailable: some may have been taken.
        """
        ...

    async def renew(self, held: Collection[Lease], ttl: int, *, anew: bool) -> list[Lease]:
        """Let leases last for ``ttl`` nanoseconds from now on; give those that are still the caller's.

        One that was given back is not: several may be under way, and be done late. With ``anew`` it is done
        over a connection that is made for it.

        Raises:
            StoreUnavailable: nothing is known to be renewed.
        """
        ...

    async def release(self, held: Collection[Lease]) -> None:
        """Give leases back.

        Raises:
            StoreUnavailable: they may run out instead.
        """
        ...

    async def leases(self) -> Sequence[Ownership]:
        """All leases that were ever taken.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        ...


class _HeldLease:
    """A lease that this node has, or whose work has not ended yet."""

    def __init__(self, lease: Lease, until: Nanos) -> None:
        self.lease, self.until = lease, until
        self.working: asyncio.Task[None] | None = None
        self.is_leaving = False

    @property
    def has_ended(self) -> bool:
        """Whether its work has."""
        return self.working is not None and self.working.done()

    @property
    def is_staying(self) -> bool:
        """Whether its work goes on."""
        return not self.is_leaving and not self.has_ended

    def leave(self) -> None:
        """Stop the work, once."""
        if self.working is not None and self.is_staying:
            self.is_leaving = True
            self.working.cancel()


class LeaseKeeper:
    """Holds this node's share of some leases. Run ``run()`` as long as the node may own any."""

    def __init__(
        self,
        store: LeaseStore,
        life: SignOfLife,
        *,
        role: str,
        names: Sequence[str],
        work: Work,
        clock: Clock,
        rng: Random,
        lost_for: Callable[[], int] = lambda: 0,
    ) -> None:
        """Make a keeper.

        Args:
            store: where leases are kept.
            life: the sign of life of this node; it runs beside the keeper, and as long.
            role: of the nodes that share the leases, such as ``engine``.
            names: of all leases to be shared.
            work: what is done while one is held.
            clock: for waiting.
            rng: for the waits after a failure.
            lost_for: says how many nanoseconds ago this node lost its way to the others; 0: it has one.
        """
        self._store, self._life, self._clock = store, life, clock
        self._role, self._names, self._work = role, tuple(names), work
        self._held: dict[str, _HeldLease] = {}
        self._backoff = KeyedBackoff(clock, rng, initial_ms=_FIRST_WAIT_MS, cap_s=_LONGEST_WAIT_S)
        self._not_before: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._next_round = Nanos(0)
        self._renewals = Renewals(self._renew, clock)
        self._lost_for, self._alone_at = lost_for, clock.monotonic()
        """When no other node could have had what is here, for the last time."""
        self._answered_at = Nanos(0)
        self._is_reachable, self._is_leaving = True, False
        self._words = HeldWords()
        self._has_exchanges = any(map(is_of_an_exchange, self._names))
        self._sharing = TAKES_PARTS if any(map(is_of_a_part, self._names)) else role
        """What makes a node one of those that share: who cannot take parts is left none."""
        self._waiting = ""
        life.listen(self._look_again)

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the leases that this node has now, by its own clock."""
        now = self._clock.monotonic()
        return tuple(name for name, one in self._held.items() if one.is_staying and now < one.until)

    @property
    def remark(self) -> str:
        """What keeps this node from holding its share, in words; empty: nothing does."""
        return self._life.remark

    async def look_around(self) -> None:
        """See whether others have an exchange in another division: before they hear of this node, too."""
        if not self._has_exchanges or (leases := await self._ask(self._store.leases())) is None:
            return
        before, self._waiting = self._waiting, waiting(self._names, leases)
        if self._waiting != before:
            log.warning("%s", self._waiting or "no other node stands in the way any more")
        self._life.note_trouble(f"{self._role} waits", self._waiting)

    async def run(self) -> None:
        """Hold leases until cancelled; then end all work, and give them back.

        Raises:
            StoreTakenOver: a server alone has the database, or had it: this node must stop.
        """
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(), name=f"deadlines of {self._role} leases")
            renewing = group.create_task(self._renewals.run(), name=f"renewals of {self._role} leases")
            try:
                while True:
                    await self._turn(group)
                    await self._pause()
            finally:
                await self._leave()
                renewing.cancel()
                watching.cancel()

    async def _turn(self, group: asyncio.TaskGroup) -> None:
        """Give back what has ended, at once; all else but renewals once a round."""
        self._changed.clear()
        await self._release_ended()
        if (now := self._clock.monotonic()) < self._next_round:
            return
        self._next_round = Nanos(now + _ROUND)
        await self.look_around()
        await self._balance(group)
        if line := self._words.after_round(self.held):
            log.info("%s", line)

    def _look_again(self) -> None:
        """A fair share is another now: to wait for the next round would leave a dead node's orders alone."""
        self._next_round = Nanos(0)
        self._changed.set()

    async def _pause(self) -> None:
        await self._clock.wait(self._changed, (self._next_round - self._clock.monotonic()) / SECOND)

    async def _leave(self) -> None:
        """End all work, and give back what has ended; the rest is renewed meanwhile."""
        self._is_leaving = True
        self._leave_all()
        while self._held:
            self._changed.clear()
            self._next_round = Nanos(self._clock.monotonic() + _ROUND)
            with suppress(StoreTakenOver):
                await self._release_ended()
            if self._held:
                await self._pause()

    async def _watch(self) -> None:
        """Stop the work of a lease that may run out, whatever the database does meanwhile."""
        while True:
            now = self._clock.monotonic()
            late = [one for one in self._held.values() if now >= one.until and one.is_staying]
            _stop(late, "could not be renewed in time: what this node had is stopped")
            await self._clock.sleep(_WATCH_S)

    async def _release_ended(self) -> None:
        if not any(one.has_ended for one in self._held.values()):
            return
        ended = [one.lease for one in self._held.values() if one.has_ended]
        for lease in ended:
            del self._held[lease.name]
        await self._ask(self._store.release(ended))

    async def _renew(self, anew: bool) -> bool:
        """Renew what this node has, until its work has ended: beside all else that it asks the database.

        Returns:
            Whether there was an answer.
        """
        begun = self._clock.monotonic()
        asked = [one for one in self._held.values() if not one.has_ended]
        if not asked:
            return True
        try:
            renewed = await self._ask(self._store.renew([one.lease for one in asked], TTL, anew=anew))
        except StoreTakenOver:
            if not self._is_leaving:
                raise
            return True
        if renewed is None:
            return False
        still = set(renewed)
        for one in asked:
            if one.lease in still:
                one.until = max(one.until, Nanos(begun + TTL - _MARGIN))
        lost = [one for one in asked if one.lease not in still and one.is_staying]
        _stop(lost, "another node has this now: it is stopped here")
        return True

    async def _balance(self, group: asyncio.TaskGroup) -> None:
        self._tell_failures()
        if not self._life.may_own:
            self._leave_all()
            return
        staying = [one for one in self._held.values() if one.is_staying]
        living = self._life.living(self._sharing)
        if self._is_better_elsewhere(living):
            _stop(staying, "this node has no NATS and others do: what it had is given to them")
            return
        share = -(-len(self._names) // living)
        if len(staying) > share:
            log.debug("%s is given away, for a fair share is %d", staying[-1].lease.name, share)
            staying[-1].leave()
        elif len(staying) < share:
            await self._take(group, share - len(staying))

    def _is_better_elsewhere(self, living: int) -> bool:
        """Whether this node has reached nobody, and others could have had what is here, for long enough."""
        now = self._clock.monotonic()
        if living == 1:
            self._alone_at = now
        return min(self._lost_for(), now - self._alone_at) >= _SURE

    async def _take(self, group: asyncio.TaskGroup, most: int) -> None:
        begun = self._clock.monotonic()
        wanted = [
            name
            for name in self._names
            if name not in self._held and self._not_before.get(name, begun) <= begun
        ]
        if not wanted:
            return
        taking = self._store.take(wanted, self._life.node_id, TTL, most=most)
        for lease in await self._ask(taking) or ():
            self._held[lease.name] = one = _HeldLease(lease, Nanos(begun + TTL - _MARGIN))
            one.working = group.create_task(self._own(one), name=lease.name)
            one.working.add_done_callback(lambda _: self._changed.set())

    async def _own(self, one: _HeldLease) -> None:
        """Work while the lease is held. However the work ends, the node goes on."""
        name = one.lease.name
        try:
            await self._work(one.lease)
        except asyncio.CancelledError:
            if not one.is_leaving:
                raise
        except Exception as error:
            if not _is_taken_over(error):
                log.exception("the work of %s failed", name)
                self._try_later(name)
            else:
                log.warning("%s: %s", name, error)
        else:
            if not one.is_leaving:
                log.error("the work of %s ended by itself", name)
                self._try_later(name)

    def _try_later(self, name: str) -> None:
        wait = round(self._backoff.failed(name) * SECOND)
        self._not_before[name] = self._clock.monotonic() + wait

    def _tell_failures(self) -> None:
        """For a minute after each: by then it is known whether the next try goes on."""
        failing = [name for name in self._not_before if self._backoff.failures(name)]
        self._not_before = {name: self._not_before[name] for name in failing}
        words = f"the work of {', '.join(failing)} failed: it is tried again"
        self._life.note_trouble(self._role, words if failing else "")

    def _leave_all(self) -> None:
        for one in self._held.values():
            one.leave()

    async def _ask(self, asking: Coroutine[Any, Any, _T]) -> _T | None:
        """Ask the database; None where it cannot be reached: it is asked again, soon."""
        begun = self._clock.monotonic()
        try:
            answer = await asking
        except StoreTakenOver:
            raise
        except StoreUnavailable as error:
            if self._answered_at > begun:
                log.info("a question about leases got no answer, later ones did: %s", error)
                return None
            if self._is_reachable:
                log.warning("leases can be neither taken nor renewed, trying again: %s", error)
            self._is_reachable = False
            return None
        self._is_reachable, self._answered_at = True, self._clock.monotonic()
        return answer


def _stop(those: Sequence[_HeldLease], why: str) -> None:
    """Stop the work of leases that are not this node's any more; the log has one line for all."""
    for one in those:
        one.leave()
    if those:
        log.warning("%s: %s", why, listed([one.lease.name for one in those]))


def _is_taken_over(error: Exception) -> bool:
    """Whether somebody else owns what was worked, and nothing else is wrong."""
    if isinstance(error, ExceptionGroup):
        return error.split(StoreTakenOver)[1] is None
    return isinstance(error, StoreTakenOver)
