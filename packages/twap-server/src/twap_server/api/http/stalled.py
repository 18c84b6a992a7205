"""Close connections whose client does not read, and free the memory of what they were sent.

Progress is what leaves the transport's own buffer: a slow reader that goes on is kept. Looked at from time to
time, so that every way to write, and every way to close, is covered: a transport that is closed still waits,
without end, for its client to take the rest.
"""

import asyncio
from collections.abc import Callable

from twap_server.runtime.memory import give_back

_LONGEST_LOOK_S = 1.0
_MUCH = 1_048_576
"""Bytes freed that are worth some milliseconds."""


class StalledConnections:
    """The connections of one server."""

    def __init__(self, within_s: float, most: int, give_back: Callable[[], None] = give_back) -> None:
        """Watch nothing yet.

        Args:
            within_s: how long a client may take nothing.
            most: bytes held for all of them together.
            give_back: called after much was freed.
        """
        self._give_back = give_back
        self._freed = 0
        self._within = within_s
        self._most = most
        self._every = min(_LONGEST_LOOK_S, within_s / 4)
        self._look_at = 0.0
        self._watched: set[asyncio.Transport] = set()
        self._held: dict[asyncio.Transport, tuple[int, float]] = {}
        """Bytes at the last look, and since when nothing of them went."""

    def add(self, transport: asyncio.Transport) -> None:
        """Watch a connection."""
        self._watched.add(transport)

    def discard(self, transport: asyncio.Transport) -> None:
        """A connection is gone."""
        self._watched.discard(transport)
        self._held.pop(transport, None)

    def sweep(self, now: float) -> None:
        """Look, if it is time to; called often."""
        if now < self._look_at:
            return
        self._look_at = now + self._every
        if self._freed >= _MUCH:  # at the last look; by now the transports have let go of it
            self._give_back()
        self._freed = 0
        for transport in list(self._watched):
            self._note(transport, transport.get_write_buffer_size(), now)
        self._relieve()

    def _note(self, transport: asyncio.Transport, size: int, now: float) -> None:
        before, since = self._held.get(transport, (size + 1, now))
        if size == 0:
            self._held.pop(transport, None)
        elif size < before:
            self._held[transport] = (size, now)
        elif now - since < self._within:
            self._held[transport] = (size, since)
        else:
            self._drop(transport)

    def _relieve(self) -> None:
        """Too much is held for all together: drop what is most."""
        total = sum(size for size, _ in self._held.values())
        while total > self._most:
            largest = max(self._held, key=lambda one: self._held[one][0])
            total -= self._held[largest][0]
            self._drop(largest)

    def _drop(self, transport: asyncio.Transport) -> None:
        self._freed += transport.get_write_buffer_size()
        self.discard(transport)
        transport.abort()
