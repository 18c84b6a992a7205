"""Checks replicas: one that says live is, level for level, the collector's book at that number. N3."""

from collections import OrderedDict
from typing import Any

from simulation.nodes.node import SimNode
from simulation.violation import Violation
from twap_server.books.live import LiveBook
from twap_server.cluster import telling
from twap_server.domain.market.instrument import InstrumentId

_KEPT = 5_000
"""Of each instrument and epoch."""
_EPOCHS = 4

Key = tuple[InstrumentId, int]


class Replicas:
    """What collectors told, and comparisons with it."""

    def __init__(self) -> None:
        self.checked = 0
        self._told: dict[InstrumentId, OrderedDict[int, OrderedDict[int, Any]]] = {}

    def watch(self) -> None:
        """Note from now on every book that a collector numbers."""
        note = self._note

        class NotedLine(telling.BookLine):
            def __init__(self, messenger: Any, subjects: Any, instrument: InstrumentId, epoch: int) -> None:
                super().__init__(messenger, subjects, instrument, epoch)
                self._key = instrument, epoch

            def change(self, book: LiveBook, change: Any) -> None:
                super().change(book, change)
                note(self._key, self.number, book)

            def state(self, book: LiveBook) -> None:
                super().state(book)
                note(self._key, self.number, book)

            def cut(self, book: LiveBook, depth: int) -> None:
                super().cut(book, depth)
                note(self._key, self.number, book)

            def anew(self, book: LiveBook) -> None:
                super().anew(book)
                note(self._key, self.number, book)

        telling.BookLine = NotedLine  # type: ignore[misc]

    def check(self, node: SimNode) -> None:
        """Compare every replica of a node that says live."""
        if node.market is None:
            return
        for exchange in node.market._exchanges.values():
            for replica in exchange._replicas.values():
                if str(replica.book._shown()[0]) == "live":
                    self._compare(node, replica)

    def _compare(self, node: SimNode, replica: Any) -> None:
        instrument, heard = replica.instrument, replica._book
        told = self._told.get(instrument, {}).get(heard.epoch)
        self.checked += 1
        if told is None or heard.number not in told:
            if told is not None and heard.number < next(iter(told)):
                return
            raise Violation("N3", f"{node.name}: {instrument} is at {heard.epoch}/{heard.number}, never told")
        status, levels = told[heard.number]
        found = _levels(replica.book)
        if status != "live" or levels != found:
            raise Violation(
                "N3",
                f"{node.name}: {instrument} at {heard.epoch}/{heard.number} is live with {found}, "
                f"the collector's was {status} with {levels}",
            )

    def _note(self, key: Key, number: int, book: LiveBook) -> None:
        instrument, epoch = key
        epochs = self._told.setdefault(instrument, OrderedDict())
        if epoch not in epochs:
            epochs[epoch] = OrderedDict()
            if len(epochs) > _EPOCHS:
                epochs.popitem(last=False)
        epochs[epoch][number] = (str(book.status), _levels(book))
        if len(epochs[epoch]) > _KEPT:
            epochs[epoch].popitem(last=False)


def _levels(book: LiveBook) -> Any:
    return book.book.top_text(len(book.book))
