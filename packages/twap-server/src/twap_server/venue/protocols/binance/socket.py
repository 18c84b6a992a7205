"""Serve Binance's WebSocket: combined and raw streams, subscriptions, acknowledgements, shutdown notice.

An unknown symbol is acknowledged and stays silent; an unknown stream kind likewise. Pings are the
HTTP server's (a ping frame each 20 s). Follows ``web-socket-streams.md`` of the venue's documents.
"""

import json
import re
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from twap_server.venue import instruments
from twap_server.venue.candles import VenueTrade
from twap_server.venue.protocols.binance import wire
from twap_server.venue.session import VenueSession
from twap_server.venue.source import BookEvent, Event, Pair, Spec, TickerEvent, TradeEvent

_BEST = re.compile(r"depth(5|10|20)(?:@(\d+)ms)?")
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_KLINE_EVERY_S = 2.0


@dataclass(slots=True, kw_only=True)
class SubscribedStream:
    """One subscription.

    ``pending`` gathers the changes of a slow depth stream, ``sent_at`` is when the best levels were sent.
    """

    name: str
    symbol: str
    kind: str
    pending: list[BookEvent] = field(default_factory=list)
    last_open_ms: int = -1
    sent_at: int = 0


def parse_stream(name: str) -> SubscribedStream:
    """Take a stream name apart; the symbol, lowercase or unknown, comes before the ``@``."""
    symbol, _, kind = name.partition("@")
    return SubscribedStream(name=name, symbol=symbol.upper() if symbol == symbol.lower() else "", kind=kind)


