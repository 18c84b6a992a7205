"""Wanted and acknowledged subscriptions of one connection, and the requests between them."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from twap_server.collector.around import Scene
from twap_server.collector.connection import Connection
from twap_server.collector.healing import Healer
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import ConnectionLost
from twap_server.domain.instrument import Instrument
from twap_server.domain.market import Refused, Subscribed
from twap_server.exchanges.base import WsRequest

_log = logging.getLogger(__name__)
REFUSED = "the exchange refused this subscription"
_MAX_TRIES = 3


@dataclass(slots=True)
class _Pending:
    request: WsRequest
    subscribes: bool
    missing: int
    deadline: int


class Subscriptions:
    """Follows the wanted set: compares after connecting, when demand changes, and every ``reconcile_s``."""

    def __init__(self, session: Scene, healer: Healer) -> None:
        self._session = session
        self._healer = healer
        self._ids = count(1)
        self._pending: dict[int, _Pending] = {}
        self._acked: set[str] = set()
        self._refused: set[str] = set()
        self._tries: dict[str, int] = {}
        self._again: list[str] = []
        self._woken = asyncio.Event()
        self._answered = False
        self.settled = False
        """Whether everything wanted has been asked for and answered."""

    def next_id(self) -> int:
        """Return a request id not used on this connection."""
        return next(self._ids)

    def wake(self) -> None:
        """Compare soon."""
        self.settled = False
        self._woken.set()

    async def follow(self, connection: Connection) -> None:
        """Keep subscribed what is wanted, for ever."""
        exchange, config = self._session.around.exchange, self._session.around.config
        await self._send(connection, exchange.canary(first_id=self.next_id()), subscribes=True)
        while True:
            self._woken.clear()
            await self._reconcile(connection)
            self._settle()
            try:
                async with asyncio.timeout(config.reconcile_s):
                    await self._woken.wait()
            except TimeoutError:
                self._again = [one for one in self._session.books if not self._is_known(one)]

    def on_ack(self, ack: Subscribed) -> None:
        """Note what was acknowledged, and start what has to follow."""
        self._answered = True
        pending = self._settle_answer(ack)
        if pending is None or not pending.subscribes or not pending.request.is_book:
            return
        for symbol in (ack.symbol,) if ack.symbol else pending.request.symbols:
            self._acked.add(symbol)
            self._tries.pop(symbol, None)
            self._healer.on_subscribed(symbol)
        self._settle()

    def on_refusal(self, refusal: Refused) -> None:
        """Stop the refused instrument only; a refused batch is asked for one by one."""
        self._answered = True
        _log.warning("%s refused a request: %.200s", self._session.around.exchange.name, refusal.message)
        pending = self._settle_answer(refusal)
        if pending is None or not pending.subscribes or not pending.request.is_book:
            return
        symbols = (refusal.symbol,) if refusal.symbol else pending.request.symbols
        if len(symbols) > 1:
            self._again.extend(symbols)
            self._woken.set()
        else:
            for symbol in symbols:
                self._stop(symbol)
        self._settle()

    def check_answers(self, now: Nanos) -> None:
        """Ask again for what was not answered in time.

        Raises:
            ConnectionLost: the exchange has not answered anything on this connection.
        """
        for request_id, pending in list(self._pending.items()):
            if pending.deadline > now:
                continue
            del self._pending[request_id]
            if not self._answered:
                raise ConnectionLost("the exchange does not acknowledge subscriptions")
            if pending.subscribes and pending.request.is_book:
                self._retry([one for one in pending.request.symbols if one not in self._acked])

    def _retry(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            tries = self._tries[symbol] = self._tries.get(symbol, 0) + 1
            if tries >= _MAX_TRIES:
                self._stop(symbol, "the exchange does not acknowledge this subscription")
            else:
                self._again.append(symbol)
        self._woken.set()

    def _stop(self, symbol: str, reason: str = REFUSED) -> None:
        self._refused.add(symbol)
        self._acked.discard(symbol)
        book = self._session.books.pop(symbol, None)
        if book is not None:
            book.mark_down(reason)

    async def _reconcile(self, connection: Connection) -> None:
        session = self._session
        listed = session.around.instruments()
        wanted = session.wanted()
        self._refused &= wanted
        for gone in [one for one in session.books if one not in wanted or one not in listed]:
            await self._unsubscribe(connection, gone)
        fresh = sorted(wanted & listed.keys() - session.books.keys() - self._refused)
        for symbol in fresh:
            self._take(listed[symbol])
        singles = [one for one in self._again if one in session.books]
        self._again = []
        size = session.around.exchange.limits.symbols_per_request or len(fresh) or 1
        batches = [fresh[at : at + size] for at in range(0, len(fresh), size)]
        for batch in (*batches, *([one] for one in singles)):
            await self._subscribe(connection, [listed[one] for one in batch if one in listed])

    def _take(self, instrument: Instrument) -> None:
        book = self._session.books[instrument.id.symbol] = self._session.find_book(instrument)
        book.resync("synchronising")

    async def _subscribe(self, connection: Connection, instruments: Sequence[Instrument]) -> None:
        requests = self._session.around.exchange.subscribe(instruments, first_id=self.reserve())
        await self._send(connection, requests, subscribes=True)

    async def _unsubscribe(self, connection: Connection, symbol: str) -> None:
        book = self._session.books.pop(symbol)
        self._acked.discard(symbol)
        book.mark_down("not collected any more")
        instrument = self._session.around.instruments().get(symbol)
        if instrument is not None:
            requests = self._session.around.exchange.unsubscribe([instrument], first_id=self.reserve())
            await self._send(connection, requests, subscribes=False)

    async def _send(self, connection: Connection, requests: Sequence[WsRequest], *, subscribes: bool) -> None:
        session = self._session
        for request in requests:
            deadline = session.around.clock.monotonic() + session.around.config.ack_timeout_s * SECOND
            self._pending[request.request_id] = _Pending(request, subscribes, request.acks, deadline)
            await connection.send(request.text)

    def reserve(self) -> int:
        """Return the first of two ids: an adapter never needs more for one call."""
        first = next(self._ids)
        next(self._ids)
        return first

    def _settle_answer(self, answer: Subscribed | Refused) -> _Pending | None:
        pending = self._answered_by(answer)
        if pending is not None:
            pending.missing -= 1
            if pending.missing <= 0:
                del self._pending[pending.request.request_id]
        return pending

    def _answered_by(self, answer: Subscribed | Refused) -> _Pending | None:
        if answer.request_id is not None:
            return self._pending.get(answer.request_id)
        books = (one for one in self._pending.values() if one.subscribes and one.request.is_book)
        return next((one for one in books if answer.symbol in one.request.symbols), None)

    def _settle(self) -> None:
        self.settled = not self._again and self._acked >= self._session.books.keys()

    def _is_known(self, symbol: str) -> bool:
        asked = any(symbol in pending.request.symbols for pending in self._pending.values())
        return asked or symbol in self._acked
