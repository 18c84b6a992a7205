"""Speak Bitget's API v2: spot.

A request is acknowledged argument by argument; what names a real symbol wrongly is acknowledged, too, and
stays silent. A change names the number of the message before (``pseq``). Who does not ``ping`` for two
minutes is cut. Manual: Bitget API v2, spot (Websocket API, Depth and Trading Channel, market data over REST).
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import MONTH, WEEK, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.session import SessionEndedError
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_EAST_MS = -8 * 60 * 60_000
"""Where days begin at UTC+8."""


def _eastern(count: int) -> CandleInterval:
    return CandleInterval(minutes(count).length_ms, _EAST_MS)


_GRANULARITIES: dict[str, CandleInterval] = {
    **{f"{count}min": minutes(count) for count in (1, 3, 5, 15, 30)},
    "1h": minutes(60),
    "4h": minutes(240),
    "6h": _eastern(360),
    "12h": _eastern(720),
    "1day": _eastern(1_440),
    "6Hutc": minutes(360),
    "12Hutc": minutes(720),
    "1Dutc": minutes(1_440),
    "3Dutc": minutes(3 * 1_440),
    "1Wutc": WEEK,
    "1Mutc": MONTH,
}
_CHANNELS: dict[str, tuple[Kind, int]] = {
    "books": ("book", 500),
    "books15": ("whole", 15),
    "books5": ("whole", 5),
    "books1": ("whole", 1),
    "trade": ("trades", 0),
    "ticker": ("ticker", 0),
}
_MOST_BYTES = 4_096
_UNPINGED_S = 120
_MOST_ROWS = {"candles": 1_000, "history-candles": 200}
_REST_ROWS = 100
_REST_LEVELS = 150


class BitgetSession(TopicSession):
    """One connection to the public stream."""

    venue = "bitget"
    most_topics = 1_000

    def prepare(self) -> None:
        """Begin to wait for pings."""
        super().prepare()
        self._pinged = asyncio.Event()

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Cut who does not ping."""
        return [*super().chores(), self._cut_unpinged()]

    async def _cut_unpinged(self) -> None:
        self._pinged.set()
        while self._pinged.is_set():
            self._pinged.clear()
            await self._clock.sleep(_UNPINGED_S)
        raise SessionEndedError

    def receive(self, message: str) -> None:
        """Answer a client's message; one that is too long closes the connection."""
        if len(message.encode()) > _MOST_BYTES:
            self._refuse(30007, "request over limit", {})
            self.end(0)
        else:
            super().receive(message)

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``subscribe`` and ``unsubscribe``."""
        if message == "ping":
            self._pinged.set()
            self.say("pong", "control")
        elif not isinstance(message, dict):
            self._refuse(30002, "Illegal request", {})
        elif message.get("op") not in ("subscribe", "unsubscribe"):
            self._refuse(30003, "INVALID op", {})
        elif not isinstance(message.get("args"), list):
            self._refuse(30016, "Param error", {})
        else:
            for one in message["args"]:
                self._change(message["op"], one if isinstance(one, dict) else {})

    def _change(self, operation: str, asked: Mapping[str, Any]) -> None:
        place, channel, symbol = (str(asked.get(name, "")) for name in ("instType", "channel", "instId"))
        kind, depth = _CHANNELS.get(channel, ("other", 0))
        known = channel in _CHANNELS or channel.startswith("candle")
        if not known or self.pair(symbol) is None:
            self._refuse(30001, f"instType:{place},channel:{channel},instId:{symbol} doesn't exist", asked)
            return
        topic = Topic(kind if place == "SPOT" else "other", symbol, channel, depth)
        if operation == "subscribe" and topic not in self._topics and self.is_full():
            self._refuse(30007, "request over limit", asked)
            self.end(0)
            return
        self.tell({"event": operation, "arg": asked})
        if operation == "subscribe":
            self.join(topic)
        else:
            self.leave(topic)

    def _refuse(self, code: int, words: str, asked: Mapping[str, Any]) -> None:
        self.tell({"event": "error", "code": code, "msg": words} | ({"arg": asked} if asked else {}))

    def _pushed(self, topic: Topic, action: str, data: list[dict[str, Any]]) -> str:
        about = {"instType": "SPOT", "channel": topic.channel, "instId": topic.symbol}
        now = self._clock.now() // MILLISECOND
        return text.compact({"action": action, "arg": about, "data": data, "ts": now})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or a change that names the message before it."""
        data = {
            "asks": figures.levels(told.asks, pair.spec),
            "bids": figures.levels(told.bids, pair.spec),
            "checksum": 0,
            "seq": told.last_id,
            "pseq": 0 if told.is_whole else told.previous_id,
            "ts": str(told.time // MILLISECOND),
        }
        yield self._pushed(topic, "snapshot" if told.is_whole else "update", [data])

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message, the newest first."""
        yield self._pushed(topic, "update", [_trade(one, pair.spec) for one in reversed(made)])

    def recent_trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """The last trades, the newest first."""
        if made:
            yield self._pushed(topic, "snapshot", [_trade(one, pair.spec) for one in reversed(made)])

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices and the last one, without the figures of the day."""
        data = {
            "instId": topic.symbol,
            "lastPr": figures.short(figures.last_price(pair), pair.spec),
            "bidPr": figures.short(event.bid[0], pair.spec),
            "askPr": figures.short(event.ask[0], pair.spec),
            "bidSz": figures.quantity(event.bid[1]),
            "askSz": figures.quantity(event.ask[1]),
            "ts": str(event.time // MILLISECOND),
        }
        yield self._pushed(topic, "snapshot", [data])


def _trade(one: VenueTrade, spec: Spec) -> dict[str, str]:
    return {
        "ts": str(one.time // MILLISECOND),
        "price": figures.short(one.price, spec),
        "size": figures.quantity(one.qty),
        "side": "buy" if one.taker_buys else "sell",
        "tradeId": str(one.id),
    }


class BitgetRest(VenueRest):
    """Answers under ``/api/v2/spot``; refusals have a code and a status."""

    venue = "bitget"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v2/spot/public/symbols": self._symbols,
            "/api/v2/spot/market/orderbook": self._book,
            "/api/v2/spot/market/{endpoint}": self._candles,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a parameter is missing, unknown or wrong."""
        return RestRefusal(400, self._body("40034", f"Parameter {field} does not exist", None))

    def _body(self, code: str, words: str, data: object) -> dict[str, Any]:
        return {"code": code, "msg": words, "requestTime": self.now_ms(), "data": data}

    def _data(self, data: object) -> dict[str, Any]:
        return self._body("00000", "success", data)

    def _symbols(self, asked: AskedFields) -> Any:
        pairs = [self.pair(asked, "symbol")] if asked.has("symbol") else self.pairs()
        return self._data([_entry(pair.spec) for pair in pairs])

    def _candles(self, asked: AskedFields) -> Any:
        endpoint = asked.text("endpoint")
        if endpoint not in _MOST_ROWS:
            raise RestRefusal(404, self._body("40404", "Request URL NOT FOUND", None))
        pair, interval = self.pair(asked, "symbol"), _GRANULARITIES.get(asked.text("granularity"))
        if interval is None:
            raise self.refusal("granularity")
        if endpoint == "history-candles":
            asked.integer("endTime")
        limit = min(asked.integer("limit", _REST_ROWS), _MOST_ROWS[endpoint])
        start = asked.optional("startTime") or 0
        rows = self.candles(pair, interval, end_ms=asked.optional("endTime"), limit=limit)
        return self._data([_row(one, pair.spec) for one in rows if one.open_ms >= start])

    def _book(self, asked: AskedFields) -> Any:
        pair, limit = self.pair(asked, "symbol"), min(asked.integer("limit", _REST_LEVELS), _REST_LEVELS)
        sides = (("asks", pair.book.asks), ("bids", pair.book.bids))
        told = {name: figures.levels(side.top(limit), pair.spec) for name, side in sides}
        return self._data(told | {"ts": str(self.now_ms())})


def _entry(spec: Spec) -> dict[str, str]:
    return {
        "symbol": spec.symbol,
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "minTradeAmount": figures.quantity(spec.min_qty),
        "pricePrecision": str(spec.price_decimals),
        "quantityPrecision": str(figures.places(spec.step)),
        "quotePrecision": str(spec.price_decimals + figures.places(spec.step)),
        "status": "online",
        "minTradeUSDT": spec.min_notional,
    }


def _row(candle: VenueCandle, spec: Spec) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    base, quote = figures.quantity(candle.volume), figures.worth(candle.quote, spec)
    return [str(candle.open_ms), *(figures.short(one, spec) for one in prices), base, quote, quote]


PROTOCOL = VenueProtocol(
    name="bitget",
    session=BitgetSession,
    sockets=("/v2/ws/public",),
    ws_base="/v2/ws/public",
    rest=lambda source, clock: BitgetRest(source, clock).routes(),
    specs=lambda base, quote: (usual(base + quote, base, quote),),
)