class BinanceSession(VenueSession):
    """One connection to ``/ws`` or ``/stream``."""

    venue = instruments.BINANCE
    messages_a_second: ClassVar[int] = 5
    fast: ClassVar[Sequence[str]] = ("depth@100ms",)
    """Kinds of stream that tell each change of a book; ``depth`` tells some together."""
    slow_ns: ClassVar[int] = 1_000_000_000

    def prepare(self) -> None:
        """Take what the URL says."""
        at = self._socket
        self._combined = at.url.path.endswith("/stream")
        listed = at.query_params.get("streams", "") if self._combined else at.path_params.get("streams", "")
        self._streams: dict[str, SubscribedStream] = {}
        self._mute: set[str] = set()
        self._asked: deque[int] = deque(maxlen=self.messages_a_second + 1)
        self._first = [name for name in listed.split("/") if name]

    def subscriptions(self) -> list[str]:
        """Name the streams."""
        return [*self._streams, *self._mute]

    def serves(self, kind: str) -> bool:
        """Whether a kind of stream is served at this address; else it is acknowledged and stays silent."""
        return True

    def greet(self) -> None:
        """Say nothing; begin the streams of the URL."""
        self._subscribe(self._first)

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Push candles."""
        return [self._push_klines()]

    def notice(self) -> str:
        """Tell of a planned close."""
        told = f'{{"e":"serverShutdown","E":{self._clock.now() // wire.MILLISECOND}}}'
        return self._framed("!serverShutdown", told)

    def receive(self, message: str) -> None:
        """Answer a request of the client."""
        self._asked.append(self._clock.monotonic())
        if len(self._asked) > self.messages_a_second and self._asked[-1] - self._asked[0] < 10**9:
            self.end(1008, "Too many requests")
            return
        try:
            request = json.loads(message)
        except ValueError as error:
            self._refuse(3, f"Invalid JSON: {error}", None)
            return
        if not isinstance(request, dict):
            self._refuse(2, "Invalid request: request must be an object", None)
            return
        self._answer(request)

    def _answer(self, request: dict[str, Any]) -> None:
        ident, method, params = request.get("id"), request.get("method"), request.get("params", [])
        if method not in _METHODS:
            kinds = ", ".join(f"`{name}`" for name in _METHODS)
            self._refuse(2, f"Invalid request: unknown variant `{method}`, expected one of {kinds}", ident)
        elif method == "LIST_SUBSCRIPTIONS":
            self._accept(self.subscriptions(), ident)
        elif method == "GET_PROPERTY":
            self._accept(self._combined, ident)
        elif not isinstance(params, list):
            self._refuse(2, "Invalid request: params must be an array", ident)
        elif method == "SET_PROPERTY":
            self._set_property(params, ident)
        elif not all(isinstance(name, str) and name for name in params):
            self._refuse(2, "Invalid request: request must be a list of strings", ident)
        else:
            self._change(str(method), params, ident)

    def _change(self, method: str, names: list[str], ident: object) -> None:
        self._accept(None, ident)
        if method == "SUBSCRIBE":
            self._subscribe(names)
        else:
            for name in names:
                self._streams.pop(name, None)
                self._mute.discard(name)

    def _subscribe(self, names: list[str]) -> None:
        for name in names:
            stream = parse_stream(name)
            if not self.serves(stream.kind):
                self._mute.add(name)
                continue
            stream = self._streams.setdefault(name, stream)
            if stream.kind.startswith("depth") and stream.symbol in self._pairs():
                self._source.wanted(self.venue, stream.symbol)

    def _set_property(self, params: list[Any], ident: object) -> None:
        if len(params) != 2 or params[0] != "combined":
            self._refuse(0, "Unknown property", ident)
        elif not isinstance(params[1], bool):
            self._refuse(1, "Invalid value type: expected Boolean", ident)
        else:
            self._combined = params[1]
            self._accept(None, ident)

    def _accept(self, result: object, ident: object) -> None:
        self.say(json.dumps({"result": result, "id": ident}, separators=(",", ":")), "control")

    def _refuse(self, code: int, message: str, ident: object) -> None:
        error = {"code": code, "msg": message, "id": ident}
        self.say(json.dumps(error, separators=(",", ":")), "control")

    def _pairs(self) -> dict[str, Pair]:
        return dict(self._source.pairs(self.venue))

    def write_change(self, event: BookEvent, spec: Spec) -> str:
        """Write a change of a book."""
        return wire.depth_update(event, spec)

    def write_best(self, event: BookEvent, pair: Pair, depth: int) -> str:
        """Write the best levels; of whom they are and of when is not in it."""
        bids, asks = (wire.levels(side.top(depth), pair.spec) for side in (pair.book.bids, pair.book.asks))
        return f'{{"lastUpdateId":{pair.last_id},"bids":[{bids}],"asks":[{asks}]}}'

    def write_trade(self, event: TradeEvent, made: VenueTrade, spec: Spec) -> str:
        """Write one trade."""
        return event.text or wire.trade(made, spec)

    def write_ticker(self, event: TickerEvent, spec: Spec) -> str:
        """Write the best prices."""
        return wire.ticker(event, spec)

    def hear(self, event: Event) -> None:
        """Push an event to the streams that carry it."""
        pair = self._source.pairs(self.venue)[event.symbol]
        name = event.symbol.lower()
        if isinstance(event, BookEvent):
            self._hear_book(event, pair, name)
        elif isinstance(event, TradeEvent):
            self._hear_trades(event, pair, name)
        elif f"{name}@bookTicker" in self._streams:
            self._push(f"{name}@bookTicker", self.write_ticker(event, pair.spec))

    def _hear_book(self, event: BookEvent, pair: Pair, name: str) -> None:
        for kind in self.fast:
            if f"{name}@{kind}" in self._streams:
                self._push_depth(f"{name}@{kind}", self.write_change(event, pair.spec), pair)
        for stream in self._streams.values():
            if stream.symbol == event.symbol:
                self._push_best(stream, event, pair)
        slow = self._streams.get(f"{name}@depth")
        if slow is not None:
            slow.pending.append(event)
            if event.time - slow.pending[0].time >= self.slow_ns - 100 * wire.MILLISECOND:
                merged, slow.pending = merge(slow.pending), []
                self._push_depth(slow.name, self.write_change(merged, pair.spec), pair)

    def _push_best(self, stream: SubscribedStream, event: BookEvent, pair: Pair) -> None:
        parts = _BEST.fullmatch(stream.kind)
        if parts is None:
            return
        pause = int(parts[2]) * wire.MILLISECOND if parts[2] else self.slow_ns
        if event.time - stream.sent_at >= pause:
            stream.sent_at = event.time
            self._push(stream.name, self.write_best(event, pair, int(parts[1])))

    def _push_depth(self, name: str, payload: str, pair: Pair) -> None:
        best = pair.book.asks.best
        if best is not None and self._line.take("crossed"):
            payload = wire.crossed(payload, best, spec=pair.spec)
        self._push(name, payload, book=True)

    def _hear_trades(self, event: TradeEvent, pair: Pair, name: str) -> None:
        for made in event.trades:
            if f"{name}@trade" in self._streams:
                self._push(f"{name}@trade", self.write_trade(event, made, pair.spec))
            if f"{name}@aggTrade" in self._streams:
                self._push(f"{name}@aggTrade", wire.agg_trade(made, pair.spec))

    def _push(self, name: str, payload: str, *, book: bool = False) -> None:
        self.say(self._framed(name, payload), "book" if book else "data")

    def _framed(self, name: str, payload: str) -> str:
        return f'{{"stream":"{name}","data":{payload}}}' if self._combined else payload

    async def _push_klines(self) -> None:
        while True:
            await self._clock.sleep(_KLINE_EVERY_S)
            for stream in list(self._streams.values()):
                if stream.kind.startswith("kline_"):
                    self._push_kline(stream)

    def _push_kline(self, stream: SubscribedStream) -> None:
        interval, pair = stream.kind.removeprefix("kline_"), self._pairs().get(stream.symbol)
        if pair is None or interval not in wire.INTERVALS:
            return
        now_ms = max(self._clock.now(), pair.last_time) // wire.MILLISECOND
        for candle in pair.candles.rows(wire.INTERVALS[interval], now_ms=now_ms, limit=2):
            closed = wire.INTERVALS[interval].next(candle.open_ms) <= now_ms
            if closed and stream.last_open_ms != candle.open_ms:
                continue
            stream.last_open_ms = -1 if closed else candle.open_ms
            options: dict[str, Any] = {"symbol": stream.symbol, "interval": interval, "now_ms": now_ms}
            self._push(stream.name, wire.kline(candle, spec=pair.spec, closed=closed, **options))


def merge(events: list[BookEvent]) -> BookEvent:
    """Make one diff event of consecutive ones, as the 1000 ms stream does."""
    bids = {price: qty for event in events for price, qty in event.bids}
    asks = {price: qty for event in events for price, qty in event.asks}
    return BookEvent(
        venue=events[-1].venue,
        symbol=events[-1].symbol,
        time=events[-1].time,
        bids=tuple(sorted(bids.items(), reverse=True)),
        asks=tuple(sorted(asks.items())),
        first_id=events[0].first_id,
        last_id=events[-1].last_id,
    )
