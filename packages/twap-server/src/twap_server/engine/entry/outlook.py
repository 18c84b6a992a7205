"""Look up what a strategy wants to know of its market before an order is judged: volumes, volatility, a book.

In: requests. Out: the same requests with their facts. The engine's task never waits for it: it happens in the
caller's, before the command is queued, for all requests of a call together and for a bounded time. What
cannot be found is left out, with the reason.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from twap_models.enums import AGGREGATE, Interval
from twap_server.books.waiting import become_live
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import EngineBusy, InvalidRequest, TwapError
from twap_server.domain.market.candles import DAY, length
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import Candle
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.orders.market_facts import MarketFacts, facts_of
from twap_server.domain.orders.strategies import Vwap, needs_book, needs_facts
from twap_server.domain.orders.terms import OrderRequest
from twap_server.engine.ports import Market

_WITHIN_S = 8
"""Longer is nobody kept waiting, whatever he asks for; clients wait for 15 seconds."""
_BOOK_WAIT = 5 * SECOND
"""Nobody may have wanted them before."""
_MOST_AT_ONCE = 4
"""Calls of one user that look something up; another one is told to come again."""
_MOST_MARKETS = 50
"""Of one call: candles of so many markets are looked up, and so many books are waited for."""
_FINE_WINDOW = 2 * 3_600 * SECOND
"""Windows up to this are followed by candles of five minutes, longer ones by the quarter of an hour."""
_DAYS = 14
_MOST_KNOWN = 256
"""Instruments whose facts are kept."""
_TOO_LONG = MarketFacts(missing="looking them up took too long: the next time some are known already")


class _CandleQuery(NamedTuple):
    """Whose candles, which, and how far back."""

    instruments: tuple[InstrumentId, ...]
    """Of an order over several exchanges: the first that answers speaks for all."""
    interval: Interval
    days: int


class MarketOutlook:
    """Gathers facts."""

    def __init__(self, market: Market, clock: Clock) -> None:
        self._market, self._clock = market, clock
        self._known: OrderedDict[_CandleQuery, tuple[int, MarketFacts]] = OrderedDict()
        """Facts by what was asked, each with the interval of time in which it was: they hold as long."""
        self._looking = Counter[str]()
        self._numbers = count()

    async def seen(self, user_id: str, requests: Sequence[OrderRequest]) -> Sequence[OrderRequest]:
        """The requests with what their strategies need to know; at once where they need nothing.

        Raises:
            EngineBusy: the user has too many such calls under way.
        """
        queries = {one: self._query(one) for one in requests if needs_facts(one.strategy)}
        books = {found.id for one in requests if needs_book(one.strategy) for found in self._listed(one)}
        if not queries and not books:
            return requests
        facts: dict[_CandleQuery, MarketFacts] = {}
        with self._one_more(user_id), self._held(list(books)[:_MOST_MARKETS]) as wanted:
            await self._within(list(dict.fromkeys(queries.values()))[:_MOST_MARKETS], wanted, facts)
        return [
            replace(one, facts=facts.get(queries[one], _TOO_LONG)) if one in queries else one
            for one in requests
        ]

    async def facts(self, request: OrderRequest) -> MarketFacts:
        """What closed candles say of the market of a request, whether its strategy needs it or not."""
        facts: dict[_CandleQuery, MarketFacts] = {}
        query = self._query(request)
        await self._within([query], [], facts)
        return facts.get(query, _TOO_LONG)

    async def _within(
        self,
        queries: Sequence[_CandleQuery],
        books: Sequence[InstrumentId],
        facts: dict[_CandleQuery, MarketFacts],
    ) -> None:
        """Look all of it up side by side; what takes too long is left out."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_WITHIN_S), asyncio.TaskGroup() as group:
                waiting = become_live(self._market, books, self._clock, within=_BOOK_WAIT)
                group.create_task(waiting, name="books of strategies")
                for query in queries:
                    group.create_task(self._find(query, facts), name="candles of a strategy")

    async def _find(self, query: _CandleQuery, facts: dict[_CandleQuery, MarketFacts]) -> None:
        """What the candles say; of several exchanges those of the first that answers."""
        moment, known = self._clock.now() // length(query.interval), self._known.get(query)
        if known is not None and known[0] == moment:
            facts[query] = known[1]
            return
        found = await self._asked(query)
        facts[query] = found
        if found.is_answered:
            self._known[query] = moment, found
            self._known.move_to_end(query)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    async def _asked(self, query: _CandleQuery) -> MarketFacts:
        missing = MarketFacts(missing="no exchange lists it", is_answered=True)
        for instrument in query.instruments:
            try:
                candles = await self._candles(instrument, query)
            except InvalidRequest as error:
                missing = MarketFacts(missing=str(error), is_answered=True)
            except (TwapError, FeedError) as error:
                missing = MarketFacts(missing=str(error))
            else:
                if candles:
                    return facts_of(candles, query.interval, days=query.days)
                why = f"{instrument.exchange} has none of the last {query.days} days"
                missing = MarketFacts(missing=why, is_answered=True)
        return missing

    async def _candles(self, instrument: InstrumentId, query: _CandleQuery) -> Sequence[Candle]:
        """Those that closed within the days before the interval that is under way."""
        now, span = self._clock.now(), query.days * DAY
        end = Nanos(now - length(query.interval))
        found = await self._market.klines(
            instrument.exchange,
            instrument.symbol,
            query.interval,
            limit=span // length(query.interval),
            start=Nanos(max(0, end - span)),
            end=end,
        )
        return [one for one in found.candles if one.close_time <= now]

    def _query(self, request: OrderRequest) -> _CandleQuery:
        days = request.strategy.days if isinstance(request.strategy, Vwap) else _DAYS
        is_short = request.end - (request.start or self._clock.now()) <= _FINE_WINDOW
        interval = Interval.M5 if is_short else Interval.M15
        return _CandleQuery(tuple(one.id for one in self._listed(request)), interval, days)

    def _listed(self, request: OrderRequest) -> Sequence[Instrument]:
        try:
            if request.exchange == AGGREGATE:
                return self._market.find_everywhere(request.symbol)
            return [self._market.find_instrument(request.exchange, request.symbol)]
        except TwapError:  # the rules say so in their own words
            return ()

    @contextmanager
    def _one_more(self, user_id: str) -> Iterator[None]:
        if self._looking[user_id] >= _MOST_AT_ONCE:
            raise EngineBusy("too many of your orders look at their markets: try again soon", retry_after=2)
        self._looking[user_id] += 1
        try:
            yield
        finally:
            self._looking[user_id] -= 1
            if not self._looking[user_id]:
                del self._looking[user_id]

    @contextmanager
    def _held(self, books: Sequence[InstrumentId]) -> Iterator[Sequence[InstrumentId]]:
        owner = f"outlook:{next(self._numbers)}"
        for one in books:
            self._market.hold(one, owner)
        try:
            yield books
        finally:
            for one in books:
                self._market.release(one, owner)
