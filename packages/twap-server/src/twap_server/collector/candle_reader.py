"""Read candles of one exchange page by page, until there are enough or no older ones.

In: an instrument, an interval, a range. Out: candles, and how far back the exchange reaches where that cut
the answer. What the exchange leaves out, because nothing was traded, is never invented.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace

from twap_models.enums import Interval
from twap_server.collector.candle_archive import CandleArchive, TolerantArchive
from twap_server.collector.listing import in_words
from twap_server.collector.rate_limit import RequestPurpose
from twap_server.collector.rest import Rest
from twap_server.collector.short_cache import Kept, ShortCache
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable, InvalidRequest
from twap_server.domain.market import candles as build
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import Candle, CandleRange
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.known_candles import KnownRange, Series
from twap_server.exchanges.base import Exchange, Page

_log = logging.getLogger(__name__)
_WARN_EVERY = 60 * SECOND
_MAX_PAGES = 40
_ALL_WITHIN_S = 30
_MOST_KEPT = 5_000
"""Candles kept of one exchange, some 4 MB: five of the largest pages, each of them for seconds."""
_KEEP_FORMING = SECOND
_KEEP_CLOSED = 30 * SECOND
_SETTLED_AFTER = 10 * SECOND
"""An exchange may still write to a candle so long after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One answer. Nothing is missing in it from ``known_from`` to its end."""

    candles: list[Candle]
    known_from: Nanos
    silent: bool
    """Whether what is missing was not traded; else some of it could not be read."""
    asked_at: Nanos


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What the pages gave so far: candles of ``part``, of which those of ``interval`` are made."""

    part: Interval
    interval: Interval
    until: Nanos
    """The latest open time that counts; an exchange may give later ones unasked."""
    known_from: Nanos
    silent: bool = True
    found: dict[Nanos, Candle] = field(default_factory=dict)
    asked_at: Nanos = Nanos(0)
    """When the newest page was asked for."""

    def add(self, page: _Page) -> None:
        """Take an older page."""
        self.found |= {one.open_time: one for one in page.candles if one.open_time <= self.until}
        self.known_from = page.known_from
        self.silent = self.silent and page.silent
        self.asked_at = self.asked_at or page.asked_at

    def count(self) -> int:
        """Count what ``candles`` would give."""
        if not self.silent:
            return len(self.candles())
        starts = {build.bucket_start(moment, self.interval) for moment in self.found}
        return sum(start >= self.known_from for start in starts)

    def candles(self) -> list[Candle]:
        """Make the candles of ``interval``, oldest first."""
        found = [self.found[moment] for moment in sorted(self.found)]
        if self.part is self.interval:
            return found
        return build.aggregate(
            found,
            part=self.part,
            interval=self.interval,
            known_from=self.known_from,
            silent=self.silent,
            now=self.asked_at,
        )

    def cut(self, *, limit: int, start: Nanos, end: Nanos) -> CandleRange:
        """Take what was asked for, and say how far back the exchange reaches where that was too little."""
        wanted = [one for one in self.candles() if start <= one.open_time <= end][-limit:]
        reach = build.first_whole(self.known_from, self.interval)
        falls_short = len(wanted) < limit and build.first_whole(start, self.interval) < reach
        return CandleRange(candles=wanted, oldest_available=reach if falls_short else None)


def _page_of(part: Interval, size: int, *, last: Nanos, since: Nanos | None) -> Page:
    """The page of ``size`` intervals whose last one ``last`` lies in; none that opens before ``since``."""
    end = build.bucket_start(last, part)
    start = max(Nanos(end - (size - 1) * build.length(part)), since or Nanos(0))
    return Page(interval=part, limit=size, start=start, end=end)


def _behind(page: Page, known_to: Nanos | None) -> Page:
    """Leave out of a page what is known of its beginning."""
    if known_to is None:
        return page
    start = Nanos(build.bucket_end(known_to, page.interval))
    rows = (page.end - start) // build.length(page.interval) + 1 + (page.interval is Interval.MONTH)
    return replace(page, start=start, limit=rows)


