"""Simulate a market without end: seeded order flow on each venue around shared fair prices.

``step`` is pure and yields events one by one, each while the books are in the state it led to;
``run`` only calls it at the right time. A venue gets one chained difference a step or one message a
change, as its protocol says.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twap_server.domain.clock import Clock
from twap_server.venue.book import Level
from twap_server.venue.candles import VenueCandle, VenueTrade
from twap_server.venue.flow import Action, FlowParameters, OrderFlow
from twap_server.venue.history import minute_candles, minute_closes
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.registry import DEFAULT
from twap_server.venue.source import BookEvent, Event, Outlet, Pair, Spec, TickerEvent, TradeEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParameters:
    """The shared part of the model; ``volatility_ppm`` is the deviation of one second's move."""

    prices: tuple[tuple[str, int], ...] = (("BTC", 60_000), ("ETH", 3_000))
    quote: str = "USDT"
    volatility_ppm: float = 25.0
    reversion: float = 2e-6
    """Pull towards the first price a second; keeps an endless walk near it."""
    history_minutes: int = 4_320
    step_s: float = 0.1
    most_steps_behind: int = 50
    """A market that slept longer than this goes on from now instead of catching up."""
    flow: FlowParameters = FlowParameters()


class FairPrice:
    """The price all venues agree on: a random walk with a weak pull to where it began."""

    def __init__(self, asset: str, *, start: int, seed: int, parameters: MarketParameters) -> None:
        self.start = start
        self.value = float(start)
        self._own = parameters
        self._random = random.Random(f"{seed}:fair:{asset}")

    def move(self, seconds: float) -> None:
        """Let time pass."""
        shock: float = self._random.gauss(0, self.start * self._own.volatility_ppm / 1e6) * seconds**0.5
        self.value += shock + (self.start - self.value) * self._own.reversion * seconds

    def ticks(self, decimals: int) -> int:
        """Give the price in units of the last of so many decimals."""
        return round(self.value * float(10**decimals))


class Listing:
    """One instrument at one venue: its order flow, ids and trades."""

    def __init__(
        self, venue: str, asset: str, pair: Pair, *, merges: bool, flow: OrderFlow, seed: str
    ) -> None:
        self.venue = venue
        self.asset = asset
        self._merges = merges
        self.pair = pair
        self.flow = flow
        pair.book = flow.book
        start = random.Random(seed)
        pair.last_id = start.randrange(10**9, 10**10)
        self._trade_id = start.randrange(10**6, 10**8)
        self._trade_time = 0

    def step(self, fair: int, *, seconds: float, time: int) -> Iterator[Event]:
        """Let time pass, ending at ``time``, and yield what happened."""
        begin, best = self.pair.last_id, self._best()
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        for action in self.flow.step(fair, seconds):
            yield from self._trades(action, time)
            self.pair.last_id += len(action.bids) + len(action.asks)
            if not self._merges:
                yield from self._book(action.bids, action.asks, time=time, begin=begin)
            bids.update(action.bids)
            asks.update(action.asks)
        if self._merges:
            yield from self._ticker(best, time)
            yield from self._book(tuple(bids.items()), tuple(asks.items()), time=time, begin=begin)

    def _best(self) -> tuple[list[Level], list[Level]]:
        return self.pair.book.bids.top(1), self.pair.book.asks.top(1)

    def _trades(self, action: Action, time: int) -> Iterator[Event]:
        trades = tuple(self._trade(fill, action.taker_buys, time) for fill in action.trades)
        if trades:
            self.pair.last_time = time
            yield TradeEvent(venue=self.venue, symbol=self.pair.spec.symbol, time=time, trades=trades)

    def _trade(self, fill: Level, taker_buys: bool, time: int) -> VenueTrade:
        self._trade_id += 1
        self._trade_time = max(time, self._trade_time + 1_000)  # distinct: Kraken pages trades by time
        trade = VenueTrade(
            id=self._trade_id, price=fill[0], qty=fill[1], time=self._trade_time, taker_buys=taker_buys
        )
        self.pair.trades.append(trade)
        self.pair.candles.add(trade)
        return trade

    def _book(
        self, bids: tuple[Level, ...], asks: tuple[Level, ...], *, time: int, begin: int
    ) -> Iterator[Event]:
        if bids or asks:
            self.pair.last_time = time
            yield BookEvent(
                venue=self.venue,
                symbol=self.pair.spec.symbol,
                time=time,
                bids=tuple(sorted(bids, reverse=True)) if self._merges else bids,
                asks=tuple(sorted(asks)) if self._merges else asks,
                first_id=begin + 1,
                last_id=self.pair.last_id,
            )

    def _ticker(self, before: tuple[list[Level], list[Level]], time: int) -> Iterator[Event]:
        bid, ask = after = self._best()
        if after != before and bid and ask:
            yield TickerEvent(
                venue=self.venue,
                symbol=self.pair.spec.symbol,
                time=time,
                update_id=self.pair.last_id,
                bid=bid[0],
                ask=ask[0],
            )


