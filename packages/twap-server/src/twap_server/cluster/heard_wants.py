"""Hold the books of an exchange that other nodes want, for as long as they say so."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from twap_server.books.interest import BookInterest, owner_of_order
from twap_server.cluster.market_messages import Wanted
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.market.instrument import InstrumentId

KEPT_S: Final = 5
"""A node that says nothing for so long wants nothing any more."""


@dataclass(slots=True)
class _Node:
    until: Nanos
    owners: dict[str, Collection[str]]
    """Owner to the symbols it holds."""


class HeardWants:
    """What all nodes want of one exchange. A book that orders want comes first at the collector, too."""

    def __init__(self, exchange: str, interest: BookInterest, clock: Clock) -> None:
        self._exchange, self._interest, self._clock = exchange, interest, clock
        self._nodes: dict[str, _Node] = {}

    def hear(self, wanted: Wanted) -> None:
        """Take in what a node wants now."""
        until = Nanos(self._clock.monotonic() + KEPT_S * SECOND)
        node = self._nodes.setdefault(wanted.node, _Node(until, {}))
        node.until = until
        name = f"node:{wanted.node}"
        self._hold(node, name, wanted.symbols)
        self._hold(node, owner_of_order(name), wanted.of_orders)

    def expire(self) -> None:
        """Forget the nodes that said nothing for too long."""
        now = self._clock.monotonic()
        for name in [name for name, node in self._nodes.items() if node.until <= now]:
            self._drop(name)

    def end(self) -> None:
        """Forget them all."""
        for name in list(self._nodes):
            self._drop(name)

    def _drop(self, name: str) -> None:
        node = self._nodes.pop(name)
        for owner in node.owners:
            self._hold(node, owner, ())

    def _hold(self, node: _Node, owner: str, symbols: Collection[str]) -> None:
        before, wanted = set(node.owners.get(owner, ())), set(symbols)
        for symbol in sorted(wanted - before):
            self._interest.hold(InstrumentId(self._exchange, symbol), owner)
        for symbol in sorted(before - wanted):
            self._interest.release(InstrumentId(self._exchange, symbol), owner)
        node.owners[owner] = wanted
