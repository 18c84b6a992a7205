"""Serve Kraken's WebSocket v2: status, subscriptions with one answer per symbol, book, trades, candles.

Follows the venue's v2 pages. Heartbeats come each second without other data, once anything is
subscribed. Refusals leave the socket open.
"""

import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from twap_server.venue import instruments, text
from twap_server.venue.protocols.kraken import wire
from twap_server.venue.protocols.kraken.book import DEPTHS, View, cross, spoil
from twap_server.venue.session import VenueSession
from twap_server.venue.source import BookEvent, Event, Pair, TradeEvent

_OPTIONS = {"book": ("depth", 10), "ohlc": ("interval", 1)}
_CHANNELS = ("book", "trade", "ohlc", "instrument")
_HEARTBEAT_S = 1.0
_TRADES_SHOWN = 50
_CANDLES_SHOWN = 100

Key = tuple[str, str, int]
"""Channel, symbol, and depth or interval (0 where there is none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A subscribe or unsubscribe request for one symbol."""

    method: str
    channel: str
    symbol: str
    option: int
    snapshot: bool
    ident: object
    time_in: str


class KrakenSession(VenueSession):
    """One connection to ``/v2``."""

    venue = instruments.KRAKEN

    def prepare(self) -> None:
        """Begin without subscriptions."""
        self._keys: dict[Key, View | None] = {}
        self._quiet = True

    def subscriptions(self) -> list[str]:
        """Name the subscriptions."""
        return [":".join(str(part) for part in key if part) for key in self._keys]

    def greet(self) -> None:
        """Tell the status."""
        self.say(
            '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
            f'"api_version":"v2","connection_id":{10**17 * 7 + self.number}}}]}}',
            "control",
        )

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Send heartbeats."""
        return [self._beat()]

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(_HEARTBEAT_S)
            if self._quiet and self._keys:
                self.say('{"channel":"heartbeat"}', "control")
            self._quiet = True

    def receive(self, message: str) -> None:
        """Answer a request of the client."""
        time_in = self._time()
        try:
            request = json.loads(message)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            self._reply({"error": "Malformed request", "success": False}, time_in=time_in, ident=None)
            return
        method, ident = request.get("method"), request.get("req_id")
        if method == "ping":
            self._reply({"method": "pong"}, time_in=time_in, ident=ident)
        elif method in ("subscribe", "unsubscribe"):
            self._wish(str(method), request.get("params"), time_in=time_in, ident=ident)
        else:
            error = {"method": method, "error": "Unsupported method", "success": False}
            self._reply(error, time_in=time_in, ident=ident)

    def _wish(self, method: str, params: object, *, time_in: str, ident: object) -> None:
        fields = params if isinstance(params, dict) else {}
        channel = fields.get("channel")
        symbols = fields.get("symbol", [""] if channel == "instrument" else [])
        option = fields.get(*_OPTIONS.get(str(channel), ("", 0)))
        for symbol in symbols if isinstance(symbols, list) else [symbols]:
            wish = Wish(
                method=method,
                channel=str(channel),
                symbol=str(symbol),
                option=option if isinstance(option, int) else -1,
                snapshot=bool(fields.get("snapshot", channel != "trade")),
                ident=ident,
                time_in=time_in,
            )
            self._settle(wish)

    def _settle(self, wish: Wish) -> None:
        key = (wish.channel, wish.symbol, wish.option)
        error = self._error(wish, key)
        if error:
            body = {"method": wish.method, "success": False, "error": error}
            self._reply(
                body | ({"symbol": wish.symbol} if wish.symbol else {}),
                time_in=wish.time_in,
                ident=wish.ident,
            )
            return
        self._reply(
            {"method": wish.method, "result": _result(wish), "success": True},
            time_in=wish.time_in,
            ident=wish.ident,
        )
        if wish.method == "unsubscribe":
            del self._keys[key]
        else:
            self._begin(wish, key)

    def _error(self, wish: Wish, key: Key) -> str | None:
        checks = (
            (wish.channel not in _CHANNELS, f"Channel not supported {wish.channel}"),
            (
                wish.channel != "instrument" and wish.symbol not in self._pairs(),
                f"Currency pair not supported {wish.symbol}",
            ),
            (wish.channel == "book" and wish.option not in DEPTHS, "Subscription depth not supported"),
            (
                wish.channel == "ohlc" and wish.option not in wire.INTERVALS,
                "Subscription ohlc interval not supported",
            ),
            (wish.method == "unsubscribe" and key not in self._keys, "Subscription Not Found"),
            (wish.method == "subscribe" and key in self._keys, "Already subscribed to one or more channels"),
        )
        return next((message for refused, message in checks if refused), None)

    def _begin(self, wish: Wish, key: Key) -> None:
        pair = self._pairs().get(wish.symbol)
        if wish.channel == "book" and pair is not None:
            view = self._keys[key] = View(pair, wish.option)
            if wish.snapshot and pair.book:
                self.say(view.snapshot(self._clock.now()))
            self._source.wanted(self.venue, wish.symbol)
            return
        self._keys[key] = None
        if wish.snapshot:
            self.say(self._first(wish, pair))

    def _first(self, wish: Wish, pair: Pair | None) -> str:
        if pair is None:
            return wire.instrument_snapshot(self._pairs().values())
        if wish.channel == "trade":
            return wire.trades(list(pair.trades)[-_TRADES_SHOWN:], pair.spec, kind="snapshot")
        interval = wire.INTERVALS[wish.option]
        rows = pair.candles.rows(interval, now_ms=self._clock.now() // 10**6, limit=_CANDLES_SHOWN)
        return wire.ohlc(rows, pair.spec, minutes=wish.option, now=self._clock.now(), kind="snapshot")

    def _reply(self, body: dict[str, Any], *, time_in: str, ident: object) -> None:
        answer = {**body, "time_in": time_in, "time_out": self._time()}
        if ident is not None:
            answer["req_id"] = ident
        self.say(json.dumps(answer, separators=(",", ":")), "control")

    def _time(self) -> str:
        return text.iso_micros(self._clock.now())

    def _pairs(self) -> dict[str, Pair]:
        return dict(self._source.pairs(self.venue))

    def hear(self, event: Event) -> None:
        """Render an event for each subscription that carries it."""
        pair = self._source.pairs(self.venue)[event.symbol]
        for channel, symbol, option in list(self._keys):
            if symbol != event.symbol:
                continue
            if isinstance(event, BookEvent) and channel == "book":
                self._push_book(event, pair, self._keys[channel, symbol, option])
            elif isinstance(event, TradeEvent) and channel == "trade":
                self._push(wire.trades(event.trades, pair.spec, kind="update"))
            elif isinstance(event, TradeEvent) and channel == "ohlc":
                interval = wire.INTERVALS[option]
                rows = pair.candles.rows(interval, now_ms=event.time // 10**6, limit=1)
                self._push(wire.ohlc(rows, pair.spec, minutes=option, now=event.time, kind="update"))

    def _push_book(self, event: BookEvent, pair: Pair, view: View | None) -> None:
        frame = view.update(event) if view is not None else None
        if frame is None:
            return
        if not event.snapshot and len(pair.book.asks) and self._line.take("crossed"):
            frame = cross(frame, pair.book, spec=pair.spec)
        if self._line.take("badsum"):
            frame = spoil(frame)
        self._quiet = False
        self.say(frame, "data" if event.snapshot else "book")

    def _push(self, frame: str) -> None:
        self._quiet = False
        self.say(frame)


def _result(wish: Wish) -> dict[str, Any]:
    result: dict[str, Any] = {"channel": wish.channel}
    if wish.channel in _OPTIONS:
        result[_OPTIONS[wish.channel][0]] = wish.option
    if wish.method == "subscribe":
        result["snapshot"] = wish.snapshot
    if wish.symbol:
        result["symbol"] = wish.symbol
    return result