class SyntheticSource:
    """Any venues, with the same assets each, from one seed."""

    lossless = False

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        parameters: MarketParameters | None = None,
        protocols: Sequence[VenueProtocol] = DEFAULT,
    ) -> None:
        self._clock = clock
        self._own = parameters or MarketParameters()
        self._fair = {
            asset: FairPrice(asset, start=price, seed=seed, parameters=self._own)
            for asset, price in self._own.prices
        }
        self.venues = tuple(one.name for one in protocols)
        self._listings = [
            self._list(protocol, asset, spec, seed)
            for protocol in protocols
            for asset in self._fair
            for spec in protocol.specs(asset, self._own.quote)
        ]

    def _list(self, protocol: VenueProtocol, asset: str, spec: Spec, seed: int) -> Listing:
        fair, name = self._fair[asset], f"{seed}:{protocol.name}:{asset}{':perpetual' * bool(spec.contract)}"
        flow = OrderFlow(spec, fair=fair.ticks(spec.price_decimals), seed=name, parameters=self._own.flow)
        pair = Pair(spec=spec)
        pair.candles.seed(self._history(pair, asset, seed=seed, name=name))
        return Listing(protocol.name, asset, pair, merges=protocol.merges, flow=flow, seed=f"{name}:ids")

    def _history(self, pair: Pair, asset: str, *, seed: int, name: str) -> list[VenueCandle]:
        closes = minute_closes(
            self._fair[asset].start,
            count=self._own.history_minutes,
            volatility_ppm=self._own.volatility_ppm,
            seed=f"{seed}:history:{asset}",
        )
        return minute_candles(closes, pair.spec, end_ms=self._clock.now() // 1_000_000, seed=name)

    def pairs(self, venue: str) -> Mapping[str, Pair]:
        """Instruments of a venue by its own symbol."""
        return {
            listing.pair.spec.symbol: listing.pair for listing in self._listings if listing.venue == venue
        }

    def wanted(self, venue: str, symbol: str) -> None:
        """Nothing to do: the market runs with or without an audience."""

    def snapshot_text(self, symbol: str, limit: int) -> str | None:
        """Nothing is recorded."""
        return None

    def step(self, time: int) -> Iterator[Event]:
        """Let one step of time pass, ending at wall nanoseconds ``time``."""
        for fair in self._fair.values():
            fair.move(self._own.step_s)
        for listing in self._listings:
            spec = listing.pair.spec
            ticks = self._fair[listing.asset].ticks(spec.price_decimals)
            yield from listing.step(ticks, seconds=self._own.step_s, time=time)

    async def run(self, outlet: Outlet) -> None:
        """Step in real time until cancelled."""
        width = round(self._own.step_s * 1e9)
        due, last = int(self._clock.monotonic()), 0
        while True:
            due = due + width
            behind = self._clock.monotonic() - due
            if behind > self._own.most_steps_behind * width:
                due += behind
            await self._clock.sleep((due - self._clock.monotonic()) / 1e9)
            last = max(self._clock.now(), last + 1_000_000)
            for event in self.step(last):
                outlet.publish(event)
