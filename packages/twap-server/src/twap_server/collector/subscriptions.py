"""Track which subscriptions of one connection are wanted, requested and acknowledged."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from twap_server.books.live import LiveBook
from twap_server.books.pulse import Pulse
from twap_server.collector.connection import Connection
from twap_server.collector.context import Served, SessionContext
from twap_server.collector.requests import Asked, Pending, Pendings
from twap_server.collector.resync import BookResync
from twap_server.domain.clock import SECOND, Nanos, to_text
from twap_server.domain.market.errors import ConnectionLost
from twap_server.domain.market.events import BookStatus, Refused, Subscribed
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import WORDS, RefusalKind
from twap_server.exchanges.base import Stream, WsRequest

_log = logging.getLogger(__name__)
_MAX_TRIES = 3


class ChannelSubscriptions:
    """Follows the wanted set: compares after connecting, when demand changes, and every ``reconcile_s``."""

    def __init__(
        self, context: SessionContext, served: Served, stream: Stream, pulse: Pulse, resync: BookResync
    ) -> None:
        """Args: stream, pulse: of this connection."""
        self._context, self._served, self._stream, self._pulse = context, served, stream, pulse
        self._resync = resync
        self._pending = Pendings()
        self._asked: dict[str, Asked] = {}
        self._tries: dict[str, int] = {}
        self._again: list[str] = []
        self._woken = asyncio.Event()
        self._answered = False
        self.settled = False
        """Whether everything wanted has been asked for and answered."""

    def wake(self) -> None:
        """Compare soon."""
        self.settled = False
        self._woken.set()

    def serves(self, symbol: str) -> bool:
        """Tell whether a book was asked for and not refused."""
        asked = self._asked.get(symbol)
        return asked is not None and not asked.refused

    def hand_over(self, before: Mapping[str, LiveBook], after: Mapping[str, LiveBook]) -> None:
        """Go on with other books in place of those before; what was asked for one counts for the other."""
        for symbol, asked in self._asked.items():
            if symbol in after and asked.book is before.get(symbol):
                asked.book = after[symbol]

    async def follow(self, connection: Connection) -> None:
        """Keep subscribed what is wanted, for ever."""
        config = self._context.config
        await self._send(connection, self._stream.opening(), subscribes=True)
        while True:
            self._woken.clear()
            await self._reconcile(connection)
            self._settle()
            try:
                async with asyncio.timeout(config.reconcile_s):
                    await self._woken.wait()
            except TimeoutError:
                self._again = [one for one in self._asked if not self._is_known(one)]

    def on_ack(self, ack: Subscribed) -> None:
        """Note what was acknowledged, and start what has to follow."""
        self._answered = True
        pending = self._pending.answered(ack)
        if pending is None or not pending.subscribes or not pending.request.is_book:
            return
        for symbol in (ack.symbol,) if ack.symbol else pending.request.symbols:
            if (asked := self._asked_by(pending, symbol)) is not None:
                asked.acked = True
                self._tries.pop(symbol, None)
                self._resync.on_subscribed(symbol)
        self._settle()

    def on_refusal(self, refusal: Refused) -> None:
        """Leave the refused instrument alone for a while; of a batch ask again for what was not taken."""
        self._answered = True
        _log.warning("%s refused a request: %.200r", self._context.exchange.name, refusal.message)
        pending = self._pending.answered(refusal)
        if pending is None:
            self._hold_up(refusal)
        if pending is None or not pending.subscribes or not pending.request.is_book:
            return
        symbols = (refusal.symbol,) if refusal.symbol else pending.request.symbols
        missing = [one for one in symbols if (asked := self._asked_by(pending, one)) and not asked.acked]
        if len(symbols) > 1:
            self._again.extend(missing)
            self._woken.set()
        else:
            for symbol in missing:
                self.refuse(symbol, refusal.kind)
        self._settle()

    def refuse(self, symbol: str, kind: RefusalKind) -> None:
        """Leave a symbol alone for a while, ever longer: the exchange refuses it."""
        asked, context = self._asked.get(symbol), self._context
        if asked is None:
            return
        if kind is RefusalKind.UNKNOWN_SYMBOL:
            asked.unknown_in = context.instruments()
            context.doubt_list()
        self._set_aside(symbol, asked, WORDS[kind], is_barred=True)

    def _hold_up(self, refusal: Refused) -> None:
        """Tell why a book that is being healed has to wait."""
        book = self._served.books.get(refusal.symbol) if refusal.symbol else None
        if book is not None and refusal.kind is not RefusalKind.OTHER:
            book.hold_up(WORDS[refusal.kind], is_barred=True)

    def check_answers(self, now: Nanos) -> None:
        """Ask again for what was not answered in time, and for what was refused and may be asked for again.

        Raises:
            ConnectionLost: the exchange has not answered anything on this connection.
        """
        for pending in self._pending.take_overdue(now):
            if not self._answered:
                raise ConnectionLost("the exchange does not acknowledge subscriptions")
            if pending.subscribes and pending.request.is_book:
                every = {one: self._asked_by(pending, one) for one in pending.request.symbols}
                self._retry([one for one, asked in every.items() if asked is not None and not asked.acked])
        self._forget_refused(now)
        self._clear_suspects()

    def waiting(self) -> list[str]:
        """List the symbols that were asked for and whose book has not come."""
        return [
            symbol
            for symbol, asked in self._asked.items()
            if not asked.refused and asked.book.status is BookStatus.RESYNCING
        ]

    def _clear_suspects(self) -> None:
        suspects, books = self._context.suspects, self._served.books
        for symbol, asked in self._asked.items():
            if asked.book.status is BookStatus.LIVE:
                suspects.clear(symbol)
        if suspects.are_suspected(books.keys() - self._asked.keys()) and not self.waiting():
            self.wake()

    def _forget_refused(self, now: Nanos) -> None:
        listed = self._context.instruments()
        for symbol, asked in list(self._asked.items()):
            if asked.refused and now >= asked.retry_at and asked.unknown_in is not listed:
                del self._asked[symbol]
                self.wake()

    def _retry(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            tries = self._tries[symbol] = self._tries.get(symbol, 0) + 1
            if tries >= _MAX_TRIES:
                words = "the exchange does not acknowledge this subscription"
                self._set_aside(symbol, self._asked[symbol], words, is_barred=False)
            else:
                self._again.append(symbol)
        self._woken.set()

    def _set_aside(self, symbol: str, asked: Asked, reason: str, *, is_barred: bool) -> None:
        context = self._context
        asked.refused, asked.acked = True, False
        asked.retry_at = Nanos(context.clock.monotonic() + round(context.backoff.failed(symbol) * SECOND))
        self._tries.pop(symbol, None)
        self._mark_down(symbol, asked, reason, is_barred=is_barred)

    def _mark_down(self, symbol: str, asked: Asked, reason: str, *, is_barred: bool = False) -> None:
        """Say that no data comes, where the book is still this connection's to feed."""
        if self._served.books.get(symbol) is asked.book:
            asked.book.mark_down(reason, is_barred=is_barred)

    async def _reconcile(self, connection: Connection) -> None:
        """Ask for what is not asked for; each request may wait, and the books may change meanwhile."""
        served = self._served
        listed = self._context.instruments()
        for symbol in list(self._asked):
            if symbol not in served.books or symbol not in listed:
                await self._unsubscribe(connection, symbol)
        self._take_up_renewed()
        self._take_up_changed(listed)
        fresh = self._askable(sorted(served.books.keys() & listed.keys() - self._asked.keys()))
        singles = [one for one in self._again if self.serves(one)]
        self._again = []
        size = self._context.exchange.limits.symbols_per_request or len(fresh) or 1
        batches = [fresh[at : at + size] for at in range(0, len(fresh), size)]
        for batch in (*batches, *([one] for one in singles)):
            still = [one for one in batch if one in served.books and one in listed]
            await self._subscribe(connection, [listed[one] for one in still])

    def _askable(self, symbols: Sequence[str]) -> list[str]:
        """Choose what to ask for now; tell of what is set aside."""
        suspects = self._context.suspects
        for symbol in symbols:
            if (until := suspects.aside_until(symbol)) is not None:
                words = suspects.words_of(symbol)
                self._served.books[symbol].mark_down(f"set aside until {to_text(until)}: {words}")
        return suspects.askable(symbols, waits=bool(self.waiting()))

    def _take_up_renewed(self) -> None:
        """See to books of symbols that were given up and wanted again before the exchange was told."""
        for symbol, asked in list(self._asked.items()):
            book = self._served.books.get(symbol, asked.book)
            if book is asked.book:
                continue
            self._resync.forget(symbol)
            if asked.refused:
                del self._asked[symbol]
                continue
            asked.book, book.pulse = book, self._pulse
            book.resync("synchronising")
            if asked.acked:
                self._resync.on_subscribed(symbol)
                self._resync.begin(symbol)

    def _take_up_changed(self, listed: Mapping[str, Instrument]) -> None:
        """Begin anew with books whose exchange writes its numbers otherwise than when they were asked for."""
        for symbol, asked in self._asked.items():
            newer = listed.get(symbol, asked.instrument)
            if asked.is_written_otherwise(newer):
                asked.instrument = newer
                self._context.backoff.forget(symbol)
                if asked.acked:
                    asked.book.resync("the exchange writes its numbers otherwise now")
                    self._resync.restart(symbol)

    async def _subscribe(self, connection: Connection, instruments: Sequence[Instrument]) -> None:
        requests = self._stream.subscribe(instruments)
        for instrument in instruments:
            self._ask(instrument, next(one.request_id for one in requests if one.is_book))
        await self._send(connection, requests, subscribes=True)

    def _ask(self, instrument: Instrument, request_id: int) -> None:
        symbol = instrument.id.symbol
        book = self._served.books[symbol]
        book.pulse = self._pulse
        if book.status is not BookStatus.LIVE:
            book.resync("synchronising")
        self._asked[symbol] = Asked(book=book, instrument=instrument, request_id=request_id)

    async def _unsubscribe(self, connection: Connection, symbol: str) -> None:
        asked = self._asked.pop(symbol, None)
        if asked is None:  # refused, and forgotten while another was given up
            return
        self._resync.forget(symbol)
        self._mark_down(symbol, asked, "not collected any more")
        if not asked.refused:
            requests = self._stream.unsubscribe([asked.instrument])
            await self._send(connection, requests, subscribes=False)

    async def _send(self, connection: Connection, requests: Sequence[WsRequest], *, subscribes: bool) -> None:
        for request in requests:
            deadline = self._context.clock.monotonic() + self._context.config.ack_timeout_s * SECOND
            self._pending.add(Pending(request, subscribes, request.acks, deadline))
            await connection.send(request.text)
            if not request.acks or not connection.acknowledges:
                self.on_ack(Subscribed(request_id=request.request_id))

    def _settle(self) -> None:
        listed = self._context.instruments()
        self.settled = not self._again and all(
            self._is_answered(symbol, book)
            for symbol, book in self._served.books.items()
            if symbol in listed and self._context.suspects.aside_until(symbol) is None
        )

    def _is_answered(self, symbol: str, book: LiveBook) -> bool:
        asked = self._asked.get(symbol)
        return asked is not None and asked.book is book and (asked.acked or asked.refused)

    def _asked_by(self, pending: Pending, symbol: str) -> Asked | None:
        """What stands for a symbol, if it is this request that asked for it and none after it."""
        asked = self._asked.get(symbol)
        return asked if asked is not None and asked.request_id == pending.request.request_id else None

    def _is_known(self, symbol: str) -> bool:
        asked = self._asked[symbol]
        if asked.acked or asked.refused:
            return True
        return self._pending.are_about(symbol)
