"""Let a node say that it lives, see which others do, and compare its clock with the database's.

What nodes decide by time they decide by their own clocks: one that is wrong would fill slices too early or
too late, and call what is old new. So a node whose clock is off owns nothing, and serves nobody, until that
is set right.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from msgspec.structs import replace

from twap_server.domain.clock import SECOND, Clock, Nanos, span_text
from twap_server.domain.errors import StoreTakenOver, StoreUnavailable
from twap_server.domain.ownership import MOST_OFF, Node

log = logging.getLogger(__name__)

_EVERY_S: Final = 1
_LIVES_FOR: Final = 3 * SECOND
"""A node that was not seen for so long is taken for dead."""
_GRACE: Final = 3 * SECOND
"""After the database was away, others have so long to be seen again."""
_NOBODY: Final = "it serves nobody until both agree. Try again: another server may answer"


class NodeStore(Protocol):
    """Where nodes are noted, by one clock for all of them."""

    async def seen(self, node: Node) -> Nanos:
        """Note that a node lives; give the store's clock at that moment.

        Raises:
            StoreUnavailable: it may not be noted.
        """
        ...

    async def gone(self, node_id: str) -> None:
        """Forget a node that ends.

        Raises:
            StoreUnavailable: it may not be forgotten.
        """
        ...

    async def living(self, within: int) -> Sequence[Node]:
        """Nodes that were seen within so many nanoseconds.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        ...


class SignOfLife:
    """Of one node, once a second. Run ``run()`` beside all that goes by it."""

    def __init__(self, store: NodeStore, node: Node, *, clock: Clock) -> None:
        """Args: clock: the one that the node decides by."""
        self._store, self._node, self._clock = store, node, clock
        self._others: Sequence[Node] = ()
        self._others_by = Nanos(0)
        self._off: int | None = None
        self._apart = 0
        """The wall clock less the monotonic one, when it was compared last."""
        self._unreachable = ""
        self._troubles: dict[str, str] = {}
        self._listeners: list[Callable[[], None]] = []

    @property
    def node_id(self) -> str:
        """Of this node."""
        return self._node.node_id

    @property
    def may_own(self) -> bool:
        """Whether this node's clock is known to be right."""
        return self._off == 0

    @property
    def unfit(self) -> str:
        """Why nobody is to be served by this node's clock now, in words for a client; empty: it is right.

        A clock that was set since it was compared is not known to be right.
        """
        if self._off:
            return f"this server's clock is {_apart_words(self._off)} the database's: {_NOBODY}"
        apart = self._clock.now() - self._clock.monotonic()
        if self._off is None or abs(apart - self._apart) > MOST_OFF:
            return f"this server's clock was not compared with the database's yet: {_NOBODY}"
        return ""

    @property
    def remark(self) -> str:
        """What is wrong with this node, in words; empty: nothing is."""
        return "; ".join(filter(None, (self._own_remark(), self._unreachable)))

    def living(self, role: str) -> int:
        """Count the nodes that live and can own what is of this role; this one is among them."""
        return 1 + sum(role in one.roles and not one.remark for one in self._others)

    def listen(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when another node is gone, or cannot own anything any more."""
        self._listeners.append(callback)

    def note_trouble(self, about: str, words: str) -> None:
        """Let others own what this node fails to work; without ``words`` that is over."""
        self._troubles[about] = words

    async def run(self) -> None:
        """Say that the node lives, until cancelled; then that it does not.

        Raises:
            StoreTakenOver: a server alone has the database, or had it: this node must stop.
        """
        try:
            while True:
                await self.beat()
                await self._clock.sleep(_EVERY_S)
        finally:
            with suppress(StoreUnavailable):
                await self._store.gone(self.node_id)

    async def beat(self) -> None:
        """Do it once; what cannot be done is done the next time.

        Raises:
            StoreTakenOver: as ``run``.
        """
        begun, wall = self._clock.monotonic(), self._clock.now()
        try:
            moment = await self._store.seen(replace(self._node, remark=self._own_remark()))
            if self._compare(moment, wall, self._clock.monotonic() - begun):
                self._apart = wall - begun
            living = await self._store.living(_LIVES_FOR)
        except StoreTakenOver:
            raise
        except StoreUnavailable as error:
            if not self._unreachable:
                log.warning("this node cannot say that it lives, trying again: %s", error)
            self._unreachable = str(error)
        else:
            self._meet([one for one in living if one.node_id != self.node_id])

    def _meet(self, others: Sequence[Node]) -> None:
        """Take note of who lives; who was there before the database was away is coming back, as this node."""
        if self._unreachable:
            self._unreachable, self._others_by = "", Nanos(self._clock.monotonic() + _GRACE)
        if self._clock.monotonic() < self._others_by:
            found = {one.node_id for one in others}
            others = [*others, *(one for one in self._others if one.node_id not in found)]
        before, self._others = self._others, others
        if _able(before) - _able(others):
            for callback in self._listeners:
                callback()

    def _compare(self, moment: Nanos, wall: Nanos, took: int) -> bool:
        """The database looked at its clock at some time between question and answer.

        Returns:
            Whether that tells anything. After too slow an answer what was known stays; where nothing was, the
            node may own what it can, for leases go by the database's clock, and serves nobody by its own.
        """
        off, doubt = wall + took // 2 - moment, took // 2
        if abs(off) - doubt <= MOST_OFF < abs(off) + doubt:
            self._off = self._off or 0
            return False
        found = off if abs(off) > MOST_OFF else 0
        if found and not self._off:
            self._off = found
            log.error("%s", self._clock_remark())
        elif self._off and not found:
            log.warning("this node's clock agrees with the database's again")
        self._off = found
        return True

    def _own_remark(self) -> str:
        """Why others should own what this node does not; not the database, which is away for all of them."""
        return "; ".join(filter(None, (self._clock_remark(), *self._troubles.values())))

    def _clock_remark(self) -> str:
        if not self._off:
            return ""
        then = ", then start this one anew" if self._off > 0 else ""
        return (
            f"this node's clock is {_apart_words(self._off)} the database's: it owns nothing, and serves "
            "nobody, until both agree within 1 s (let one time service, such as chrony, set the clocks of "
            f"all machines{then})"
        )


def _apart_words(off: int) -> str:
    return f"{span_text(abs(off))} {'ahead of' if off > 0 else 'behind'}"


def _able(nodes: Sequence[Node]) -> set[str]:
    """Those that may own what others do not."""
    return {one.node_id for one in nodes if not one.remark}
