"""Hold the books of an exchange, or of a part of it, that other nodes want, for as long as they say so."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from twap_server.books.interest import BookInterest, owner_of_order
from twap_server.cluster.market_messages import Wanted
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import ExchangePart

KEPT_S: Final = 5
"""A node that says nothing for so long wants nothing any more."""


@dataclass(slots=True)
class _Node:
    until: Nanos
    owners: dict[str, set[str]] = field(default_factory=dict)
    """Owner to the symbols it holds."""
    refused: set[str] = field(default_factory=set)
    """What it wants and there is no room for."""


class HeardWants:
    """What all nodes want of one part. A book that orders want comes first at the collector, too.

    Nodes say what they want of the whole exchange: what belongs to other parts is theirs.

    Gateways bound the books of their clients, each for itself: several may want more than one. So there is
    a bound for all of them here. Who comes later waits until somebody gives a book up; orders do not wait.
    """

    def __init__(self, part: ExchangePart, interest: BookInterest, clock: Clock, *, most: int) -> None:
        """Args: most: books that are held, those of the settings not counted, before one is refused."""
        self._part, self._exchange = part, part.exchange
        self._interest, self._clock, self._most = interest, clock, most
        self._nodes: dict[str, _Node] = {}

    def hear(self, wanted: Wanted) -> None:
        """Take in what a node wants now."""
        until = Nanos(self._clock.monotonic() + KEPT_S * SECOND)
        node = self._nodes.setdefault(wanted.node, _Node(until))
        node.until = until
        name = f"node:{wanted.node}"
        self._hold(node, owner_of_order(name), self._own(wanted.of_orders))
        symbols = self._own(wanted.symbols)
        self._hold(node, name, symbols & node.owners.get(name, set()))  # what is given up makes room first
        node.refused = self._beyond(symbols)
        self._hold(node, name, symbols - node.refused)

    @property
    def refused(self) -> set[str]:
        """What somebody wants and there is no room for."""
        return {symbol for node in self._nodes.values() for symbol in node.refused}

    def expire(self, *, can_hear: bool) -> None:
        """Forget the nodes that said nothing for too long; none of them while nobody could be heard."""
        now = self._clock.monotonic()
        for name, node in list(self._nodes.items()):
            if not can_hear:
                node.until = Nanos(now + KEPT_S * SECOND)
            elif node.until <= now:
                self._drop(name)

    def end(self) -> None:
        """Forget them all."""
        for name in list(self._nodes):
            self._drop(name)

    def _own(self, symbols: Collection[str]) -> set[str]:
        return {symbol for symbol in symbols if self._part.has(symbol)}

    def _drop(self, name: str) -> None:
        node = self._nodes.pop(name)
        for owner in node.owners:
            self._hold(node, owner, ())

    def _beyond(self, symbols: set[str]) -> set[str]:
        """Those for which there is no room: what is collected for anybody needs none."""
        fresh = sorted(symbols - self._interest.wanted(self._exchange))
        return set(fresh[max(0, self._most - self._interest.count_with(())) :])

    def _hold(self, node: _Node, owner: str, symbols: Collection[str]) -> None:
        before, wanted = node.owners.get(owner, set()), set(symbols)
        for symbol in sorted(wanted - before):
            self._interest.hold(InstrumentId(self._exchange, symbol), owner)
        for symbol in sorted(before - wanted):
            self._interest.release(InstrumentId(self._exchange, symbol), owner)
        node.owners[owner] = wanted
