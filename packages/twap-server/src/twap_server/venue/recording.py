"""Play a recording of one exchange: its frames byte for byte, except for the event times.

The clock of the recording starts with the first subscriber to one of its books. The venue's own
book follows along, so a snapshot can be given at any position. At the end the connections are
closed and the recording waits for the next subscriber to begin again.
"""

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isinf
from pathlib import Path

from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest
from twap_server.venue import decode, instruments, tape
from twap_server.venue.source import BookEvent, Event, Outlet, Pair, TradeEvent

_SCANNED = 2_000
_NEAR_EVENTS = 10
"""Book events after a recorded snapshot during which it still answers a request."""
_NAP_S = 0.002


@dataclass(slots=True, kw_only=True)
class Recorded:
    """A recorded REST book, and how many book events the venue has published since."""

    body: str
    levels: int
    last_id: int
    events_after: int = 0


class Timeline:
    """Maps recorded event times to new ones: first event is at ``start``, intervals by ``speed``."""

    def __init__(self, *, first: int, start: int, speed: float) -> None:
        self._first = first
        self._start = start
        self._speed = speed

    def __call__(self, recorded: int) -> int:
        """Give the new time, in nanoseconds."""
        passed = recorded - self._first
        return self._start + (passed if self._speed == 1 else round(passed / self._speed))


class RecordingSource:
    """A recording as a market. ``speed`` 0 or infinite: as fast as the consumers take it."""

    def __init__(self, path: Path, *, clock: Clock, speed: float = 1.0, loop: bool = True) -> None:
        self._path = path
        self._clock = clock
        self._speed = 0.0 if isinf(speed) else speed
        self._loop = loop
        self._begun = asyncio.Event()
        self._last_time = 0
        self._depth = 0
        self._snapshots: dict[str, Recorded] = {}
        self._pairs: dict[str, Pair] = {}
        self._venue, self._first = self._scan()

    @property
    def lossless(self) -> bool:
        """At full speed the source waits for its consumers."""
        return self._speed == 0

    @property
    def depth(self) -> int:
        """Levels a side of the recorded books, 0 without one: a consumer that asks for as many gets them."""
        return max([self._depth, *(recorded.levels for recorded in self._snapshots.values())])

    @property
    def venues(self) -> Sequence[str]:
        """The recorded one."""
        return (self._venue,)

    def pairs(self, venue: str) -> Mapping[str, Pair]:
        """The recorded instruments, at their venue."""
        return self._pairs if venue == self._venue else {}

    def wanted(self, venue: str, symbol: str) -> None:
        """Begin to play."""
        if symbol in self.pairs(venue):
            self._begun.set()

    def snapshot_text(self, symbol: str, limit: int) -> str | None:
        """Give the recorded book while it is near and holds as many levels as asked for."""
        recorded = self._snapshots.get(symbol)
        if recorded is None or recorded.events_after > _NEAR_EVENTS or limit < recorded.levels:
            return None
        return recorded.body

    async def run(self, outlet: Outlet) -> None:
        """Play, again and again with ``loop``."""
        while True:
            await self._begun.wait()
            await self._play(outlet)
            if not self._loop:
                return
            self._begun.clear()
            self._rewind()
            await outlet.hang_up(self._venue)

    def _scan(self) -> tuple[str, int]:
        venue, first = "", 0
        for row in itertools.islice(tape.rows(self._path), _SCANNED):
            venue = venue or row.venue
            try:
                with self._readable(row):
                    first = first or tape.event_time(row) or 0
                    self._learn(row, venue)
            except InvalidRequest:
                if not row.conn.startswith(
                    "ws"
                ):  # whoever plays it will hear of a bad message, not of a bad book
                    raise
        return venue, first

    def _learn(self, row: tape.TapeRow, venue: str) -> None:
        symbol = tape.symbol_of(row)
        if symbol is None:
            return
        pair = self._pairs.setdefault(symbol, Pair(spec=instruments.find(venue, symbol)))
        if tape.is_snapshot(row):
            self._note(row, pair)

    @contextmanager
    def _readable(self, row: tape.TapeRow) -> Iterator[None]:
        """Name the line of a message that cannot be read.

        Raises:
            InvalidRequest: it cannot.
        """
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise tape.unreadable(self._path, row, error) from None

    def _note(self, row: tape.TapeRow, pair: Pair) -> None:
        if row.venue == instruments.KRAKEN:
            self._depth = self._depth or len(row.message["data"][0]["bids"])
            return
        if pair.spec.symbol in self._snapshots:
            return
        bids, asks = (decode.binance_levels(row.message[side], pair.spec) for side in ("bids", "asks"))
        pair.book.apply(bids, asks)
        pair.last_id = row.message["lastUpdateId"]
        self._snapshots[pair.spec.symbol] = Recorded(
            body=row.raw, levels=max(len(bids), len(asks)), last_id=pair.last_id
        )

    def _rewind(self) -> None:
        candles = {symbol: pair.candles for symbol, pair in self._pairs.items()}
        for pair in self._pairs.values():
            pair.book.clear()
            pair.trades.clear()
        self._snapshots.clear()
        old, self._pairs = self._pairs, {}
        self._scan()
        for symbol, pair in self._pairs.items():
            pair.candles, pair.last_time = candles[symbol], old[symbol].last_time

    async def _play(self, outlet: Outlet) -> None:
        start = max(self._clock.now(), self._last_time + 1_000_000)
        timeline = Timeline(first=self._first, start=start, speed=self._speed or 1)
        begun, first_at, time = self._clock.monotonic(), None, start
        for row in tape.rows(self._path):
            first_at = row.at if first_at is None else first_at
            await self._pace((row.at - first_at), begun)
            with self._readable(row):
                stamp = tape.event_time(row)
                time = max(time, timeline(stamp)) if stamp is not None else time
                self._perform(row, time=time, timeline=timeline, outlet=outlet)
            if self.lossless:
                await outlet.room()

    async def _pace(self, offset: int, begun: int) -> None:
        if self.lossless:
            return
        wait = offset / self._speed / 1e9 - (self._clock.monotonic() - begun) / 1e9
        if wait > _NAP_S:
            await self._clock.sleep(wait)

    def _perform(self, row: tape.TapeRow, *, time: int, timeline: Timeline, outlet: Outlet) -> None:
        symbol = tape.symbol_of(row)
        pair = self._pairs.get(symbol) if symbol is not None else None
        if pair is None:
            return
        event = decode.decode(row, pair, time=time, shift=timeline, depth=self._depth)
        if event is not None:
            self._last_time = pair.last_time = time
            outlet.publish(self._follow(event, pair))

    def _follow(self, event: Event, pair: Pair) -> Event:
        if isinstance(event, TradeEvent):
            for trade in event.trades:
                pair.trades.append(trade)
                pair.candles.add(trade)
        elif isinstance(event, BookEvent):
            return self._follow_book(event, pair)
        return event

    def _follow_book(self, event: BookEvent, pair: Pair) -> BookEvent:
        if event.venue == instruments.BINANCE:
            recorded = self._snapshots.get(pair.spec.symbol)
            if event.last_id > pair.last_id:
                pair.book.apply(event.bids, event.asks)
                pair.last_id = event.last_id
                if recorded is not None:
                    recorded.events_after += 1
            return event
        if event.snapshot:
            pair.book.clear()
        pair.book.apply(event.bids, event.asks)
        dropped = [
            [(price, 0) for price in side.trim(self._depth)] for side in (pair.book.bids, pair.book.asks)
        ]
        return replace(event, bids=(*event.bids, *dropped[0]), asks=(*event.asks, *dropped[1]))
