"""Look up what a strategy wants to know of its market before an order is judged: volumes, volatility, a book.

In: requests. Out: the same requests with their facts. The engine's task never waits for it: it happens in the
caller's, before the command is queued. What cannot be found is left out, with the reason.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from twap_models.enums import AGGREGATE, Interval
from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.exact import FINE, ZERO
from twap_server.domain.market.candles import DAY, length
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookStatus, Candle
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.orders.strategies import MarketFacts, Vwap, needs_book, needs_facts
from twap_server.domain.orders.terms import OrderRequest
from twap_server.engine.ports import Market

_BOOK_WAIT = 5 * SECOND
_LOOK_EVERY_S = 1
_FINE_WINDOW = 2 * 3_600 * SECOND
"""Windows up to this are followed by candles of five minutes, longer ones by the quarter of an hour."""
_DAYS = 14
_FEWEST = 30
"""Returns below which nothing is said of the volatility."""
_HUNDRED = Decimal(100)


class MarketOutlook:
    """Gathers facts."""

    def __init__(self, market: Market, clock: Clock) -> None:
        self._market, self._clock = market, clock

    async def seen(self, requests: Sequence[OrderRequest]) -> Sequence[OrderRequest]:
        """The requests with what their strategies need to know; at once where they need nothing."""
        if not any(needs_facts(one.strategy) or needs_book(one.strategy) for one in requests):
            return requests
        return [await self._with_facts(one) for one in requests]

    async def facts(self, request: OrderRequest) -> MarketFacts:
        """What closed candles say of the market of a request, whether its strategy needs it or not."""
        choice, now = request.strategy, self._clock.now()
        days = choice.days if isinstance(choice, Vwap) else _DAYS
        is_short = request.end - (request.start or now) <= _FINE_WINDOW
        interval = Interval.M5 if is_short else Interval.M15
        missing = "no exchange lists it"
        for instrument in self._listed(request):
            try:
                candles = await self._candles(instrument, interval, days=days, now=now)
            except (TwapError, FeedError) as error:
                missing = str(error)
                continue
            if candles:
                return facts_of(candles, interval, days=days)
            missing = f"{instrument.id.exchange} has none of the last {days} days"
        return MarketFacts(missing=missing)

    async def _with_facts(self, request: OrderRequest) -> OrderRequest:
        choice = request.strategy
        if needs_book(choice):
            await self._wait_for_book(request)
        if not needs_facts(choice):
            return request
        return replace(request, facts=await self.facts(request))

    async def _candles(
        self, instrument: Instrument, interval: Interval, *, days: int, now: Nanos
    ) -> Sequence[Candle]:
        """Those that closed within the days before today's bucket."""
        end = Nanos(now - length(interval))
        found = await self._market.klines(
            instrument.id.exchange,
            instrument.id.symbol,
            interval,
            limit=days * DAY // length(interval),
            start=Nanos(max(0, end - days * DAY)),
            end=end,
        )
        return [one for one in found.candles if one.close_time <= now]

    def _listed(self, request: OrderRequest) -> Sequence[Instrument]:
        """Of an order over several exchanges the first that answers speaks for all."""
        try:
            if request.exchange == AGGREGATE:
                return self._market.find_everywhere(request.symbol)
            return [self._market.find_instrument(request.exchange, request.symbol)]
        except TwapError:  # the rules say so in their own words
            return ()

    async def _wait_for_book(self, request: OrderRequest) -> None:
        """Until one book is live: nobody may have wanted it before."""
        instruments = self._listed(request)
        with self._held(instruments, request.token_id):
            until = self._clock.monotonic() + _BOOK_WAIT
            while self._clock.monotonic() < until and not any(self._is_live(one) for one in instruments):
                await self._clock.sleep(_LOOK_EVERY_S)

    @contextmanager
    def _held(self, instruments: Sequence[Instrument], token_id: str) -> Iterator[None]:
        owner = f"outlook:{token_id}"
        for one in instruments:
            self._market.hold(one.id, owner)
        try:
            yield
        finally:
            for one in instruments:
                self._market.release(one.id, owner)

    def _is_live(self, instrument: Instrument) -> bool:
        book = self._market.live_book(instrument.id)
        return book is not None and book.status is BookStatus.LIVE


def facts_of(candles: Sequence[Candle], interval: Interval, *, days: int) -> MarketFacts:
    """What closed candles of one interval, oldest first, say.

    Volumes are sums over the days of each part of the day (UTC). Volatility is the standard deviation of the
    logarithms of closing prices over the ones before, times the root of the intervals in a day.
    """
    parts = DAY // length(interval)
    volumes = [ZERO] * parts
    for one in candles:
        part = one.open_time % DAY // length(interval)
        volumes[part] = exact.add(volumes[part], one.volume)
    whole = exact.total(volumes)
    return MarketFacts(
        day_volumes=tuple(volumes) if whole else (),
        volatility=_volatility([one.close for one in candles], parts),
        day_volume=exact.ratio(whole, Decimal(days)) if whole else None,
    )


def _volatility(closes: Sequence[Decimal], parts: int) -> Decimal | None:
    """Percent a day, to 12 decimals."""
    usable = [FINE.ln(close) for close in closes if close > ZERO]
    moves = [FINE.subtract(after, before) for before, after in pairwise(usable)]
    if len(moves) < _FEWEST:
        return None
    mean = FINE.divide(_sum(moves), Decimal(len(moves)))
    squares = [FINE.power(FINE.subtract(move, mean), 2) for move in moves]
    variance = FINE.divide(_sum(squares), Decimal(len(moves) - 1))
    return exact.ratio(FINE.multiply(_HUNDRED, FINE.sqrt(FINE.multiply(variance, Decimal(parts)))), exact.ONE)


def _sum(values: Sequence[Decimal]) -> Decimal:
    found = ZERO
    for value in values:
        found = FINE.add(found, value)
    return found
