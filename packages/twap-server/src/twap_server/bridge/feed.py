"""Follow one symbol through ccxt for as long as somebody listens: its book and its trades.

A book comes from ccxt's stream. Where that says nothing for some seconds, or ccxt has none, the book is asked
for: so a stream that has died unnoticed costs seconds, not the truth. Whatever ccxt raises is told as a lost
book, of this symbol only, and it is tried again after a wait that grows.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from twap_server.bridge.numbers import decimal_of, price_of, quantity_of
from twap_server.bridge.opening import CcxtApi
from twap_server.bridge.refusals import kind_of, words_of
from twap_server.bridge.trades import NewTrades
from twap_server.domain.clock import MILLISECOND, Clock
from twap_server.exchanges.ccxt import wire

QUIET_S: Final = 10
"""A stream that says nothing of a book for so long: it is asked for."""
_BOOK_EVERY_S: Final = 0.1
_POLL_EVERY_S: Final = 1
_POLL_TRADES_EVERY_S: Final = 3
_MOST_WAIT_S: Final = 60
_UNWATCH_WITHIN_S: Final = 3


class Feed:
    """One symbol's."""

    def __init__(
        self,
        api: CcxtApi,
        symbol: str,
        *,
        size: Decimal,
        depth: int,
        clock: Clock,
        tell: Callable[[wire.Message], None],
    ) -> None:
        """Args: size: base currency in one unit of the exchange; tell: called with each message."""
        self._api, self._symbol, self._size, self._depth = api, symbol, size, depth
        self._clock, self._tell_all = clock, tell
        self._newest: Mapping[str, Any] | None = None
        self._fresh = asyncio.Event()
        self.last: wire.Book | None = None
        """The book as it was told last; None while it is not known."""

    async def run(self) -> None:
        """Follow, for ever. Cancelling unsubscribes, where ccxt can."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._again(self._follow_book, self._lose))
                group.create_task(self._again(self._follow_trades, self._complain))
        finally:
            await self._unwatch()

    async def _again(
        self, follow: Callable[[], Awaitable[None]], failed: Callable[[Exception], None]
    ) -> None:
        """Follow, and after each failure again; the wait is short again once it went well for a while."""
        wait = 1
        while True:
            began = self._clock.monotonic()
            try:
                await follow()
            except Exception as error:  # whatever ccxt raises, and it raises all kinds
                failed(error)
            well = self._clock.monotonic() - began > _MOST_WAIT_S * 1_000 * MILLISECOND
            wait = 1 if well else min(2 * wait, _MOST_WAIT_S)
            await self._clock.sleep(wait)

    def _lose(self, error: Exception) -> None:
        self.last = self._newest = None
        self._tell_all(wire.Lost(symbol=self._symbol, kind=kind_of(error), message=words_of(error)))
        self._complain(error)

    def _complain(self, error: Exception) -> None:
        sys.stderr.write(f"{self._symbol}: {words_of(error)}\n")

    async def _follow_book(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_books())
            if self._api.has.get("watchOrderBook"):
                await self._watch_book(group)
            else:
                await self._poll_book()

    async def _send_books(self) -> None:
        """Tell the newest book, not too often; ccxt changes it in place, so it is read when it is told."""
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            if self._newest is not None:
                self.last = book_of(self._newest, self._symbol, size=self._size, depth=self._depth)
                self._tell_all(self.last)
            await self._clock.sleep(_BOOK_EVERY_S)

    def _put(self, book: Mapping[str, Any]) -> None:
        self._newest = book
        self._fresh.set()

    async def _poll_book(self) -> None:
        while True:
            self._put(await self._api.fetch_order_book(self._symbol))
            await self._clock.sleep(_POLL_EVERY_S)

    async def _watch_book(self, group: asyncio.TaskGroup) -> None:
        """Take what the stream sends. ccxt is asked for its usual depth: it cuts a book that it keeps to a
        smaller one, and what was cut is missing once prices move there."""
        while True:
            coming = group.create_task(_awaited(self._api.watch_order_book(self._symbol)))
            while not (await asyncio.wait({coming}, timeout=QUIET_S))[0]:
                self._put(await self._api.fetch_order_book(self._symbol))
            self._put(coming.result())

    async def _follow_trades(self) -> None:
        now_ms = self._clock.now() // MILLISECOND
        new = NewTrades(self._symbol, self._size, since_ms=now_ms)
        watches = self._api.has.get("watchTrades")
        while watches or self._api.has.get("fetchTrades"):
            call = self._api.watch_trades if watches else self._api.fetch_trades
            if (told := new.of(await call(self._symbol))) is not None:
                self._tell_all(told)
            await self._clock.sleep(0 if watches else _POLL_TRADES_EVERY_S)
        await asyncio.Event().wait()

    async def _unwatch(self) -> None:
        """Give up what the exchange sends, so that a new listener begins anew; ccxt cannot everywhere."""
        calls = (
            ("unWatchOrderBook", self._api.un_watch_order_book),
            ("unWatchTrades", self._api.un_watch_trades),
        )
        for ability, call in calls:
            if self._api.has.get(ability):
                try:
                    async with asyncio.timeout(_UNWATCH_WITHIN_S):
                        await call(self._symbol)
                except Exception as error:  # as above
                    self._complain(error)


async def _awaited(work: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Make a coroutine of whatever ccxt returns."""
    return await work


def book_of(book: Mapping[str, Any], symbol: str, *, size: Decimal, depth: int) -> wire.Book:
    """Translate a book of ccxt: levels are lists of price, quantity and sometimes more; best first.

    Raises:
        ValueError: a number cannot be read.
    """
    return wire.Book(
        symbol=symbol,
        bids=_levels(book["bids"], size, depth),
        asks=_levels(book["asks"], size, depth),
        time=int(book.get("timestamp") or 0),
    )


def _levels(levels: Iterable[Any], size: Decimal, depth: int) -> list[wire.LevelText]:
    """Add up what has the same price: some exchanges send order by order."""
    found: list[wire.LevelText] = []
    for price, group in groupby(levels, key=lambda level: level[0]):
        if len(found) == depth:
            break
        total = sum((decimal_of(level[1]) for level in group), Decimal(0))
        if total:
            found.append((price_of(price), quantity_of(total, size)))
    return found
