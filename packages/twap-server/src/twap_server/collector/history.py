"""What an exchange tells on request: instruments, candles, book snapshots. Caches nothing."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

import httpx

from twap_models.enums import Interval
from twap_server.collector import candles as build
from twap_server.collector.budget import Budget
from twap_server.collector.config import CollectorConfig
from twap_server.collector.listing import in_words
from twap_server.collector.rest import Rest
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos
from twap_server.domain.entries import Entries
from twap_server.domain.errors import ExchangeRefuses, ExchangeUnavailable, WireFormatError
from twap_server.domain.instrument import Instrument
from twap_server.domain.market import BookSnapshot, Candle
from twap_server.exchanges.base import Exchange, HttpRequest, Page

_log = logging.getLogger(__name__)
_WARN_EVERY = 60 * SECOND
_MAX_PAGES = 40
_ASKED_WITHIN_S = 10
"""How long a user's request waits for room in what the exchange allows; books wait longer."""


class History:
    """One exchange's past and present over REST."""

    def __init__(
        self, exchange: Exchange, config: CollectorConfig, clock: Clock, http: httpx.AsyncClient
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._rest = Rest(exchange, clock, http)
        self._silent_until = Nanos(0)
        self._in_flight: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._budgets: defaultdict[str, Budget] = defaultdict(
            lambda: Budget(clock, amount=config.snapshots_per_minute, window_s=60)
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
        listed = self._instruments_of(await self._get(self._exchange.instruments_request()))
        if not listed.found:
            why = "cannot be read" if listed.left_out else "is empty"
            raise ExchangeUnavailable(f"the exchange's list of instruments {why}")
        return listed

    async def statuses(self, instruments: Sequence[Instrument]) -> list[Instrument]:
        """Fetch some instruments anew; nothing where the stream tells what changes.

        Raises:
            UnknownSymbol: the exchange does not know one of them any more.
            ExchangeUnavailable: no answer, or none that can be read.
        """
        wanted = {one.id for one in instruments}
        found: list[Instrument] = []
        for request in self._exchange.status_requests(instruments):
            found += self._instruments_of(await self._get(request, within_s=_ASKED_WITHIN_S)).found
        return [one for one in found if one.id in wanted]

    async def klines(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int = 100,
        start: Nanos | None = None,
        end: Nanos | None = None,
    ) -> list[Candle]:
        """Fetch candles, oldest first: the latest ``limit`` of those that open within ``start``..``end``.

        Args:
            limit: 1..1000 candles; fewer come where the exchange has no more.
            start: earliest open time; absent means as far back as needed.
            end: latest open time; absent means now.

        Raises:
            UnknownSymbol: the exchange does not know it any more.
            ExchangeUnavailable: no answer, or none that can be read.
        """
        now = self._clock.now()
        part = build.source_of(interval, self._exchange.klines)
        until = now if end is None else min(end, now)
        if part is not interval:
            until = Nanos(build.bucket_end(build.bucket_start(until, interval), interval) - 1)
        since = Nanos(0) if start is None else build.bucket_start(start, interval)
        rows = limit
        if part is not interval:  # one more bucket, because the oldest may come in parts
            rows = (limit + 1) * (build.length(interval) // build.length(part))
        try:
            found = await self._rows(instrument, part, rows=rows, since=since, until=until)
        except WireFormatError:
            raise ExchangeUnavailable("the exchange's candles cannot be read") from None
        if part is not interval:
            found = build.aggregate(found, part=part, interval=interval, now=now)
        wanted = [one for one in found if (start or 0) <= one.open_time <= (now if end is None else end)]
        return build.with_closed(wanted, now)[-limit:]

    async def snapshot(self, instrument: Instrument) -> BookSnapshot:
        """Fetch the book: one request at a time and at most ten a minute per instrument; waits for its turn.

        Raises:
            ExchangeUnavailable: no answer, or none that can be read.
            UnknownSymbol: the exchange does not know it any more.
        """
        symbol = instrument.id.symbol
        async with self._in_flight[symbol]:
            await self._budgets[symbol].spend()
            body = await self._get(self._exchange.depth_request(instrument))
        try:
            return self._exchange.parse_depth(body, instrument)
        except WireFormatError:
            raise ExchangeUnavailable("the exchange's book cannot be read") from None

    def _instruments_of(self, body: bytes) -> Entries[Instrument]:
        try:
            return self._exchange.parse_instruments(body)
        except WireFormatError:
            raise ExchangeUnavailable("the exchange's list of instruments cannot be read") from None

    async def _rows(
        self, instrument: Instrument, interval: Interval, *, rows: int, since: Nanos, until: Nanos
    ) -> list[Candle]:
        rules = self._exchange.klines
        native = rules.native[interval]
        found: dict[Nanos, Candle] = {}
        for _ in range(_MAX_PAGES if rules.pages else 1):
            limit = rules.max_rows if rules.gaps else min(rules.max_rows, rows - len(found))
            page = Page(native_interval=native, limit=limit, end=until)
            body = await self._get(self._exchange.klines_request(instrument, page), within_s=_ASKED_WITHIN_S)
            read = self._exchange.parse_klines(body, native)
            self._tell_left_out(read.left_out)
            if read.left_out and not read.found:
                raise WireFormatError("no candle can be read")
            batch = read.found
            before = len(found)
            found.update({one.open_time: one for one in batch if since <= one.open_time <= until})
            is_last = len(batch) < limit and not rules.gaps
            if len(found) >= rows or len(found) == before or is_last:
                break
            until = Nanos(min(found) - MILLISECOND)
        return [found[moment] for moment in sorted(found)][-rows:]

    def _tell_left_out(self, left_out: Sequence[str]) -> None:
        now = self._clock.monotonic()
        if left_out and now >= self._silent_until:
            self._silent_until = Nanos(now + _WARN_EVERY)
            _log.warning("%s candles: %s", self._exchange.name, in_words(left_out))

    async def _get(self, request: HttpRequest, *, within_s: int | None = None) -> bytes:
        try:
            return await self._rest.get(request, within_s=within_s)
        except ExchangeUnavailable as error:
            error.args = (f"{self._exchange.name}: {error}",)
            raise
