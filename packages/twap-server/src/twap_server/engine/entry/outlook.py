"""Look up what a strategy wants to know of its market before an order is judged: volumes, volatility, a book.

In: requests. Out: the same requests with their facts. The engine's task never waits for it: it happens in the
caller's, before the command is queued. What cannot be found is left out, with the reason.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Context, Decimal
from itertools import pairwise
from typing import NamedTuple

from twap_models.enums import AGGREGATE, Interval
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.exact import FINE, ZERO
from twap_server.domain.market.candles import DAY, length
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookStatus, Candle
from twap_server.domain.market.instrument import Instrument, InstrumentId
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
_MINUTE = 60 * SECOND
_HOUR = 60 * _MINUTE
_HOURS = Decimal(24)
_LOGARITHMS = Context(prec=28)
"""A volatility is an estimate: with 60 digits its logarithms took a tenth of a second."""
_MOST_KNOWN = 256
"""Instruments whose facts are kept."""


class MarketOutlook:
    """Gathers facts."""

    def __init__(self, market: Market, clock: Clock) -> None:
        self._market, self._clock = market, clock
        self._known: OrderedDict[_AskedCandles, tuple[int, MarketFacts]] = OrderedDict()
        """Facts by what was asked, each with the interval of time in which it was: they hold as long."""

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
                found = await self._facts_of(_AskedCandles(instrument.id, interval, days), now)
            except (TwapError, FeedError) as error:
                missing = str(error)
                continue
            if found is not None:
                return found
            missing = f"{instrument.id.exchange} has none of the last {days} days"
        return MarketFacts(missing=missing)

    async def _facts_of(self, asked: "_AskedCandles", now: Nanos) -> MarketFacts | None:
        """What the candles of one exchange say; None where it has none."""
        moment = now // length(asked.interval)
        known = self._known.get(asked)
        if known is not None and known[0] == moment:
            return known[1]
        candles = await self._candles(asked, now)
        if not candles:
            return None
        found = facts_of(candles, asked.interval, days=asked.days)
        self._known[asked] = moment, found
        self._known.move_to_end(asked)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return found

    async def _with_facts(self, request: OrderRequest) -> OrderRequest:
        choice = request.strategy
        if needs_book(choice):
            await self._wait_for_book(request)
        if not needs_facts(choice):
            return request
        return replace(request, facts=await self.facts(request))

    async def _candles(self, asked: "_AskedCandles", now: Nanos) -> Sequence[Candle]:
        """Those that closed within the days before the interval that is under way."""
        end, span = Nanos(now - length(asked.interval)), asked.days * DAY
        found = await self._market.klines(
            asked.instrument.exchange,
            asked.instrument.symbol,
            asked.interval,
            limit=span // length(asked.interval),
            start=Nanos(max(0, end - span)),
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


class _AskedCandles(NamedTuple):
    instrument: InstrumentId
    interval: Interval
    days: int


def facts_of(candles: Sequence[Candle], interval: Interval, *, days: int) -> MarketFacts:
    """What closed candles of one interval, oldest first, say.

    Volumes are sums over the days of each part of the day (UTC). Volatility is the standard deviation of the
    logarithms of each hour's closing price over the one before, times the root of 24.
    """
    parts = DAY // length(interval)
    volumes = [ZERO] * parts
    for one in candles:
        part = one.open_time % DAY // length(interval)
        volumes[part] = exact.add(volumes[part], one.volume)
    whole = exact.total(volumes)
    return MarketFacts(
        day_volumes=tuple(volumes) if whole else (),
        volatility=_volatility([one.close for one in candles if _closes_hour(one)]),
        day_volume=exact.ratio(whole, Decimal(days)) if whole else None,
    )


def _closes_hour(candle: Candle) -> bool:
    return (candle.close_time + MILLISECOND) % _HOUR < _MINUTE


def _volatility(closes: Sequence[Decimal]) -> Decimal | None:
    """Percent a day, to 12 decimals, of hourly closing prices."""
    usable = [_LOGARITHMS.ln(close) for close in closes if close > ZERO]
    moves = [FINE.subtract(after, before) for before, after in pairwise(usable)]
    if len(moves) < _FEWEST:
        return None
    mean = FINE.divide(_sum(moves), Decimal(len(moves)))
    squares = [FINE.power(FINE.subtract(move, mean), 2) for move in moves]
    variance = FINE.divide(_sum(squares), Decimal(len(moves) - 1))
    return exact.ratio(FINE.multiply(_HUNDRED, FINE.sqrt(FINE.multiply(variance, _HOURS))), exact.ONE)


def _sum(values: Sequence[Decimal]) -> Decimal:
    found = ZERO
    for value in values:
        found = FINE.add(found, value)
    return found