class CandleReader:
    """One exchange's candles. Equal requests are one request, and its answer is given again for a moment."""

    def __init__(self, exchange: Exchange, clock: Clock, rest: Rest, archive: CandleArchive) -> None:
        self._exchange = exchange
        self._clock = clock
        self._rest = rest
        self._archive = TolerantArchive(archive)
        self._pages: ShortCache[_Page] = ShortCache(clock, most=_MOST_KEPT)
        self._warned_at = Nanos(-_WARN_EVERY)

    async def read(
        self, instrument: Instrument, interval: Interval, *, limit: int, start: Nanos, end: Nanos | None
    ) -> CandleRange:
        """Read the latest ``limit`` candles of those that open within ``start``..``end``, oldest first.

        Raises:
            UnknownSymbol: the exchange does not know it any more.
            ExchangeUnavailable: no answer in time.
            WireFormatError: no answer that can be read.
        """
        now = self._clock.now()
        last = now if end is None else min(end, now)
        until = min(now, Nanos(build.bucket_end(build.bucket_start(last, interval), interval) - 1))
        part = self._source_of(interval)
        reading = _Reading(part=part, interval=interval, until=until, known_from=Nanos(until + 1))
        since = max(Nanos(0), build.bucket_start(start, interval))  # the first week began before the epoch
        try:
            async with asyncio.timeout(_ALL_WITHIN_S):
                await self._read(reading, instrument, limit=limit, since=since)
        except TimeoutError:
            told = f"{self._exchange.name}: so many candles take too long: ask for fewer"
            raise ExchangeUnavailable(told, retry_after=_ALL_WITHIN_S) from None
        return reading.cut(limit=limit, start=start, end=last)

    def _source_of(self, interval: Interval) -> Interval:
        """Which of the exchange's intervals to ask for.

        Raises:
            InvalidRequest: none that it has will do.
        """
        try:
            return build.source_of(interval, self._exchange.klines.native)
        except ValueError:
            told = f"{self._exchange.name} has no candles of which {interval.value} can be made"
            raise InvalidRequest(told, field="interval") from None

    async def _read(self, reading: _Reading, instrument: Instrument, *, limit: int, since: Nanos) -> None:
        rules, part, interval = self._exchange.klines, reading.part, reading.interval
        if rules.reach:
            newest = build.bucket_start(self._clock.now(), part)
            since = max(since, Nanos(newest - (rules.reach - 1) * build.length(part)))
        rows = limit * (build.length(interval) // build.length(part)) + (part is not interval)
        left = _MAX_PAGES if rules.pages else 1
        while reading.known_from > since and reading.count() < limit:
            size = rules.max_rows if rules.gaps else min(rules.max_rows, max(1, rows - len(reading.found)))
            page = _page_of(
                part, size, last=Nanos(reading.known_from - 1), since=since if rules.gaps else None
            )
            kept, known_to = await self._kept(instrument, page)
            if kept is None and not left:
                break
            left -= kept is None
            reading.add(kept or await self._page(instrument, _behind(page, known_to)))

    async def _kept(self, instrument: Instrument, page: Page) -> tuple[_Page | None, Nanos | None]:
        """Take the end of a page from the archive; else say up to where its beginning is known."""
        found = await self._archive.newest(
            Series(instrument.id, page.interval), KnownRange(page.start, page.end)
        )
        if found is None:
            return None, None
        (first, last), candles = found
        if last < page.end:
            return None, last
        kept = _Page(candles=list(candles), known_from=first, silent=True, asked_at=self._clock.now())
        return kept, None

    async def _page(self, instrument: Instrument, page: Page) -> _Page:
        """Ask for a page, or take what is kept for a moment."""
        part, last = page.interval, page.end

        async def fetch() -> Kept[_Page]:
            read = await self._fetch(instrument, page)
            await self._keep(instrument, page, read)
            is_closed = build.bucket_end(last, part) + _SETTLED_AFTER <= read.asked_at
            keep = _KEEP_CLOSED if is_closed and self._exchange.klines.pages else _KEEP_FORMING
            return Kept(value=read, size=len(read.candles) + 1, keep=keep)

        return await self._pages.get(self._key(instrument, page), fetch)

    async def _keep(self, instrument: Instrument, page: Page, read: _Page) -> None:
        """Put what is closed and settled into the archive, where nothing of it is missing.

        An answer without a candle is not kept: that there is none may be the exchange's mistake of a moment.
        """
        rules, part = self._exchange.klines, page.interval
        if not read.silent or not read.candles:
            return
        settled = build.bucket_start(Nanos(read.asked_at - _SETTLED_AFTER), part)
        newest = build.bucket_start(Nanos(settled - 1), part)
        known = KnownRange(
            read.known_from if rules.gaps else read.candles[0].open_time,
            min(newest, page.end) if rules.pages else newest,
        )
        if known.first <= known.last:
            closed = [one for one in read.candles if known.first <= one.open_time <= known.last]
            await self._archive.keep(Series(instrument.id, part), known, closed)

    def _key(self, instrument: Instrument, page: Page) -> tuple[object, ...]:
        """What makes requests equal: where no end can be asked for, all of an interval are."""
        named = (instrument.native, page.interval)
        return (*named, page.start, page.end, page.limit) if self._exchange.klines.pages else named

    async def _fetch(self, instrument: Instrument, page: Page) -> _Page:
        answer = await self._rest.ask(self._exchange.candles(instrument, page), RequestPurpose.USERS)
        listed = answer.value
        self._tell_left_out(listed.left_out)
        if listed.left_out and not listed.found:
            raise WireFormatError("no candle can be read")
        known_from = page.start
        rules = self._exchange.klines
        if not rules.gaps:
            is_full = rules.is_fixed or len(listed.found) + len(listed.left_out) >= page.limit
            first = listed.found[0].open_time if listed.found else Nanos(page.end + 1)
            known_from = first if is_full else Nanos(0)
        return _Page(
            candles=[replace(one, closed=one.close_time < answer.asked_at) for one in listed.found],
            known_from=known_from,
            silent=not listed.left_out,
            asked_at=answer.asked_at,
        )

    def _tell_left_out(self, left_out: tuple[str, ...]) -> None:
        now = self._clock.monotonic()
        if left_out and now - self._warned_at >= _WARN_EVERY:
            self._warned_at = now
            _log.warning("%s candles: %s", self._exchange.name, in_words(left_out))
