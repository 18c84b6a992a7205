"""Keep what a stream is to be subscribed to, and tell each new connection, at a pace the server takes."""

import asyncio
from collections.abc import Callable

from twap_client._connection import Connection
from twap_client.errors import StreamClosed
from twap_models.stream import Ping, Subscribe, Unsubscribe

_NAMES = set(Unsubscribe.model_fields) - {"type"}
"""What a subscription is found by."""


class Wishes:
    """The subscriptions of one stream, by name.

    Attributes:
        granted: set while the server has answered everything that is wanted.
    """

    def __init__(self, wanted: dict[str, Subscribe]) -> None:
        self._wanted = wanted
        self._round = 0
        self._changed = asyncio.Event()
        self.granted = asyncio.Event()

    def add(self, name: str, message: Subscribe) -> None:
        """Want this from now on; the same again changes nothing."""
        if self._wanted.get(name) != message:
            self._wanted[name] = message
            self._change()

    def drop(self, name: str) -> None:
        """Want it no longer; an unknown name is ignored."""
        if self._wanted.pop(name, None) is not None:
            self._change()

    def lose(self) -> None:
        """Take note that no connection knows anything."""
        self._change()

    def note(self, pong: object) -> None:
        """Take note of a pong: messages are answered in order, so what was asked before it was answered."""
        if pong == self._mark:
            self.granted.set()

    async def tell(self, connection: Connection, resumed: Callable[[Subscribe], Subscribe]) -> None:
        """Ask for everything, and from then on for what changes; until cancelled or the connection ends.

        Args:
            connection: it knows nothing yet.
            resumed: gives a subscription as it is sent, with the place where to go on.
        """
        known: dict[str, Subscribe] = {}
        try:
            while True:
                self._changed.clear()
                while (step := self._next(known)) is not None:
                    await connection.send(resumed(step) if isinstance(step, Subscribe) else step)
                await connection.send(Ping(id=self._mark))
                await self._changed.wait()
        except StreamClosed:
            return  # its reader is told too, and knows why

    @property
    def _mark(self) -> str:
        return f"granted-{self._round}"

    def _change(self) -> None:
        self._round += 1
        self.granted.clear()
        self._changed.set()

    def _next(self, known: dict[str, Subscribe]) -> Subscribe | Unsubscribe | None:
        """The next difference between what is wanted and what the server knows, which then counts as told."""
        for name, told in known.items():
            if name not in self._wanted:
                del known[name]
                return Unsubscribe.model_validate(told.model_dump(include=_NAMES))
        for name, message in self._wanted.items():
            if known.get(name) != message:
                known[name] = message
                return message
        return None
