"""Speak Bitget's API v2: spot.

Each change of a book names the message before it (``pseq``). Answers name a channel, never a request. After
trades were asked for, the last ones are told as a ``snapshot``. Manual: Bitget API, spot.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.candles import DAY_MS, MONTH, WEEK, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_IN_CHINA_MS = -8 * 3_600_000
"""Where intervals from six hours on begin that do not say ``utc``."""
_INTERVALS: dict[str, CandleInterval] = {
    **{f"{count}min": minutes(count) for count in (1, 3, 5, 15, 30)},
    "1h": minutes(60),
    "4h": minutes(240),
    "6h": CandleInterval(DAY_MS // 4, _IN_CHINA_MS),
    "12h": CandleInterval(DAY_MS // 2, _IN_CHINA_MS),
    "1day": CandleInterval(DAY_MS, _IN_CHINA_MS),
    "6Hutc": minutes(360),
    "12Hutc": minutes(720),
    "1Dutc": minutes(1_440),
    "3Dutc": minutes(3 * 1_440),
    "1Wutc": WEEK,
    "1Mutc": MONTH,
}
_CHANNELS: dict[str, tuple[Kind, int]] = {
    "books": ("book", 500),
    "books1": ("whole", 1),
    "books5": ("whole", 5),
    "books15": ("whole", 15),
    "trade": ("trades", 0),
    "ticker": ("ticker", 0),
}
_TOLD_BEFORE = 50
_ROWS, _MOST_ROWS = 100, {"candles": 1_000, "history-candles": 200}
_REST_LEVELS = 150


class BitgetSession(TopicSession):
    """One connection to the public stream."""

    venue = "bitget"
    idle_s = 120

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``subscribe`` and ``unsubscribe``."""
        if message == "ping":
            self.say("pong", "control")
            return
        fields = message if isinstance(message, dict) else {}
        operation, arguments = fields.get("op"), fields.get("args")
        if operation not in ("subscribe", "unsubscribe") or not isinstance(arguments, list):
            self.tell({"event": "error", "code": 30003, "msg": "Invalid op"})
            return
        for argument in arguments:
            self._argument(str(operation), argument if isinstance(argument, dict) else {})

    def _argument(self, operation: str, argument: Mapping[str, Any]) -> None:
        channel, symbol = str(argument.get("channel")), str(argument.get("instId"))
        if channel not in _CHANNELS or self.pair(symbol) is None:
            words = f"instType:{argument.get('instType')},channel:{channel},instId:{symbol} doesn't exist"
            self.tell({"event": "error", "code": 30001, "msg": words, "arg": argument})
            return
        self.tell({"event": operation, "arg": argument})
        kind, depth = _CHANNELS[channel]
        is_served = argument.get("instType") == "SPOT"  # else it is acknowledged and stays silent
        topic = Topic(kind if is_served else "other", symbol, channel, depth)
        if operation == "unsubscribe":
            self.leave(topic)
            return
        self.join(topic)
        pair = self.pair(symbol)
        if topic.kind == "trades" and pair is not None and pair.trades:
            self.say(self._told(topic, list(pair.trades)[-_TOLD_BEFORE:], pair, "snapshot"))

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, or a change that names the message before it."""
        entry = {
            "asks": figures.levels(told.asks, pair.spec),
            "bids": figures.levels(told.bids, pair.spec),
            "ts": str(told.time // MILLISECOND),
            "seq": told.last_id,
            "pseq": 0 if told.is_whole else told.previous_id,
        }
        yield self._pushed(topic, "snapshot" if told.is_whole else "update", [entry])

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message."""
        yield self._told(topic, made, pair, "update")

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices, and the last trade."""
        entry = {
            "instId": topic.symbol,
            "lastPr": figures.short(figures.last_price(pair), pair.spec),
            "bidPr": figures.short(event.bid[0], pair.spec),
            "askPr": figures.short(event.ask[0], pair.spec),
            "bidSz": figures.quantity(event.bid[1]),
            "askSz": figures.quantity(event.ask[1]),
            "ts": str(event.time // MILLISECOND),
        }
        yield self._pushed(topic, "snapshot", [entry])

    def _told(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair, action: str) -> str:
        entries = [
            {
                "ts": str(one.time // MILLISECOND),
                "price": figures.short(one.price, pair.spec),
                "size": figures.quantity(one.qty),
                "side": "buy" if one.taker_buys else "sell",
                "tradeId": str(one.id),
            }
            for one in reversed(made)
        ]
        return self._pushed(topic, action, entries)

    def _pushed(self, topic: Topic, action: str, data: Sequence[object]) -> str:
        arg = {"instType": "SPOT", "channel": topic.channel, "instId": topic.symbol}
        now = self._clock.now() // MILLISECOND
        return text.compact({"action": action, "arg": arg, "data": data, "ts": now})


class BitgetRest(VenueRest):
    """Answers under ``/api/v2/spot``; refusals have a code and a status."""

    venue = "bitget"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/api/v2/spot/public/symbols": lambda asked: self._data(
                [_entry(one.spec) for one in self.pairs()]
            ),
            "/api/v2/spot/market/candles": lambda asked: self._candles(asked, "candles"),
            "/api/v2/spot/market/history-candles": lambda asked: self._candles(asked, "history-candles"),
            "/api/v2/spot/market/orderbook": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a parameter does not exist."""
        words = f"Parameter {field} does not exist"
        return RestRefusal(400, {"code": "40034", "msg": words, "requestTime": self.now_ms(), "data": None})

    def _data(self, data: object) -> dict[str, Any]:
        return {"code": "00000", "msg": "success", "requestTime": self.now_ms(), "data": data}

    def _candles(self, asked: AskedFields, endpoint: str) -> Any:
        pair, interval = self.pair(asked, "symbol"), _INTERVALS.get(asked.text("granularity"))
        if interval is None:
            raise self.refusal("granularity")
        limit = min(asked.integer("limit", _ROWS), _MOST_ROWS[endpoint])
        first, last = asked.optional("startTime") or 0, asked.optional("endTime")
        if endpoint == "history-candles" and last is None:
            raise self.refusal("endTime")
        rows = self.candles(pair, interval, end_ms=last, limit=limit)
        return self._data([_row(one, pair.spec) for one in rows if one.open_ms >= first])

    def _book(self, asked: AskedFields) -> Any:
        pair, limit = self.pair(asked, "symbol"), min(asked.integer("limit", _REST_LEVELS), _REST_LEVELS)
        sides = (("asks", pair.book.asks), ("bids", pair.book.bids))
        told = {name: figures.levels(side.top(limit), pair.spec) for name, side in sides}
        return self._data(told | {"ts": str(self.now_ms())})


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "minTradeAmount": figures.quantity(spec.min_qty),
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": "0.002",
        "makerFeeRate": "0.002",
        "pricePrecision": str(spec.price_decimals),
        "quantityPrecision": str(figures.places(spec.step)),
        "quotePrecision": "8",
        "status": "online",
        "minTradeUSDT": spec.min_notional,
    }


def _row(candle: VenueCandle, spec: Spec) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    worth = figures.worth(candle.quote, spec)
    figures_ = (*(figures.short(one, spec) for one in prices), figures.quantity(candle.volume), worth, worth)
    return [str(candle.open_ms), *figures_]


PROTOCOL = VenueProtocol(
    name="bitget",
    session=BitgetSession,
    sockets=("/v2/ws/public",),
    ws_base="/v2/ws/public",
    rest=lambda source, clock: BitgetRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}{quote}", base, quote),),
)
