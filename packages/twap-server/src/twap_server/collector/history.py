"""Request instruments, candles and book snapshots from an exchange."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx

from twap_models.enums import Interval
from twap_server.collector.allowance import RequestAllowance
from twap_server.collector.candle_archive import CandleArchive, NoArchive
from twap_server.collector.candle_reader import CandleReader
from twap_server.collector.config import CollectorConfig
from twap_server.collector.rate_limit import RateLimiter, RequestPurpose
from twap_server.collector.rest import Rest
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import ExchangeRefuses, ExchangeUnavailable
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, CandleRange
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.exchanges.base import Asking, Exchange


class History:
    """One exchange's past and present over REST."""

    def __init__(
        self,
        exchange: Exchange,
        config: CollectorConfig,
        clock: Clock,
        http: httpx.AsyncClient,
        *,
        is_urgent: Callable[[InstrumentId], bool] = lambda _: True,
        archive: CandleArchive | None = None,
        allowance: RequestAllowance | None = None,
    ) -> None:
        """Build it; ask nothing yet.

        Args:
            exchange: whose.
            config: how often, and for how long to wait.
            clock: time.
            http: the way there.
            is_urgent: whether an order needs this book, so that its snapshot comes before all others.
            archive: where closed candles are kept; None keeps none.
            allowance: what was spent and forbidden before; None: nothing was.
        """
        self._exchange = exchange
        self._is_urgent = is_urgent
        self._rest = Rest(exchange, clock, http, allowance)
        self._candles = CandleReader(exchange, clock, self._rest, archive or NoArchive())
        self._in_flight: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._budgets: defaultdict[str, RateLimiter] = defaultdict(
            lambda: RateLimiter(clock, amount=config.snapshots_per_minute, window_s=60)
        )

    @property
    def refusal(self) -> ExchangeRefuses | None:
        """Why the exchange is asked nothing now: it limits, bans or restricts us; None when it is asked."""
        return self._rest.refusal

    async def instruments(self) -> Entries[Instrument]:
        """Fetch every instrument the exchange lists, and the names of those that cannot be read.

        Raises:
            ExchangeUnavailable: no list, an empty one, or nothing in it can be read.
        """
        listed = await self._listed(self._exchange.instruments())
        if not listed.found:
            why = "cannot be read" if listed.left_out else "is empty"
            raise ExchangeUnavailable(f"the exchange's list of instruments {why}")
        return listed

    async def statuses(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Fetch some instruments anew; none where the stream tells what changes, or none are named.

        Raises:
            UnknownSymbol: the exchange does not know one of them any more.
            ExchangeUnavailable: no answer, or none that can be read.
        """
        if self._exchange.tells_status or not instruments:
            return []
        wanted = {one.id for one in instruments}
        listed = await self._listed(self._exchange.statuses(instruments))
        return [one for one in listed.found if one.id in wanted]

    async def klines(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int = 100,
        start: Nanos | None = None,
        end: Nanos | None = None,
    ) -> CandleRange:
        """Fetch candles, oldest first: the latest ``limit`` of those that open within ``start``..``end``.

        Args:
            instrument: of this exchange.
            interval: any; one that the exchange lacks is built from a finer one.
            limit: 1..1000 candles; fewer come where the exchange has no more.
            start: earliest open time; absent means as far back as needed.
            end: latest open time; absent means now.

        Raises:
            UnknownSymbol: the exchange does not know it any more.
            ExchangeUnavailable: no answer, or none that can be read.
        """
        with self._in_our_words("candles"):
            return await self._candles.read(
                instrument, interval, limit=limit, start=start or Nanos(0), end=end
            )

    async def snapshot(self, instrument: Instrument) -> BookSnapshot:
        """Fetch the book: one request at a time and at most ten a minute per instrument; waits for its turn.

        Raises:
            ExchangeUnavailable: no answer, or none that can be read.
            UnknownSymbol: the exchange does not know it any more.
        """
        symbol = instrument.id.symbol
        async with self._in_flight[symbol]:
            await self._budgets[symbol].spend()
            purpose = RequestPurpose.URGENT if self._is_urgent(instrument.id) else RequestPurpose.BOOKS
            with self._in_our_words("book"):
                answer = await self._rest.ask(self._exchange.snapshot(instrument), purpose)
        return answer.value

    async def _listed(self, asking: Asking[Entries[Instrument]]) -> Entries[Instrument]:
        with self._in_our_words("list of instruments"):
            answer = await self._rest.ask(asking, RequestPurpose.URGENT)
        return answer.value

    @contextmanager
    def _in_our_words(self, what: str) -> Iterator[None]:
        """Say what of the exchange cannot be read."""
        try:
            yield
        except WireFormatError:
            told = f"{self._exchange.name}: the exchange's {what} cannot be read"
            raise ExchangeUnavailable(told) from None
