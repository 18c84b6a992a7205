"""Hold what a connection is to be sent, within bounds: of each book the newest, of trades the newest few."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from twap_server.exchanges.ccxt import wire

_encode = msgspec.json.Encoder().encode
_MOST_TRADES: Final = 1_000
_MOST_ANSWERS: Final = 10_000
"""The server waits for each answer, and asks for less than this at once."""


class Unsent:
    """One connection's."""

    def __init__(self) -> None:
        """Begin empty."""
        self._answers: deque[wire.Message] = deque(maxlen=_MOST_ANSWERS)
        self._books: dict[str, wire.Book | wire.Lost] = {}
        self._trades: deque[wire.Trades] = deque(maxlen=_MOST_TRADES)
        self._filled = asyncio.Event()

    def put(self, message: wire.Message) -> None:
        """Send soon."""
        match message:
            case wire.Book() | wire.Lost():
                self._books[message.symbol] = message
            case wire.Trades():
                self._trades.append(message)
            case _:
                self._answers.append(message)
        self._filled.set()

    async def drain(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what is put, for ever."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            messages = [*self._answers, *self._books.values(), *self._trades]
            self._answers.clear()
            self._books.clear()
            self._trades.clear()
            for message in messages:
                await send(_encode(message).decode())
